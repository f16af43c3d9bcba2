"""The rules of a node as iptables has them: tables, chains, rules, matches and targets.

Nothing is dropped: a rule keeps its raw line and its number in the chain (from 1), and what is
not understood is an `Unknown` match or target with its raw words. A chain says whether it is
here whole; one that no table holds is unread unless its table is `complete`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .address import Family, IPAddress, Protocol
from .fate import Backend, ChainId


@dataclass(frozen=True, slots=True)
class Unknown:
    """Words of a rule that are not understood, as match or as target."""

    raw: str


@dataclass(frozen=True, slots=True)
class Rule:
    """`matches` (`model.matches`, or Unknown) are tried in order, all must hold; `target`
    (`model.targets`, or Unknown) is None for a rule without one. `raw` is its line from -A on,
    without the counters of `-c`."""

    number: int
    raw: str
    matches: tuple[object, ...] = ()
    target: object | None = None


class IndexedRules(Sequence[Rule]):
    """Rules that know, without trying each, which of them may match at all."""

    @abstractmethod
    def toward(self, destination: IPAddress, protocol: Protocol, port: int) -> Sequence[Rule]:
        """In order, every rule but those that this destination or port rules out for certain."""

    @abstractmethod
    def raws(self) -> Iterable[str]:
        """The rules' own lines, without making rules of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """`covers` is None where every rule is here. Otherwise rules of *other* single destination
    addresses were left on the node: the chain is whole only for a packet whose destination is
    in `covers`, and unread for any other."""

    name: str
    policy: str | None = None  # ACCEPT or DROP for a base chain
    rules: Sequence[Rule] = ()
    covers: frozenset[IPAddress] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`complete`: the whole table was listed, so a chain that is not here does not exist.
    `incompatible`: iptables-nft would not list it (native nft rules in it); it is unread.
    `truncated`: the listing broke off before COMMIT; chains that may lack rules cover nothing.
    `garbled`: lines inside it that are neither rule nor declaration; any walk may miss a rule.
    `fed`: the ipsets that rules of this listing add to or delete from."""

    name: str
    chains: Mapping[str, Chain] = field(default_factory=dict)
    complete: bool = False
    incompatible: bool = False
    truncated: bool = False
    garbled: tuple[Unknown, ...] = ()
    fed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """The tables of one family and backend. `complete`: a table that is not here is not in the
    kernel (a dump lists all there are). `stray` lines stood outside every table."""

    family: Family
    backend: Backend
    tables: Mapping[str, Table] = field(default_factory=dict)
    complete: bool = False
    comments: tuple[str, ...] = ()
    stray: tuple[Unknown, ...] = ()

    def chain(self, table: str, name: str) -> Chain | None:
        found = self.tables.get(table)
        return found.chains.get(name) if found else None

    def chain_id(self, table: str, name: str) -> ChainId:
        return ChainId(self.family, self.backend, table, name)
