"""Branches of one base chain that wait for their turn: the one that is least far goes on first.

So whoever could come to the same place in the same state is there before anybody goes on from it,
and they are joined: a rule that matches by chance and changes nothing does not double the ways.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Generic

from .flow import Branch, joined
from .walk import AnyRule, Frame

#: A branch before statement `at` of rule `index`; rules of iptables have one. (A NamedTuple cannot
#: be generic in Python 3.10.)
Cursor = tuple[Branch, Frame[AnyRule], int, int]


class Cursors(Generic[AnyRule]):
    def __init__(self) -> None:
        self._places: list[tuple[int | str, ...]] = []  # a heap
        self._waiting: dict[tuple[int | str, ...], list[Cursor[AnyRule]]] = {}
        self._next: list[Cursor[AnyRule]] = []  # all at one place, before all others

    def __bool__(self) -> bool:
        return bool(self._next or self._places)

    def add(self, branch: Branch, frame: Frame[AnyRule], index: int, at: int = 0) -> None:
        place = frame.place(index, at)
        waiting = self._waiting.get(place)
        if waiting is None:
            heappush(self._places, place)
            self._waiting[place] = waiting = []
        waiting.append((branch, frame, index, at))

    def pop(self) -> Cursor[AnyRule]:
        if not self._next:
            waiting = self._waiting.pop(heappop(self._places))
            self._next = waiting if len(waiting) == 1 else _joined(waiting)
        return self._next.pop()


def _joined(cursors: list[Cursor[AnyRule]]) -> list[Cursor[AnyRule]]:
    """Those that came last are kept, with what was told on their way."""
    of = {id(cursor[0]): cursor for cursor in cursors}
    branches = (cursor[0] for cursor in reversed(cursors))
    kept = joined(branches, lambda one: one.flow, rare=False)
    return [of[id(branch)] for branch in reversed(kept)]
