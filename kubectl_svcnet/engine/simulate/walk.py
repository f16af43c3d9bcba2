"""One walk: what every part of it shares, and looking up chains without ever guessing.

A chain that no listing holds is wanted, not empty. Limits are here too: a walk that takes too
many steps or nests too deep ends as unknown, never as a hang.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isclose
from typing import Generic, TypeAlias, TypeVar

from ...model.address import Family
from ...model.fate import IPTABLES, ChainId, RuleRef, Step
from ...model.nodeview import NodeView
from ...model.packet import Packet
from ...model.ruleset import Chain, Ruleset, Table
from .flow import Branch, Cause, Choice, Flow
from .matching import BySender, Depends, NotKnown, NotRead, Odds, Place
from .repeats import Repeats
from .routing import Routing
from .sets import fed

MOST_STEPS = 200_000  # rules tried; a walk of 5,000 Services takes about a hundred
MOST_DIVISIONS = 20_000  # one for each endpoint of a Service
DEEPEST = 2_000  # jumps; the kernel allows 16 (nft) or as many as fit its stack (legacy)


@dataclass(frozen=True, slots=True)
class Base:
    """A base chain that is there and may do something."""

    ruleset: Ruleset
    where: ChainId
    chain: Chain


@dataclass(frozen=True, slots=True)
class Bases:
    """The base chains of both backends for one table and hook. `unread`: not known whether they
    exist. `garbled`: a line of such a table that is not understood, in words."""

    chains: tuple[Base, ...] = ()
    unread: tuple[ChainId, ...] = ()
    garbled: str = ""


#: What a jump found: flow, choices, weight and rules of its branch.
Before: TypeAlias = "tuple[Flow, tuple[Choice, ...], float, tuple[RuleRef, ...]]"
AnyRule = TypeVar("AnyRule")


class Frame(Generic[AnyRule]):
    """A chain being walked, where to go on when it ends, and what was known when it began."""

    __slots__ = ("before", "called", "caller", "depth", "parent", "resume", "rules", "where")

    def __init__(
        self,
        where: ChainId,
        rules: Sequence[AnyRule],
        parent: Frame[AnyRule] | None = None,
        resume: int = 0,
        before: Before | None = None,
        caller: Frame[AnyRule] | None = None,
        called: int = 0,
    ) -> None:
        self.where, self.rules = where, rules
        self.parent, self.resume, self.before = parent, resume, before
        self.caller, self.called = caller, called  # who jumped here, and its next rule
        self.depth: int = 0 if caller is None else caller.depth + 1  # jumps and gotos

    def enter(
        self,
        where: ChainId,
        rules: Sequence[AnyRule],
        resume: int,
        before: Before,
        *,
        goto: bool,
    ) -> Frame[AnyRule]:
        """A goto comes back to where this chain does."""
        if goto:
            before = self.before or before
            return Frame(where, rules, self.parent, self.resume, before, self, resume)
        return Frame(where, rules, self, resume, before, self, resume)

    def place(self, index: int, at: int) -> tuple[int | str, ...]:
        """Statement `at` of rule `index` here, so that places compare as a packet passes them:
        what a rule jumps to is between it and the next."""
        reverse: list[int | str] = [at, index]
        frame = self
        while frame.caller is not None:
            reverse += (frame.where.chain, -1, frame.called)
            frame = frame.caller
        return tuple(reversed(reverse))

    def leave(self, branch: Branch, *, told: bool) -> None:
        """A jump that came back and changed nothing is no reason for what follows, unless it is
        always `told`: one into a Service's chain shows that the Service is dispatched."""
        if told or self.before is None:
            return
        flow, choices, weight, rules = self.before
        same_weight = isclose(branch.weight, weight)  # what was divided and joined is rounded
        if branch.flow is flow and branch.choices == choices and same_weight:
            branch.rules = rules


def fed_sets(view: NodeView) -> frozenset[str]:
    """The ipsets that rules change."""
    tables = (table for one in view.rulesets.values() for table in one.tables.values())
    names = frozenset[str]().union(*(table.fed for table in tables))
    return fed(view.sets, names) if names and view.sets else frozenset()


