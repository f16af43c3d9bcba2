"""Is a value in a set, and what does a map give for it? Three-valued, as everything here.

Elements are indexed once per set; those with intervals are tried one by one. A set that was not
read, or not for this destination, is wanted. One that rules add to depends on state: a client
that was not seen yet is not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from ...model import nft
from ...model.address import IPAddress
from ...model.ruleset import Unknown
from .flow import Flow
from .noted import Spot, recalled
from .questions import Depends, NotKnown


@dataclass(frozen=True, slots=True)
class Unread:
    """The set of this name was not read."""

    name: str


Found: TypeAlias = nft.Element | None | Depends | NotKnown | Unread


@dataclass(slots=True)
class Index:
    exact: dict[object, nft.Element] = field(default_factory=dict)
    others: list[nft.Element] = field(default_factory=list)
    rest: nft.Element | None = None  # the element `*`
    unknown: nft.Element | None = None

    @classmethod
    def of(cls, elements: Iterable[nft.Element]) -> Index:
        index = cls()
        for element in elements:
            key = element.key
            if isinstance(key, nft.Anything):
                index.rest = element
            elif isinstance(key, Unknown):
                index.unknown = element
            elif _is_exact(key):
                index.exact[key] = element
            else:
                index.others.append(element)
        return index

    def every(self) -> Iterable[nft.Element]:
        return (*self.exact.values(), *self.others)


def _is_exact(key: object) -> bool:
    if isinstance(key, nft.Parts):
        return all(_is_exact(item) for item in key.items)
    return not isinstance(key, (nft.Interval, nft.NameStart))


class Sets:
    """The sets of one table, and those that stand in its rules."""

    def __init__(self, table: nft.Table) -> None:
        self._table = table
        self._indexes: dict[object, Index] = {}
        self._kept: list[object] = []  # what an id stands for must stay alive

    def find(self, where: nft.SetName | nft.Elements, key: object, flow: Flow) -> Found:
        """The element for this key, None if there is none, or why that is not known."""
        if isinstance(where, nft.Elements):
            return _in(self._index(id(where), where, lambda: where.items), key)
        named = self._table.sets.get(where.name)
        if named is None:
            if self._table.complete:
                return NotKnown(f"no set {where.name}")
            return Unread(where.name)
        if named.garbled:
            return NotKnown(f"set {where.name} is not understood: {named.garbled[0].raw}")
        if named.dynamic:
            if named.maps:
                return NotKnown(f"what {where.name} holds by then")
            return self._remembered(named, key, flow)
        found = _in(self._index(where.name, named, lambda: named.elements), key)
        if found is None and not _covers(named, key):
            return Unread(where.name)
        if isinstance(found, nft.Element) and found.expires and not named.maps:
            return Depends(f"until when {where.name} holds it")
        return found

    def spot(self, name: str, key: Hashable) -> Spot:
        """Of a dynamic set, where rules write of a packet; key None: of any."""
        return (("nft", self._table.family, self._table.name, name), key)

    def _remembered(self, named: nft.Set, key: object, flow: Flow) -> Found:
        """What was listed is there still, if nobody knows better."""
        why = f"whether {named.name} remembers this client"
        listed = _in(self._index(named.name, named, lambda: named.elements), key)
        usual = isinstance(listed, nft.Element) and not listed.expires
        found = recalled(flow, self.spot(named.name, key), Depends(why, usual), why)
        if isinstance(found, bool):
            return nft.Element(nft.Anything()) if found else None
        assert isinstance(found, Depends)
        return found

    def is_full(self, name: str) -> bool:
        named = self._table.sets.get(name)
        return named is not None and named.size is not None and len(named.elements) >= named.size

    def candidates(self, where: nft.SetName | nft.Elements, key: object) -> list[nft.Element]:
        """Every element that may be the one, where that is not known."""
        if isinstance(where, nft.Elements):
            index = self._index(id(where), where, lambda: where.items)
        else:
            named = self._table.sets[where.name]
            index = self._index(where.name, named, lambda: named.elements)
        found = [element for element in index.every() if holds(element.key, key) is not False]
        return found + [element for element in (index.rest,) if element is not None]

    def _index(
        self, name: object, kept: object, elements: Callable[[], Iterable[nft.Element]]
    ) -> Index:
        found = self._indexes.get(name)
        if found is None:
            found = self._indexes[name] = Index.of(elements())
            self._kept.append(kept)
        return found


def _covers(named: nft.Set, key: object) -> bool:
    """Elements may have been left on the node only if they hold another address."""
    if named.covers is None:
        return True
    parts = key.items if isinstance(key, nft.Parts) else (key,)
    return all(part in named.covers for part in parts if isinstance(part, IPAddress | NotKnown))


def _in(index: Index, key: object) -> nft.Element | None | NotKnown:
    doubt = _doubt_in(key)
    if doubt is None:
        found = index.exact.get(key)
        if found is not None:
            return found
    for element in index.others if doubt is None else index.every():
        held = holds(element.key, key)
        if held is True:
            return element
        if isinstance(held, NotKnown):
            doubt = held
            break
    else:
        doubt = None
    if doubt is not None:
        return doubt
    if index.unknown is not None:
        return NotKnown(f"an element is not understood: {_raw(index.unknown)}")
    return index.rest


def _raw(element: nft.Element) -> str:
    return element.key.raw if isinstance(element.key, Unknown) else ""


def _doubt_in(key: object) -> NotKnown | None:
    for part in key.items if isinstance(key, nft.Parts) else (key,):
        if isinstance(part, NotKnown):
            return part
    return None


def holds(pattern: object, value: object) -> bool | NotKnown:
    """Does this value fall under a key, an interval, a wildcard, part by part?"""
    if isinstance(value, NotKnown):
        return value
    if isinstance(pattern, nft.Parts):
        if not isinstance(value, nft.Parts) or len(value.items) != len(pattern.items):
            return NotKnown(f"{value} against {pattern}")
        found = [holds(p, v) for p, v in zip(pattern.items, value.items, strict=True)]
        if False in found:
            return False
        return next((one for one in found if isinstance(one, NotKnown)), True)
    if isinstance(pattern, nft.Interval):
        return _between(pattern, value)
    if isinstance(pattern, nft.NameStart):
        return isinstance(value, str) and value.startswith(pattern.start)
    if isinstance(pattern, Unknown):
        return NotKnown(f"not understood: {pattern.raw}")
    if type(pattern) is not type(value):
        return False
    return pattern == value


def _between(interval: nft.Interval, value: object) -> bool:
    first, last = interval.first, interval.last
    if isinstance(value, int):
        return isinstance(first, int) and isinstance(last, int) and first <= value <= last
    if isinstance(first, int) or isinstance(last, int) or not isinstance(value, IPAddress):
        return False
    return first.version == value.version and int(first) <= int(value) <= int(last)
