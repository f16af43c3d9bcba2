"""A packet in one base chain and all it jumps to, until that base chain has its verdict.

Every possible way is walked: where a rule's answer is not a plain yes or no, the branch divides
and both go on. `goto` forgets where it came from, so the end of that chain is the end of the
chain that called this one; RETURN in a base chain is its policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ...model import matches as m
from ...model import targets as t
from ...model.address import IPAddress
from ...model.fate import FOR_EVER, ChainId, FateKind, RuleRef
from ...model.ruleset import Chain, IndexedRules, Rule, Ruleset, Unknown
from .cursors import Cursors
from .flow import Answering, Branch, Cause, Ending, Flow, Tracking, joined
from .matching import Answer, Depends, NotKnown, NotRead, Odds, Place, answer
from .noted import Noting, change_set, note
from .repeats import Asked, is_blind
from .translation import translated
from .walk import DEEPEST, MOST_STEPS, Frame, Walk

#: Sets that were not read, after which a walk goes no further: each one doubles its ways, and
#: what lies behind is asked for when they are here.
MOST_UNREAD = 4


def run_base_chain(
    walk: Walk, ruleset: Ruleset, where: ChainId, chain: Chain, branch: Branch
) -> list[Branch]:
    """The branches after this base chain: accepted ones without an ending, the others with. What
    is known of such a flow is not walked again; a walk that is to be explained has to be made."""
    if not walk.explain:
        found = walk.repeats.find(where, branch, walk.place(where.chain))
        if found is not None and walk.steps + found[1] <= MOST_STEPS:
            walk.steps += found[1]
            return [found[0]]
    return _Run(walk, ruleset, where, chain, branch.flow).run(branch)


class _Run:
    def __init__(
        self, walk: Walk, ruleset: Ruleset, where: ChainId, chain: Chain, flow: Flow
    ) -> None:
        self._walk, self._ruleset = walk, ruleset
        self._base, self._chain = where, chain
        self._hook = where.chain
        self._place: Place = walk.place(where.chain)
        self._done: list[Branch] = []
        self._waiting: Cursors[Rule] = Cursors()
        self._asked = Asked(flow)

    def run(self, branch: Branch) -> list[Branch]:
        walk, asked = self._walk, self._asked
        before = walk.steps, walk.divisions
        ends = self._ends(branch)
        steps, divisions = walk.steps - before[0], walk.divisions - before[1]
        if len(ends) == 1 and not (divisions or asked.once or walk.too_long or walk.explain):
            walk.repeats.keep(self._base, branch, ends[0], asked, steps)
        return ends

    def _ends(self, branch: Branch) -> list[Branch]:
        start = branch.copy()
        rules = self._rules(self._chain, self._base, start)
        self._advance(start, Frame(self._base, rules), 0)
        while self._waiting:
            branch, frame, index, _ = self._waiting.pop()
            self._advance(branch, frame, index)
        if len(self._done) == 1:
            return self._done
        return joined(self._done, lambda one: (one.ending, one.flow))

    def _rules(self, chain: Chain, where: ChainId, branch: Branch) -> Sequence[Rule]:
        """Those that may match; a chain that is not whole for this destination is wanted too."""
        flow = branch.flow
        if chain.covers is not None:
            self._asked.once = True
            if flow.destination not in chain.covers:
                self._walk.want(where, branch)
        rules = chain.rules
        if not isinstance(rules, IndexedRules) or flow.answering is Answering.RESET:
            return rules
        found = rules.toward(flow.destination, flow.protocol, flow.destination_port)
        if len(found) < len(rules):
            self._asked.add(partial(_toward, rules), flow, found)
        return found

    def _advance(self, branch: Branch, frame: Frame[Rule], index: int) -> None:
        walk, place = self._walk, self._place
        while True:
            if index >= len(frame.rules):
                if frame.parent is None:
                    self._end(branch)
                    return
                frame.leave(branch, told=walk.view.own.dispatches(frame.where.chain))
                frame, index = frame.parent, frame.resume
                if self._waiting:
                    self._waiting.add(branch, frame, index)
                    return
                continue
            walk.steps += 1
            if walk.too_long:
                branch.ending = Ending(FateKind.UNKNOWN, f"{frame.where}: the walk is too long")
                self._done.append(branch)
                return
            rule = frame.rules[index]
            index += 1
            target = rule.target
            if target is None and not _notes(rule):
                continue
            doubts = _doubts(rule, branch, place, self._asked)
            if doubts is None or target is None or isinstance(target, t.Nothing):
                continue
            seconds = _remembers(rule) if doubts else ()
            ref = RuleRef(frame.where, rule.number, rule.raw, remembers=seconds)
            for doubt in doubts:
                if isinstance(doubt, NotRead):
                    self._asked.once = True
                    walk.wanted.add(doubt.where)
                    if _undecided(branch) >= MOST_UNREAD:
                        branch.unread = True
                        self._done.append(branch)
                        return
                branch, other = walk.divide(branch, doubt, ref)
                self._waiting.add(other, frame, index)
                self._tell_odds(branch, ref, doubt)
            if isinstance(target, t.Return):
                walk.tell(branch, self._hook, ref, "return")
                index = len(frame.rules)
                continue
            branch.rules = (*branch.rules, ref)
            if isinstance(target, t.Jump):
                entered = self._enter(target, branch, frame, index, ref)
                if entered is None:
                    return
                frame, index = entered
            elif self._act(target, branch, ref):
                return
            elif self._waiting:
                self._waiting.add(branch, frame, index)
                return

    def _tell_odds(self, branch: Branch, ref: RuleRef, doubt: Answer) -> None:
        if isinstance(doubt, Odds):
            self._walk.tell(branch, self._hook, ref, f"chance {doubt.yes:.1%}")
        elif isinstance(doubt, Depends | NotKnown):
            self._walk.tell(branch, self._hook, ref, f"if {doubt.why}")

    def _enter(
        self, jump: t.Jump, branch: Branch, frame: Frame[Rule], index: int, ref: RuleRef
    ) -> tuple[Frame[Rule], int] | None:
        """Where to go on; None if the branch ended here."""
        walk = self._walk
        where = ChainId(self._base.family, self._base.backend, self._base.table, jump.chain)
        chain = walk.base_chain(self._ruleset, where)
        if chain is None:
            branch.ending = Ending(FateKind.UNKNOWN, f"{ref}: no chain or target {jump.chain}")
        elif frame.depth >= DEEPEST:
            branch.ending = Ending(FateKind.UNKNOWN, f"{ref}: jumps nest too deep")
        if branch.ending is not None:
            self._done.append(branch)
            return None
        word = "goto" if jump.goto else "jump"
        walk.tell(branch, self._hook, ref, f"{word} {jump.chain}")
        before = branch.flow, branch.choices, branch.weight, branch.rules[:-1]
        rules: Sequence[Rule] = ()
        if isinstance(chain, Chain):
            rules = self._rules(chain, where, branch)
        else:
            self._asked.once = True
            walk.want(where, branch)
        return frame.enter(where, rules, index, before, goto=jump.goto), 0

    def _act(self, target: object, branch: Branch, ref: RuleRef) -> bool:
        """Do what the target does; True if the base chain is over for this branch."""
        walk, asked = self._walk, self._asked
        if isinstance(target, t.Masquerade):
            picks = _masquerade_sources(branch.flow, self._place)
            asked.add(_masquerade_sources, branch.flow, picks)
        ends = translated(walk, target, branch, self._hook, ref)
        if ends is not None:
            asked.once = asked.once or not isinstance(target, t.Masquerade)
            self._done.extend(ends)
            return True
        match target:
            case t.Accept():
                walk.tell(branch, self._hook, ref, "accept")
                self._done.append(branch)
                return True
            case t.ChangeSet():
                asked.once = True
                change_set(self._place.sets or {}, target, branch)
                return False
            case t.SetMark() | t.Connmark() | t.Notrack() | t.Template():
                _mark(target, branch)
                walk.tell(branch, self._hook, ref, f"mark {branch.flow.mark:#x}")
                return False
            case t.Drop():
                ending = Ending(FateKind.DROP, str(ref))
            case t.Reject():
                ending = Ending(FateKind.REJECT, str(ref), _answer_of(target))
            case Unknown(raw=raw):
                ending = Ending(FateKind.UNKNOWN, f"{ref}: not understood: {raw}")
            case _:
                ending = Ending(FateKind.UNKNOWN, f"{ref}: not simulated: {target!r}")
        branch.ending = ending
        walk.tell(branch, self._hook, ref, ending.kind.value)
        self._done.append(branch)
        return True

    def _end(self, branch: Branch) -> None:
        """The base chain's policy."""
        if self._chain.policy == "DROP":
            branch.ending = Ending(FateKind.DROP, f"the policy of {self._base}")
        self._walk.tell(branch, self._hook, None, f"{self._base} policy {self._chain.policy}")
        self._done.append(branch)


