"""A packet in one base chain of native nftables and all it jumps to.

As in `chains`, every possible way is walked, and `goto` forgets where it came from. Accept ends
this base chain only, drop everything (nf_tables_core.c).
"""

from __future__ import annotations

from ...model import nft
from ...model import targets as t
from ...model.fate import FateKind
from .cursors import Cursors
from .devices import passes
from .flow import Branch, Ending, joined
from .matching import NotKnown
from .nft_bases import Line, NativeBase
from .nft_statements import Statements, Then
from .walk import DEEPEST, Frame, Walk


def run_native(walk: Walk, base: NativeBase, branch: Branch) -> list[Branch]:
    """The branches after this base chain: accepted ones without an ending, the others with."""
    here = base.chain.base
    if here is None or not base.chain.whole:
        return _Run(walk, base).run(branch)
    met = passes(here, branch.flow, walk.routing, walk.view.sysctls)
    if met is None:
        doubt = NotKnown(f"whether it passes {' or '.join(here.devices) or 'its device'}")
        branch, other = walk.divide(branch, doubt, "routing")
        return [*_Run(walk, base).run(branch), other]
    return _Run(walk, base).run(branch) if met else [branch]


class _Run:
    def __init__(self, walk: Walk, base: NativeBase) -> None:
        self._walk, self._base, self._hook = walk, base, base.hook
        self._statements = Statements(walk, base)
        self._done: list[Branch] = []
        self._waiting: Cursors[Line] = Cursors()

    def run(self, branch: Branch) -> list[Branch]:
        base = self._base
        if not base.chain.whole:
            self._walk.want(base.where, branch)
        chain = base.enter(base.where.family, base.chain.name)
        frame = Frame(base.where, chain.lines if chain is not None else ())
        self._advance(branch.copy(), frame, 0, 0)
        while self._waiting:
            self._advance(*self._waiting.pop())
        if len(self._done) == 1:
            return self._done
        return joined(self._done, lambda one: (one.ending, one.flow))

    def _advance(self, branch: Branch, frame: Frame[Line], index: int, at: int) -> None:
        walk = self._walk
        while True:
            if index >= len(frame.rules):
                if frame.parent is None:
                    self._end(branch)
                    return
                frame.leave(branch, told=walk.view.own.dispatches(frame.where.chain))
                frame, index, at = frame.parent, frame.resume, 0
                if self._waiting:
                    self._waiting.add(branch, frame, index)
                    return
                continue
            line = frame.rules[index]
            if at >= len(line.statements):
                index, at = index + 1, 0
                if self._waiting:
                    self._waiting.add(branch, frame, index)
                    return
                continue
            walk.steps += not at
            if walk.too_long:
                branch.ending = Ending(FateKind.UNKNOWN, f"{frame.where}: the walk is too long")
                self._done.append(branch)
                return
            statement = line.statements[at]
            if type(statement) is nft.Match:  # most are, and most answers are plain
                answer = self._statements.answer(statement, branch)
                if answer is True or answer is False:
                    index, at = (index, at + 1) if answer else (index + 1, 0)
                    continue
            if type(statement) is t.Jump:
                entered = self._enter(statement, branch, frame, index, line)
                if entered is None:
                    return
                frame, index, at = entered, 0, 0
                continue
            (branch, then), *others = self._statements.do(statement, branch, line.ref)
            for other, other_then in others:  # they wait for their turn
                place = self._after(other_then, other, frame, index, at, line)
                if place is not None:
                    self._waiting.add(other, *place)
            place = self._after(then, branch, frame, index, at, line)
            if place is None:
                return
            frame, index, at = place

    def _after(
        self,
        then: Then | t.Jump,
        branch: Branch,
        frame: Frame[Line],
        index: int,
        at: int,
        line: Line,
    ) -> tuple[Frame[Line], int, int] | None:
        """Where this branch goes on; None if the base chain is over for it."""
        if isinstance(then, t.Jump):
            entered = self._enter(then, branch, frame, index, line)
            return None if entered is None else (entered, 0, 0)
        match then:
            case Then.STATEMENT:
                return frame, index, at + 1
            case Then.RULE:
                return frame, index + 1, 0
            case Then.CHAIN:
                return frame, len(frame.rules), 0
            case Then.DONE:
                self._done.append(branch)
                return None

    def _enter(
        self, jump: t.Jump, branch: Branch, frame: Frame[Line], index: int, line: Line
    ) -> Frame[Line] | None:
        """None if the branch ended here."""
        walk, ref = self._walk, line.into(jump.chain)
        chain = self._base.enter(self._base.where.family, jump.chain)
        if chain is None:
            branch.ending = Ending(FateKind.UNKNOWN, f"{ref}: no chain {jump.chain}")
        elif frame.depth >= DEEPEST:
            branch.ending = Ending(FateKind.UNKNOWN, f"{ref}: jumps nest too deep")
        if chain is None or branch.ending is not None:
            self._done.append(branch)
            return None
        before = branch.flow, branch.choices, branch.weight, branch.rules
        branch.rules = (*branch.rules, ref)
        word = "goto" if jump.goto else "jump"
        walk.tell(branch, self._hook, ref, f"{word} {jump.chain}")
        if not chain.whole:
            walk.want(chain.where, branch)
        return frame.enter(chain.where, chain.lines, index + 1, before, goto=jump.goto)

    def _end(self, branch: Branch) -> None:
        base = self._base
        policy = base.chain.base.policy if base.chain.base else "accept"
        if policy == "drop":
            branch.ending = Ending(FateKind.DROP, f"the policy of {base.where}")
        self._walk.tell(branch, self._hook, None, f"{base.where} policy {policy}")
        self._done.append(branch)
