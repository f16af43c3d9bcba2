"""`nft list tables`, and of `nft list table FAMILY NAME` only which hooks it registers.

A table whose text does not end with its closing brace broke off, which is a ParseError: a base
chain may be missing. The text itself is kept, for a person and for the reader to come.
"""

from __future__ import annotations

import re

from ..errors import ParseError
from ..model.nodeview import ForeignTable
from ._text import split_lines

_NAMES = re.compile(r"table (ip|ip6|inet|arp|bridge|netdev) (\S+)$")
_HEAD = re.compile(r"table (ip|ip6|inet|arp|bridge|netdev) (\S+) \{")
_HOOK = re.compile(r"\s*type \w+ hook (\w+) ")

#: The tables that iptables-nft keeps in the families ip and ip6.
_IPTABLES = ("raw", "mangle", "nat", "filter", "security")


def parse_tables(text: str) -> tuple[tuple[str, str], ...]:
    """Family and name of each table. Comments (`# …`) are skipped."""
    names = []
    for number, line in enumerate(split_lines(text), 1):
        found = _NAMES.match(line.rstrip())
        if found:
            names.append((found[1], found[2]))
        elif line.strip() and not line.startswith("#"):
            raise ParseError("not a line of `nft list tables`", line=number, text=line)
    return tuple(names)


def is_iptables(family: str, name: str) -> bool:
    """Whether this is a name that iptables-nft uses: read it with iptables-nft-save."""
    return family in ("ip", "ip6") and name in _IPTABLES


def parse_table(text: str) -> ForeignTable:
    lines = [line for line in split_lines(text) if line.strip()]
    head = next((_HEAD.match(line) for line in lines if not line.startswith("#")), None)
    if head is None:
        raise ParseError("not an nft table", line=1, text=lines[0] if lines else "")
    if lines[-1] != "}":
        raise ParseError("the nft table broke off", line=len(lines), text=lines[-1])
    hooks = (_HOOK.match(line) for line in lines)
    return ForeignTable(
        family=head[1],
        name=head[2],
        hooks=frozenset(found[1] for found in hooks if found),
        raw=text,
    )
