"""Which base chains a packet meets at a hook, and in which order.

Chains run by priority, iptables' (of both backends) among native nftables'. All nat chains of a
family run inside one hook of the kernel, at -100 where destinations change and at 100 where
sources do (nf_nat_proto.c); their own priorities order them only among themselves. Of chains
that have the same priority the one registered last runs first (nf_hook_entries_grow): those of
one native table are listed as they were made, of others no listing shows it, and their order is
open. But the kernel lists tables in the order in which they were made (nf_tables_newtable): where
a native table's base chains are known to be as old as itself, chains of a table that stands after
it are newer. The other way round proves nothing, since iptables adds its base chains when it first
needs them. Connection tracking runs at -200, IPVS beside nat. What hooks in at a device runs before
all that, or after it, whatever its priority.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TypeAlias

from ...model import nft
from ...model.address import Family
from ...model.fate import Backend, ChainId
from ...model.ipvs import VirtualServers
from .ipvs import PRIORITIES, Ipvs
from .nft_bases import NativeBase, entered
from .nft_sets import Sets
from .walk import Base, Bases

#: iptables' tables with a base chain at each hook, with their priorities.
_TABLES = {
    "PREROUTING": (("raw", -300), ("mangle", -150), ("nat", -100)),
    "INPUT": (("mangle", -150), ("filter", 0), ("security", 50), ("nat", 100)),
    "FORWARD": (("mangle", -150), ("filter", 0), ("security", 50)),
    "OUTPUT": (
        ("raw", -300),
        ("mangle", -150),
        ("nat", -100),
        ("filter", 0),
        ("security", 50),
    ),
    "POSTROUTING": (("mangle", -150), ("nat", 100)),
}
_NAT = {"PREROUTING": -100, "OUTPUT": -100, "INPUT": 100, "POSTROUTING": 100}
_NFT_SECURITY = 150
#: Hooks of devices: at which of the others they run, and how far from it.
_AT_DEVICES = {"ingress": "PREROUTING", "egress": "POSTROUTING"}
_FAR = {"ingress": -1 << 33, "egress": 1 << 33}
_TRACKING = -200  # NF_IP_PRI_CONNTRACK

#: Chains of one table that are kept as they are entered: the shared ones and a few Services'.
MOST_ENTERED = 1024


@dataclass(frozen=True, slots=True)
class Track:
    """Connection tracking looks at the packet."""


@dataclass(frozen=True, slots=True)
class NatHook:
    """All nat chains of a hook, by their own priorities; those of one `Group` in any order."""

    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """What runs at one priority, in an order that is not known if it is several. `unread`: base
    chains of which nobody knows whether they exist. `garbled`: why no order can be told."""

    entries: tuple[Entry, ...] = ()
    unread: tuple[ChainId, ...] = ()
    garbled: str = ""


Entry: TypeAlias = "Base | NativeBase | NatHook | Track | Ipvs"


@dataclass(slots=True)
class _Draft:
    entries: list[Entry] = field(default_factory=list)
    unread: list[ChainId] = field(default_factory=list)
    garbled: str = ""


class Natives:
    """The native tables of one node, ready to be walked."""

    def __init__(self, tables: Iterable[nft.Table]) -> None:
        self._tables = tuple(
            (table, Sets(table), lru_cache(maxsize=MOST_ENTERED)(partial(entered, table)))
            for table in tables
        )

    def at(self, family: Family, hook: str) -> Iterable[NativeBase]:
        for table, sets, enter in self._tables:
            if table.dormant or family not in nft.SEES.get(table.family, ()):
                continue
            for chain in table.chains.values():
                if chain.base is not None and hook_of(chain.base.hook) == hook and _acts(chain):
                    where = table.chain_id(family, chain.name)
                    yield NativeBase(table, where, chain, sets, hook, enter)

    def garbled(self, family: Family) -> str:
        """Why no walk of this family can be told: lines or hooks that are not understood."""
        for table, *_ in self._tables:
            if family not in nft.SEES.get(table.family, ()):
                continue
            if table.garbled:
                return f"nft table {table}: not understood: {table.garbled[0].raw[:120]}"
            for chain in table.chains.values():
                if chain.base is not None and chain.base.priority is None:
                    where = table.chain_id(family, chain.name)
                    return f"{where}: how it hooks in is not understood"
        return ""


def hook_of(name: str) -> str:
    """The hook of a packet's path at which this one of nft runs."""
    return _AT_DEVICES.get(name, name.upper())