def _toward(rules: IndexedRules, flow: Flow, place: Place) -> Sequence[Rule]:
    return rules.toward(flow.destination, flow.protocol, flow.destination_port)


def _masquerade_sources(flow: Flow, place: Place) -> tuple[IPAddress, ...] | None:
    return place.routing.masquerade_sources(flow.way, flow.destination)


def _undecided(branch: Branch) -> int:
    return sum(choice.cause is Cause.UNREAD for choice in branch.choices)


_WRITING = ("set", "remove")


def _notes(rule: Rule) -> bool:
    return any(isinstance(match, m.Recent) and match.action in _WRITING for match in rule.matches)


def _remembers(rule: Rule) -> tuple[int, ...]:
    return tuple(
        FOR_EVER if match.seconds is None else match.seconds
        for match in rule.matches
        if isinstance(match, m.Recent) and match.action not in _WRITING and not match.negated
    )


def _doubts(
    rule: Rule, branch: Branch, place: Place, asked: Asked
) -> list[Odds | Depends | NotKnown] | None:
    """None: it does not match. Else what decides whether it does, nothing if it does. A match
    that writes has done so before the next one is asked."""
    doubts: list[Odds | Depends | NotKnown] = []
    unknown = False
    for match in rule.matches:
        flow = branch.flow
        result = answer(match, flow, place)
        if not is_blind(match):
            asked.add(partial(answer, match), flow, result)
        if isinstance(result, Noting):
            asked.once = True
            note(branch, result.spot, None if doubts else result.present)
            result = result.then
        if result is True:
            continue
        if result is False:
            return None
        if type(result) is NotKnown:
            if unknown:
                continue  # one is enough
            unknown = True
        doubts.append(result)
    return doubts