@dataclass(slots=True)
class Walk:
    view: NodeView
    packet: Packet
    routing: Routing
    explain: bool = False
    wanted: set[ChainId] = field(default_factory=set)
    steps: int = 0
    known: dict[tuple[Family, str, str], Bases] = field(default_factory=dict)  # of this node
    repeats: Repeats = field(default_factory=Repeats)  # of this node
    fed: frozenset[str] = frozenset()  # sets of this node that rules change
    divisions: int = 0
    _splits: int = 0

    @property
    def too_long(self) -> bool:
        return self.steps > MOST_STEPS or self.divisions > MOST_DIVISIONS

    _places: dict[str, Place] = field(default_factory=dict)

    def place(self, hook: str) -> Place:
        found = self._places.get(hook)
        if found is None:
            view = self.view
            found = Place(hook, self.routing, view.sysctls, self.packet, view.sets, self.fed)
            self._places[hook] = found
        return found

    def new_split(self) -> int:
        self._splits += 1
        return self._splits

    def want(self, ruleset_id: ChainId, branch: Branch) -> None:
        self.wanted.add(ruleset_id)
        branch.unread = True

    def tell(self, branch: Branch, hook: str, rule: RuleRef | None, action: str) -> None:
        if self.explain:
            branch.steps = (*branch.steps, Step(hook, rule, action))

    def bases(self, table: str, hook: str) -> Bases:
        key = (self.packet.family, table, hook)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self._find_bases(*key)
        return found

    def _find_bases(self, family: Family, table: str, hook: str) -> Bases:
        chains, unread, garbled = [], [], ""
        for backend in IPTABLES:
            where = ChainId(family, backend, table, hook)
            ruleset = self.view.rulesets.get((family, backend))
            chain = self.base_chain(ruleset, where)
            garbled = garbled or _garbled(ruleset, where)
            if isinstance(chain, Chain) and ruleset is not None:
                if len(chain.rules) or chain.policy == "DROP" or chain.covers is not None:
                    chains.append(Base(ruleset, where, chain))
            elif chain is False:
                unread.append(where)
        return Bases(tuple(chains), tuple(unread), garbled)

    def base_chain(self, ruleset: Ruleset | None, chain_id: ChainId) -> Chain | None | bool:
        """The chain; None if it does not exist; False if that is not known."""
        if ruleset is None:
            return False
        table = ruleset.tables.get(chain_id.table)
        if table is None:
            return None if ruleset.complete else False
        return self._in_table(table, chain_id)

    def _in_table(self, table: Table, chain_id: ChainId) -> Chain | None | bool:
        if table.incompatible:
            return False
        chain = table.chains.get(chain_id.chain)
        if chain is None:
            return None if table.complete else False
        return chain

    def divide(
        self, branch: Branch, doubt: Odds | Depends | NotKnown, where: object
    ) -> tuple[Branch, Branch]:
        """The branch where the answer is yes, and the one where it is no. `where` is only told."""
        self.divisions += 1
        yes, no = branch.copy(), branch.copy()
        if isinstance(doubt, Odds):
            yes.weight = branch.weight * doubt.yes
            no.weight = branch.weight * (1 - doubt.yes)
            return yes, no
        unknown = isinstance(doubt, NotKnown) and not isinstance(doubt, BySender)
        cause = Cause.UNKNOWN if unknown else Cause.STATE
        if isinstance(doubt, NotRead):
            cause = Cause.UNREAD
        usual = None if isinstance(doubt, NotKnown) else doubt.usual
        split = self.new_split()
        for side, half in enumerate((yes, no)):
            if usual is None or usual is not (half is yes):
                sides = 2 if usual is None else 1
                choice = Choice(split, side, sides, cause, f"{where}: {doubt.why}")
                half.choices = (*half.choices, choice)
        return yes, no


def _garbled(ruleset: Ruleset | None, where: ChainId) -> str:
    table = ruleset.tables.get(where.table) if ruleset else None
    if table is None or not table.garbled:
        return ""
    return f"{where}: a line of the table is not understood: {table.garbled[0].raw[:120]}"
