"""Base chains of native nftables and the chains behind them, as walks enter them.

What a walk of every packet would make again, the names of chains and rules, is made once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ...model import nft
from ...model.address import Family
from ...model.fate import ChainId, RuleRef
from .nft_sets import Sets


class Line:
    """A rule as walks meet it, with its name, made once."""

    __slots__ = ("_into", "ref", "statements")

    def __init__(self, where: ChainId, rule: nft.Rule, table: nft.Table) -> None:
        self.statements = rule.statements
        seconds = tuple(_remembered(rule, table))
        self.ref = RuleRef(where, rule.number, rule.raw, remembers=seconds)
        self._into: dict[str, RuleRef] = {}

    def into(self, chain: str) -> RuleRef:
        """The same, as what led the packet to this chain."""
        found = self._into.get(chain)
        if found is None:
            found = self._into[chain] = replace(self.ref, into=chain)
        return found


def _remembered(rule: nft.Rule, table: nft.Table) -> Iterator[int]:
    for statement in rule.statements:
        if type(statement) is nft.Match and isinstance(statement.right, nft.SetName):
            named = table.sets.get(statement.right.name)
            if named is not None and named.timeout is not None and not statement.operator:
                yield named.timeout


@dataclass(frozen=True, slots=True)
class Entered:
    """A chain as walks enter it. `whole` is False where rules, or all of it, were not read."""

    where: ChainId
    lines: tuple[Line, ...]
    whole: bool


def entered(table: nft.Table, family: Family, name: str) -> Entered | None:
    """None if there is no such chain."""
    where, chain = table.chain_id(family, name), table.chains.get(name)
    if chain is None:
        return None if table.complete else Entered(where, (), whole=False)
    return Entered(where, tuple(Line(where, rule, table) for rule in chain.rules), chain.whole)


@dataclass(frozen=True, slots=True)
class NativeBase:
    """A base chain of native nftables that is hooked in, and the hook as walks spell it.
    `enter` gives the chains of its table."""

    table: nft.Table
    where: ChainId
    chain: nft.Chain
    sets: Sets
    hook: str
    enter: Callable[[Family, str], Entered | None]
