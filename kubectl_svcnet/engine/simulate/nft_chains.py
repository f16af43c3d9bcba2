"""A packet in one base chain of native nftables and all it jumps to.

As in `chains`, every possible way is walked, and `goto` forgets where it came from. Accept ends
this base chain only, drop everything (nf_tables_core.c).
"""

from __future__ import annotations

from typing import NamedTuple

from ...model import nft
from ...model import targets as t
from ...model.address import Family
from ...model.fate import Backend, ChainId, FateKind, RuleRef
from .flow import Branch, Ending, joined
from .nft_statements import NativeBase, Statements, Then
from .walk import DEEPEST, Frame, Walk


class _Cursor(NamedTuple):
    """Before statement `statement` of rule `rule`."""

    branch: Branch
    frame: Frame[nft.Rule]
    rule: int
    statement: int


_NO_RULE = RuleRef(ChainId(Family.IPV4, Backend.NFTABLES, "", ""), 0, "")


def run_native(walk: Walk, base: NativeBase, branch: Branch) -> list[Branch]:
    """The branches after this base chain: accepted ones without an ending, the others with."""
    return _Run(walk, base).run(branch)


class _Run:
    def __init__(self, walk: Walk, base: NativeBase) -> None:
        self._walk, self._base, self._hook = walk, base, base.hook
        self._statements = Statements(walk, base)
        self._done: list[Branch] = []
        self._work: list[_Cursor] = []

    def run(self, branch: Branch) -> list[Branch]:
        base = self._base
        if not base.chain.whole:
            self._walk.want(base.where, branch)
        frame = Frame(base.where, list(base.chain.rules))
        self._work.append(_Cursor(branch.copy(), frame, 0, 0))
        while self._work:
            self._advance(*self._work.pop())
        if len(self._done) == 1:
            return self._done
        return joined(self._done, lambda one: (one.ending, one.flow))

    def _advance(self, branch: Branch, frame: Frame[nft.Rule], index: int, at: int) -> None:
        walk, known, ref = self._walk, None, _NO_RULE
        while True:
            if index >= len(frame.rules):
                if frame.parent is None:
                    self._end(branch)
                    return
                frame.leave(branch, told=walk.view.own.dispatches(frame.where.chain))
                frame, index, at = frame.parent, frame.resume, 0
                continue
            rule = frame.rules[index]
            if at >= len(rule.statements):
                index, at = index + 1, 0
                continue
            walk.steps += not at
            if walk.too_long:
                branch.ending = Ending(FateKind.UNKNOWN, f"{frame.where}: the walk is too long")
                self._done.append(branch)
                return
            statement = rule.statements[at]
            if type(statement) is nft.Match:  # most are, and most answers are plain
                answer = self._statements.answer(statement, branch)
                if answer is True or answer is False:
                    index, at = (index, at + 1) if answer else (index + 1, 0)
                    continue
            if rule is not known:
                known, ref = rule, RuleRef(frame.where, rule.number, rule.raw)
            (branch, then), *others = self._statements.do(statement, branch, ref)
            for other, other_then in others:  # they wait for their turn
                place = self._after(other_then, other, frame, index, at, rule)
                if place is not None:
                    self._work.append(_Cursor(other, *place))
            place = self._after(then, branch, frame, index, at, rule)
            if place is None:
                return
            frame, index, at = place

    def _after(
        self,
        then: Then | t.Jump,
        branch: Branch,
        frame: Frame[nft.Rule],
        index: int,
        at: int,
        rule: nft.Rule,
    ) -> tuple[Frame[nft.Rule], int, int] | None:
        """Where this branch goes on; None if the base chain is over for it."""
        if isinstance(then, t.Jump):
            entered = self._enter(then, branch, frame, index, rule)
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
        self, jump: t.Jump, branch: Branch, frame: Frame[nft.Rule], index: int, rule: nft.Rule
    ) -> Frame[nft.Rule] | None:
        """None if the branch ended here."""
        walk, table = self._walk, self._base.table
        ref = RuleRef(frame.where, rule.number, rule.raw, into=jump.chain)
        where = table.chain_id(self._base.where.family, jump.chain)
        chain = table.chains.get(jump.chain)
        if chain is None and table.complete:
            branch.ending = Ending(FateKind.UNKNOWN, f"{ref}: no chain {jump.chain}")
        elif frame.depth >= DEEPEST:
            branch.ending = Ending(FateKind.UNKNOWN, f"{ref}: jumps nest too deep")
        if branch.ending is not None:
            self._done.append(branch)
            return None
        before = branch.flow, branch.choices, branch.weight, branch.rules
        branch.rules = (*branch.rules, ref)
        word = "goto" if jump.goto else "jump"
        walk.tell(branch, self._hook, ref, f"{word} {jump.chain}")
        if chain is None or not chain.whole:
            walk.want(where, branch)
        rules = list(chain.rules) if chain is not None else ()
        return frame.enter(where, rules, index + 1, before, goto=jump.goto)

    def _end(self, branch: Branch) -> None:
        base = self._base
        policy = base.chain.base.policy if base.chain.base else "accept"
        if policy == "drop":
            branch.ending = Ending(FateKind.DROP, f"the policy of {base.where}")
        self._walk.tell(branch, self._hook, None, f"{base.where} policy {policy}")
        self._done.append(branch)