def _answer_of(reject: t.Reject) -> Answering:
    return Answering.RESET if reject.answer == "tcp-reset" else Answering.ICMP


def _mark(target: t.SetMark | t.Connmark | t.Notrack | t.Template, branch: Branch) -> None:
    flow = branch.flow
    if isinstance(target, t.SetMark):
        branch.change(mark=flow.mark & ~target.mask ^ target.value)
    elif isinstance(target, t.Notrack):
        if flow.tracking is Tracking.NONE:
            branch.change(tracking=Tracking.UNTRACKED)
    elif isinstance(target, t.Template):
        if flow.tracking is Tracking.NONE:
            zone = flow.mark & 0xFFFF if target.zone is None else target.zone
            branch.change(tracking=Tracking.TEMPLATE, zone=(zone, target.direction))
    elif flow.tracking not in (Tracking.NEW, Tracking.RELATED):
        return  # xt_connmark.c: no connection, nothing to mark
    elif target.action is t.ConnmarkAction.SET:
        branch.change(connection_mark=flow.connection_mark & ~target.mask ^ target.value)
    elif target.action is t.ConnmarkAction.SAVE:
        saved = flow.mark & target.packet_mask
        branch.change(connection_mark=flow.connection_mark & ~target.connection_mask ^ saved)
    else:
        restored = flow.connection_mark & target.connection_mask
        branch.change(mark=flow.mark & ~target.packet_mask ^ restored)
