"""Base chains that are not walked again for flows that only go elsewhere.

Behind its translation a packet for a Service has as many flows as there are endpoints, and most
rules that follow do not tell one from the other. What a base chain did to one flow holds for
another that differs in the destination alone, if all that the rules on the way asked of the
destination has the same answer for it. What divided, noted, translated the destination or was not
read is walked each time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from ...model import matches as m
from ...model.fate import ChainId, RuleRef
from .flow import Branch, Ending, Flow
from .questions import Place

#: Answers what the destination of a flow may decide.
Ask: TypeAlias = Callable[[Flow, Place], object]

MOST_KEPT = 4096  # base chains and flows of one node
MOST_ALIKE = 8  # of one flow, by where it goes

#: Matches that do not look at the destination's address, nor at the packet as it was sent.
_BLIND = frozenset(
    {
        m.ConnmarkIs,
        m.CtDirection,
        m.CtState,
        m.CtStatus,
        m.Fragment,
        m.Icmp,
        m.Interface,
        m.IPProtocol,
        m.MarkIs,
        m.Never,
        m.Owner,
        m.Ports,
        m.TcpFlags,
    }
)


def is_blind(match: object) -> bool:
    return type(match) in _BLIND or (type(match) is m.AddressIn and match.side is m.Side.SOURCE)


class Asked:
    """What a walk through a base chain asks that the destination may answer, with the flow of
    that moment; `once`: what it did holds for nobody else."""

    __slots__ = ("once", "questions", "start")

    def __init__(self, start: Flow) -> None:
        self.start, self.once = start, False
        self.questions: list[tuple[Ask, Flow | None, object]] = []

    def add(self, ask: Ask, flow: Flow, answer: object) -> None:
        self.questions.append((ask, None if flow is self.start else flow, answer))


class _Kept(NamedTuple):
    """`flow` None: it did not change."""

    questions: Sequence[tuple[Ask, Flow | None, object]]
    flow: Flow | None
    rules: tuple[RuleRef, ...]
    ending: Ending | None
    steps: int

    def holds(self, flow: Flow, place: Place) -> bool:
        for ask, then, answer in self.questions:
            seen = flow if then is None else then._replace(destination=flow.destination)
            if ask(seen, place) != answer:
                return False
        return True


class Repeats:
    """What base chains of one node did."""

    def __init__(self) -> None:
        self._kept: dict[object, deque[_Kept]] = {}

    def find(self, where: ChainId, branch: Branch, place: Place) -> tuple[Branch, int] | None:
        """The branch behind the base chain, and the steps that it took."""
        flow = branch.flow
        for kept in self._kept.get(_key(where, flow), ()):
            if kept.holds(flow, place):
                end = branch.copy()
                end.rules, end.ending = (*branch.rules, *kept.rules), kept.ending
                if kept.flow is not None:
                    end.flow = kept.flow._replace(destination=flow.destination)
                return end, kept.steps
        return None

    def keep(self, where: ChainId, before: Branch, end: Branch, asked: Asked, steps: int) -> None:
        key = _key(where, before.flow)
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        flow = None if end.flow is before.flow else end.flow
        rules = end.rules[len(before.rules) :]
        kept = _Kept(asked.questions, flow, rules, end.ending, steps)
        self._kept.setdefault(key, deque(maxlen=MOST_ALIKE)).appendleft(kept)


def _key(where: ChainId, flow: Flow) -> object:
    """All but the destination."""
    return where.backend, where.table, where.chain, flow[:_DESTINATION], flow[_DESTINATION + 1 :]


_DESTINATION = Flow._fields.index("destination")
