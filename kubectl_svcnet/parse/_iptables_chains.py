"""Chains of a listing as spans of its lines; rules are parsed when asked for, and kept.

Long chains get an index by destination and by port: a dispatch chain has one rule per Service
port, and all but a few name another single address or port than the packet's. The index by
destination is made from the text, but only where `-d` stands before any quoted word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import overload

from ..model.address import IPAddress, Protocol
from ..model.matches import Ports, Side
from ..model.ruleset import Chain, IndexedRules, Rule
from ._iptables_rule import parse_rule

_SINGLE_DESTINATION = re.compile(
    r"-A \S+ (?:(?:! )?-s \S+ )?-d ([0-9a-fA-F.:]+)(?:/32|/128|/255\.255\.255\.255)?(?= |$)"
)
_WORTH_AN_INDEX = 32


class ChainText:
    """Where the rules of one chain stand: spans of line indices, from and below."""

    __slots__ = ("covers", "first", "name", "policy", "spans")

    def __init__(self, name: str, policy: str | None) -> None:
        self.name, self.policy = name, policy
        self.spans: list[tuple[int, int]] = []
        self.covers: frozenset[IPAddress] | None = None
        self.first: int | None = None  # the line number of rule 1, where lines are numbered

    @property
    def end(self) -> int:
        return self.spans[-1][1] if self.spans else 0


class RuleLines(IndexedRules):
    """The rules of one chain, parsed on access."""

    __slots__ = ("_every", "_index", "_lines", "_numbers", "_parsed", "_places", "_shift")

    def __init__(self, lines: list[str], chain: ChainText, numbers: Sequence[int] | None) -> None:
        spans = chain.spans
        self._lines = lines
        self._places: Sequence[int] = (
            range(*spans[0])
            if len(spans) == 1
            else [place for span in spans for place in range(*span)]
        )
        self._numbers = numbers
        self._shift = 0
        if numbers is not None and self._places:
            first = chain.first if chain.first is not None else numbers[self._places[0]]
            self._shift = first - 1
        self._parsed: dict[int, Rule] = {}
        self._index: _Index | None = None
        self._every: list[Rule] | None = None

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Rule: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Rule]: ...
    def __getitem__(self, index: int | slice) -> Rule | Sequence[Rule]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self._places)
        rule = self._parsed.get(index)
        if rule is None:
            place = self._places[index]
            number = index + 1 if self._numbers is None else self._numbers[place] - self._shift
            rule = self._parsed[index] = parse_rule(self._lines[place], number)
        return rule

    def __iter__(self) -> Iterator[Rule]:
        for index in range(len(self._places)):
            yield self[index]

    def raw(self, index: int) -> str:
        return self._lines[self._places[index]]

    def raws(self) -> Iterator[str]:
        return (self._lines[place] for place in self._places)

    def toward(self, destination: IPAddress, protocol: Protocol, port: int) -> Sequence[Rule]:
        if len(self._places) < _WORTH_AN_INDEX:
            if self._every is None:
                self._every = list(self)
            return self._every
        if self._index is None:
            self._index = _Index(self)
        return [self[i] for i in self._index.candidates(destination, port)]


class _Index:
    """Rules by their single destination, by their single port, and the rest, by position."""

    def __init__(self, rules: RuleLines) -> None:
        self._by_address: dict[str, list[int]] = {}
        self._by_port: dict[int, list[int]] = {}
        self._rest: list[int] = []
        others: list[int] = []
        find = _SINGLE_DESTINATION.match
        for index in range(len(rules)):
            found = find(rules.raw(index))
            if found is None:
                others.append(index)
            else:
                self._by_address.setdefault(_canonical(found[1]), []).append(index)
        if len(others) < _WORTH_AN_INDEX:
            self._rest = others
            return
        for index in others:
            port = _single_port(rules[index])
            if port is None:
                self._rest.append(index)
            else:
                self._by_port.setdefault(port, []).append(index)

    def candidates(self, destination: IPAddress, port: int) -> list[int]:
        named = self._by_address.get(str(destination), [])
        numbered = self._by_port.get(port, [])
        return sorted([*named, *numbered, *self._rest])


def _canonical(address: str) -> str:
    """As `str` writes it; iptables does so already, other texts may not."""
    if ":" not in address:
        return address
    try:
        return str(ip_address(address))
    except ValueError:
        return address


def _single_port(rule: Rule) -> int | None:
    for match in rule.matches:
        if isinstance(match, Ports) and match.side is Side.DESTINATION and not match.negated:
            (first, last), *more = match.ranges
            if not more and first == last:
                return first
    return None


class Chains(Mapping[str, Chain]):
    """The chains of one table, each made when first asked for."""

    def __init__(
        self,
        lines: list[str],
        chains: dict[str, ChainText],
        numbers: Sequence[int] | None = None,
    ) -> None:
        self._lines, self._chains, self._numbers = lines, chains, numbers
        self._made: dict[str, Chain] = {}

    def __getitem__(self, name: str) -> Chain:
        made = self._made.get(name)
        if made is None:
            text = self._chains[name]
            made = self._made[name] = Chain(
                name=name,
                policy=text.policy,
                rules=RuleLines(self._lines, text, self._numbers),
                covers=text.covers,
            )
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._chains)

    def __len__(self) -> int:
        return len(self._chains)

    def __contains__(self, name: object) -> bool:
        return name in self._chains
