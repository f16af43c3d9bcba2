"""`nft -a list chains`: which nft tables a kernel has, and where their base chains hook in.

Any nft from 0.9 on; closing braces and regular chains may be missing (they are filtered on the
node), since a base chain's `type … hook … priority …` line follows its own header. What is not
understood is no error: an unknown line inside a table is skipped, for nothing here is a rule.
Handles may be missing too (before -a was asked for).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ._text import split_lines, split_numbers

_TABLE = re.compile(r"table (\w+) (\S+) \{?")
_CHAIN = re.compile(r"\s*chain (\S+) \{?(?:\s*# handle (\d{1,18}))?")
_HOOK = re.compile(r"\s*type (\w+) hook (\w+)(?: devices? (?:= \{[^}]*\}|\S+))? priority ([^;]+);")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTable:
    """`base`: base chain → (type, hook, priority as written). `chains`: all that are named."""

    family: str
    name: str
    base: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    chains: tuple[str, ...] = ()
    handles: Mapping[str, int] = field(default_factory=dict)  # of base chains

    @property
    def original(self) -> bool:
        """Its base chains are the first things that were made in it: a table counts what is made
        in it (nf_tables_alloc_handle), and kube-proxy makes, deletes and makes each anew."""
        known = len(self.base) == len(self.handles) > 0
        return known and max(self.handles.values()) <= 2 * len(self.base)


def parse_chain_listing(text: str) -> tuple[ListedTable, ...]:
    tables: dict[tuple[str, str], dict[str, tuple[str, str, str] | None]] = {}
    handles: dict[tuple[str, str], dict[str, int]] = {}
    table = "", ""
    chain = ""
    for line in split_numbers(split_lines(text))[1]:
        if found := _TABLE.match(line):
            table = found[1], found[2]
            tables.setdefault(table, {})
        elif found := _CHAIN.match(line):
            chain = found[1]
            tables.setdefault(table, {})[chain] = None
            if found[2]:
                handles.setdefault(table, {})[chain] = int(found[2])
        elif found := _HOOK.match(line):
            tables.setdefault(table, {})[chain] = (found[1], found[2], found[3].strip())
    return tuple(
        _listed(*table, chains, handles.get(table, {}))
        for table, chains in tables.items()
        if table[0]
    )


def _listed(
    family: str,
    name: str,
    chains: Mapping[str, tuple[str, str, str] | None],
    handles: Mapping[str, int],
) -> ListedTable:
    base = {chain: hook for chain, hook in chains.items() if hook is not None}
    return ListedTable(
        family=family,
        name=name,
        base=base,
        chains=tuple(chains),
        handles={chain: handle for chain, handle in handles.items() if chain in base},
    )
