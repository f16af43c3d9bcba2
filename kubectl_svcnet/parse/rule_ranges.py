"""The networks that the rules of one chain name as destination, of iptables-save's output.

Of a few lines that a network plugin wrote for whole ranges; whoever has to know what a rule does
reads it with `iptables_save`. Comments tell which of a chain's rules are meant, by the plugin's
own source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..model.address import IPNetwork
from .cidr import parse_networks

_DESTINATION = re.compile(r" -d (\S+)")


def parse_rule_ranges(text: str, chain: str) -> Iterator[tuple[IPNetwork, str]]:
    """Each network with its rule. Raises ParseError for a destination that is none."""
    start = f"-A {chain} "
    for line in text.splitlines():
        found = _DESTINATION.search(line) if line.startswith(start) else None
        if found is not None and "/" in found[1]:
            yield parse_networks(found[1])[0], line
