"""A CNI configuration file of a node (`*.conflist`, `*.conf`), as far as it states pod ranges.

Only host-local has ranges of its own: `subnet` in the old form, `ranges` of alternatives in the new
one (plugins/ipam/host-local of containernetworking/plugins). `usePodCidr` and the like stand for
what another program puts there, and other allocators keep theirs elsewhere: nothing is stated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ParseError
from ..model.address import IPNetwork
from .fields import networks_in, texts_at


def parse_cni_config(text: str) -> tuple[IPNetwork, ...]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"not JSON: {error}") from error
    return networks_in(subnet for subnet in _subnets(found) if "/" in subnet)


def _subnets(config: Any) -> Iterator[str]:
    """Of a list of plugins, or of the one plugin that a `.conf` is."""
    plugins = config.get("plugins", [config]) if isinstance(config, Mapping) else ()
    for plugin in plugins if isinstance(plugins, list) else ():
        if texts_at(plugin, "ipam.type") == ("host-local",):
            yield from texts_at(plugin, "ipam.subnet")
            ranges = plugin["ipam"].get("ranges")
            for alternatives in ranges if isinstance(ranges, list) else ():
                yield from texts_at({"range": alternatives}, "range[].subnet")
