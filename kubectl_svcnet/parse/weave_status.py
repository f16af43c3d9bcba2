"""Weave Net's own /status: the range that its allocator works with now (prog/weaver/http.go).

Blocks of `Name: value` lines, one for each service of weaver; releases before 2.0 write the range
as its first and last address. While the allocator waits for its peers there is none.
"""

from __future__ import annotations

import re

from ..model.address import IPNetwork
from .address_spans import parse_spans

_RANGE = re.compile(r"^[ \t]*Range:[ \t]*(\S+)", re.MULTILINE)


def parse_weave_status(text: str) -> tuple[tuple[IPNetwork, ...], str]:
    """The networks and their line; none, "" where no range is told."""
    for block in re.split(r"\n[ \t]*\n", text.replace("\r", "")):
        found = _RANGE.search(block)
        if found is not None and re.search(r"^[ \t]*Service:[ \t]*ipam$", block, re.MULTILINE):
            return parse_spans(found[1]), found[0].strip()
    return (), ""