def _acts(chain: nft.Chain) -> bool:
    policy = chain.base.policy if chain.base else "accept"
    return bool(len(chain.rules)) or policy != "accept" or not chain.whole


class Plan:
    """The stages of every hook of one node, worked out once each."""

    def __init__(
        self,
        tables: Iterable[nft.Table],
        servers: VirtualServers | None,
        order: Sequence[str] = (),
    ) -> None:
        self._natives, self._order = Natives(tables), order
        self._ipvs = Ipvs(servers)
        self._known: dict[tuple[Family, str], tuple[Group, ...]] = {}

    def groups(
        self, family: Family, hook: str, bases: Callable[[str, str], Bases]
    ) -> tuple[Group, ...]:
        """What runs at this hook, in order. `bases`: iptables' chains of a table and hook."""
        found = self._known.get((family, hook))
        if found is None:
            found = self._known[family, hook] = self._find(family, hook, bases)
        return found

    def _find(
        self, family: Family, hook: str, bases: Callable[[str, str], Bases]
    ) -> tuple[Group, ...]:
        garbled = self._natives.garbled(family)
        if garbled:
            return (Group(garbled=garbled),)
        drafts: dict[int, _Draft] = {}
        nat: dict[int, _Draft] = {}
        for table, priority in _TABLES[hook]:
            of, found = nat if table == "nat" else drafts, bases(table, hook)
            for chain in found.chains:
                of.setdefault(_at(priority, chain.where), _Draft()).entries.append(chain)
            for where in found.unread:
                of.setdefault(_at(priority, where), _Draft()).unread.append(where)
            if found.garbled:
                of.setdefault(priority, _Draft()).garbled = found.garbled
        for base in self._natives.at(family, hook):
            assert base.chain.base is not None
            assert base.chain.base.priority is not None
            of = nat if base.chain.base.kind == "nat" else drafts
            priority = base.chain.base.priority + _FAR.get(base.chain.base.hook, 0)
            of.setdefault(priority, _Draft()).entries.append(base)
        if hook in ("PREROUTING", "OUTPUT"):
            drafts.setdefault(_TRACKING, _Draft()).entries.append(Track())
        if hook in PRIORITIES and self._ipvs:
            drafts.setdefault(PRIORITIES[hook], _Draft()).entries.append(self._ipvs)
        groups = tuple(part for group in _groups(nat) for part in self._newer_first(group))
        if groups and hook in _NAT:
            drafts.setdefault(_NAT[hook], _Draft()).entries.append(NatHook(groups))
        return tuple(part for group in _groups(drafts) for part in _of_one_table(group))

    def _newer_first(self, group: Group) -> tuple[Group, ...]:
        """In two where iptables' nat table is known to be newer than the native base chain."""
        parts = _of_one_table(group)
        if len(parts) > 1 or len(group.entries) != 2:
            return parts
        iptables, native = group.entries
        if not isinstance(iptables, Base) or not isinstance(native, NativeBase):
            return (group,)
        names = (str(native.table), f"{native.table.family} {iptables.where.table}")
        known = iptables.where.backend is Backend.NFT and set(names) <= set(self._order)
        if not known or self._order.index(names[0]) > self._order.index(names[1]):
            return (group,)
        return Group((iptables,), group.unread, group.garbled), Group((native,))


def _of_one_table(group: Group) -> tuple[Group, ...]:
    """Base chains of one native table are listed, and were registered, in the order in which
    they were made; the last one runs first."""
    entries = group.entries
    tables = {str(one.table) if isinstance(one, NativeBase) else "" for one in entries}
    if len(entries) < 2 or len(tables) > 1 or "" in tables or group.unread or group.garbled:
        return (group,)
    return tuple(Group((entry,)) for entry in reversed(entries))


def _at(priority: int, where: ChainId) -> int:
    """iptables-nft has its table security behind nat (iptables/nft.c: 150), legacy before it."""
    behind = where.table == "security" and where.backend is Backend.NFT
    return _NFT_SECURITY if behind else priority


def _groups(drafts: dict[int, _Draft]) -> tuple[Group, ...]:
    return tuple(
        Group(tuple(draft.entries), tuple(draft.unread), draft.garbled)
        for _, draft in sorted(drafts.items())
        if draft.entries or draft.unread or draft.garbled
    )
