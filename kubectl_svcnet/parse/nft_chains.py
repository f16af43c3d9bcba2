"""`nft list chains`: which nft tables a kernel has, and where their base chains hook in.

Any nft from 0.9 on; closing braces and regular chains may be missing (they are filtered on the
node), since a base chain's `type … hook … priority …` line follows its own header. What is not
understood is no error: an unknown line inside a table is skipped, for nothing here is a rule.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ._text import split_lines, split_numbers

_TABLE = re.compile(r"table (\w+) (\S+) \{?")
_CHAIN = re.compile(r"\s*chain (\S+) \{?")
_HOOK = re.compile(r"\s*type (\w+) hook (\w+)(?: device \S+)? priority ([^;]+);")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTable:
    """`base`: base chain → (type, hook, priority as written). `chains`: all that are named."""

    family: str
    name: str
    base: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    chains: tuple[str, ...] = ()


def parse_chain_listing(text: str) -> tuple[ListedTable, ...]:
    tables: dict[tuple[str, str], dict[str, tuple[str, str, str] | None]] = {}
    chains: dict[str, tuple[str, str, str] | None] = {}
    chain = ""
    for line in split_numbers(split_lines(text))[1]:
        if found := _TABLE.match(line):
            chains = tables.setdefault((found[1], found[2]), {})
        elif found := _CHAIN.match(line):
            chain = found[1]
            chains[chain] = None
        elif found := _HOOK.match(line):
            chains[chain] = (found[1], found[2], found[3].strip())
    return tuple(
        ListedTable(
            family=family,
            name=name,
            base={chain: hook for chain, hook in found.items() if hook is not None},
            chains=tuple(found),
        )
        for (family, name), found in tables.items()
    )
