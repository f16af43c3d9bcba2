"""One statement of an nft rule, done to a packet: which branches there are after it.

A statement that does not match ends its rule; so does a verdict map without an element for the
packet (nft_lookup.c breaks to the next rule). What the rule did before stays done. A statement
that is not understood ends the branch as unknown; a match that is not, divides it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

from ...model import matches as m
from ...model import nft
from ...model import targets as t
from ...model.address import IPAddress
from ...model.fate import FateKind, RuleRef
from ...model.ruleset import Unknown
from .flow import Answering, Branch, Cause, Choice, Ending, Tracking
from .matching import Depends, NotKnown, Odds
from .nft_bases import NativeBase
from .nft_matching import matched
from .nft_sets import Unread
from .nft_values import NO_VALUE, Sight, Spread, evaluate, number_of
from .noted import note
from .translation import translated
from .walk import Walk

#: Elements that may be the one, of a key that is not wholly known, that are walked one by one.
MOST_CANDIDATES = 32


class Then(Enum):
    """What comes after a statement."""

    STATEMENT = 0
    RULE = 1  # the rule is over, or did not match
    CHAIN = 2  # return: the chain is over
    DONE = 3  # the base chain is over for this branch


#: A branch after a statement, and what comes next for it; a Jump: enter that chain.
Next = tuple[Branch, "Then | t.Jump"]


class Statements:
    def __init__(self, walk: Walk, base: NativeBase) -> None:
        self._walk, self._base, self._hook = walk, base, base.hook
        self._place = walk.place(base.hook)
        self._seen: Sight | None = None

    def do(self, statement: object, branch: Branch, ref: RuleRef) -> list[Next]:
        do = _STATEMENTS.get(type(statement))
        if do is None:
            words = statement.raw if isinstance(statement, Unknown) else repr(statement)
            because = f"{ref}: not understood: {words}"
            return [self._ended(branch, ref, Ending(FateKind.UNKNOWN, because))]
        return do(self, statement, branch, ref)

    def _sight(self, branch: Branch) -> Sight:
        seen = self._seen
        if seen is None or seen.flow is not branch.flow:
            seen = Sight(branch.flow, self._place, self._walk.packet, self._base.sets)
            self._seen = seen
        return seen

    def _ended(self, branch: Branch, ref: RuleRef, ending: Ending) -> Next:
        self._note(branch, ref)
        branch.ending = ending
        self._walk.tell(branch, self._hook, ref, ending.kind.value)
        return branch, Then.DONE

    @staticmethod
    def _note(branch: Branch, ref: RuleRef) -> None:
        """A rule that did something is told once, however much it does."""
        if not branch.rules or branch.rules[-1] != ref:
            branch.rules = (*branch.rules, ref)

    def _want_set(self, unread: Unread, branch: Branch) -> None:
        family = self._base.where.family
        self._walk.want(self._base.table.set_id(family, unread.name), branch)

    def answer(self, match: nft.Match, branch: Branch) -> object:
        """Whether it holds, if that is known."""
        return matched(match, self._sight(branch))

    def _match(self, match: nft.Match, branch: Branch, ref: RuleRef) -> list[Next]:
        answer = self.answer(match, branch)
        if isinstance(answer, Spread):
            sides = self._spread(answer, branch, ref)
            return [next for side, value in sides for next in self._held(value, side, ref)]
        return self._held(answer, branch, ref)

    def _held(self, answer: object, branch: Branch, ref: RuleRef) -> list[Next]:
        if isinstance(answer, bool):
            return [(branch, Then.STATEMENT if answer else Then.RULE)]
        if isinstance(answer, Unread):
            self._want_set(answer, branch)
            return [(branch, Then.RULE)]
        assert isinstance(answer, Odds | Depends | NotKnown)
        yes, no = self._walk.divide(branch, answer, str(ref))
        word = f"chance {answer.yes:.1%}" if isinstance(answer, Odds) else f"if {answer.why}"
        self._walk.tell(yes, self._hook, ref, word)
        return [(yes, Then.STATEMENT), (no, Then.RULE)]

    def _doubt(self, doubt: nft.Doubt, branch: Branch, ref: RuleRef) -> list[Next]:
        return self._held(NotKnown(f"not understood: {doubt.raw}"), branch, ref)

    def _limit(self, limit: m.Limit, branch: Branch, ref: RuleRef) -> list[Next]:
        return self._held(Depends(f"limit {limit.words}"), branch, ref)

    def _spread(self, spread: Spread, branch: Branch, ref: RuleRef) -> list[tuple[Branch, object]]:
        """One branch per different value, with its share of chance, or by state."""
        shares = Counter(spread.values)
        if len(shares) == 1:
            return [(branch, value) for value in shares]
        sides = []
        split = self._walk.new_split()
        for side, (value, count) in enumerate(shares.items()):
            if spread.cause is None:
                one = branch.copy()
                one.weight = branch.weight * count / len(spread.values)
                said = f"chance {count / len(spread.values):.1%}"
            else:
                because = f"{ref}: {spread.why}"
                one = branch.choose(Choice(split, side, len(shares), spread.cause, because))
                said = f"if {spread.why}"
            self._walk.tell(one, self._hook, ref, said)
            sides.append((one, value))
        return sides

    def _values(self, result: object, branch: Branch, ref: RuleRef) -> list[tuple[Branch, object]]:
        return (
            self._spread(result, branch, ref) if isinstance(result, Spread) else [(branch, result)]
        )

    # Verdict maps

    def _verdict_map(self, vmap: nft.VerdictMap, branch: Branch, ref: RuleRef) -> list[Next]:
        sets = self._base.sets
        key = evaluate(vmap.key, self._sight(branch))
        if isinstance(key, Spread):
            found = tuple(sets.find(vmap.table, value, branch.flow) for value in key.values)
            sides = self._spread(Spread(found, key.cause, key.why), branch, ref)
        elif key is NO_VALUE:
            return [(branch, Then.RULE)]
        else:
            sides = [(branch, sets.find(vmap.table, key, branch.flow))]
        return [next for side, value in sides for next in self._mapped(value, key, vmap, side, ref)]

    def _mapped(
        self, found: object, key: object, vmap: nft.VerdictMap, branch: Branch, ref: RuleRef
    ) -> list[Next]:
        if found is None:
            return [(branch, Then.RULE)]
        if isinstance(found, Unread):
            self._want_set(found, branch)
            return [(branch, Then.RULE)]
        if isinstance(found, nft.Element):
            return self._do_verdict(found.value, branch, ref)
        assert isinstance(found, Depends | NotKnown)
        candidates = self._candidates(vmap, key)
        if candidates is None:
            return [self._ended(branch, ref, Ending(FateKind.UNKNOWN, f"{ref}: {found.why}"))]
        split, sides = self._walk.new_split(), len(candidates) + 1
        ends: list[Next] = []
        for side, verdict in enumerate([None, *candidates]):
            choice = Choice(split, side, sides, Cause.UNKNOWN, f"{ref}: {found.why}")
            chosen = branch.choose(choice)
            if verdict is None:
                ends.append((chosen, Then.RULE))
            else:
                ends += self._do_verdict(verdict, chosen, ref)
        return ends

    def _candidates(self, vmap: nft.VerdictMap, key: object) -> list[object] | None:
        if isinstance(key, Spread) or isinstance(vmap.table, nft.SetName):
            named = vmap.table.name if isinstance(vmap.table, nft.SetName) else ""
            known = self._base.table.sets.get(named)
            if known is None or known.garbled or known.dynamic:
                return None
        found = self._base.sets.candidates(vmap.table, key)
        if any(isinstance(element.key, Unknown) for element in found):
            return None
        verdicts = list(dict.fromkeys(element.value for element in found))
        return verdicts if len(verdicts) <= MOST_CANDIDATES else None

    def _do_verdict(self, verdict: object, branch: Branch, ref: RuleRef) -> list[Next]:
        do = _STATEMENTS.get(type(verdict))
        if do is None:
            ending = Ending(FateKind.UNKNOWN, f"{ref}: not understood: {verdict!r}")
            return [self._ended(branch, ref, ending)]
        return do(self, verdict, branch, ref)

    # Verdicts

    def _jump(self, jump: t.Jump, branch: Branch, ref: RuleRef) -> list[Next]:
        return [(branch, jump)]

    def _accept(self, accept: t.Accept, branch: Branch, ref: RuleRef) -> list[Next]:
        self._note(branch, ref)
        self._walk.tell(branch, self._hook, ref, "accept")
        return [(branch, Then.DONE)]

    def _drop(self, drop: t.Drop, branch: Branch, ref: RuleRef) -> list[Next]:
        return [self._ended(branch, ref, Ending(FateKind.DROP, str(ref)))]

    def _reject(self, reject: t.Reject, branch: Branch, ref: RuleRef) -> list[Next]:
        flow = branch.flow
        found = ("tcp" if number_of(flow) == 6 else "", nft.NAMES[flow.family])
        if reject.only and reject.only not in found:
            return [(branch, Then.RULE)]
        answer = Answering.RESET if reject.answer == "tcp-reset" else Answering.ICMP
        return [self._ended(branch, ref, Ending(FateKind.REJECT, str(ref), answer))]

    def _return(self, verdict: t.Return, branch: Branch, ref: RuleRef) -> list[Next]:
        self._walk.tell(branch, self._hook, ref, "return")
        return [(branch, Then.CHAIN)]

    def _nothing(self, statement: object, branch: Branch, ref: RuleRef) -> list[Next]:
        return [(branch, Then.STATEMENT)]

    def _continue(self, verdict: nft.Continue, branch: Branch, ref: RuleRef) -> list[Next]:
        return [(branch, Then.RULE)]

    # Marks, tracking, translations

    def _set_mark(self, mark: nft.SetMark, branch: Branch, ref: RuleRef) -> list[Next]:
        ends: list[Next] = []
        for one, value in self._values(evaluate(mark.value, self._sight(branch)), branch, ref):
            if value is NO_VALUE:
                ends.append((one, Then.RULE))
            elif isinstance(value, Unread):
                self._want_set(value, one)
                ends.append((one, Then.RULE))
            elif not isinstance(value, int):
                why = value.why if isinstance(value, NotKnown) else f"{value}"
                ending = Ending(FateKind.UNKNOWN, f"{ref}: the new mark is not known: {why}")
                ends.append(self._ended(one, ref, ending))
            else:
                ends.append(self._marked(mark, value, one, ref))
        return ends

    def _marked(self, mark: nft.SetMark, value: int, branch: Branch, ref: RuleRef) -> Next:
        if not mark.connection:
            branch.change(mark=value)
        elif branch.flow.tracking in (Tracking.NEW, Tracking.RELATED):
            branch.change(connection_mark=value)
        self._note(branch, ref)
        self._walk.tell(branch, self._hook, ref, f"mark {value:#x}")
        return branch, Then.STATEMENT

    def _set_zone(self, zone: nft.SetZone, branch: Branch, ref: RuleRef) -> list[Next]:
        """A template, as CT of iptables; of a connection that is there it is no more changed."""
        if branch.flow.tracking not in (Tracking.NONE, Tracking.UNTRACKED):
            return [(branch, Then.STATEMENT)]
        ends: list[Next] = []
        for one, value in self._values(evaluate(zone.value, self._sight(branch)), branch, ref):
            if value is NO_VALUE:
                ends.append((one, Then.RULE))
            elif isinstance(value, int):
                one.change(tracking=Tracking.TEMPLATE, zone=(value, zone.direction))
                ends.append((one, Then.STATEMENT))
            else:
                ending = Ending(FateKind.UNKNOWN, f"{ref}: the zone is not known")
                ends.append(self._ended(one, ref, ending))
        return ends

    def _remember(self, remember: nft.Remember, branch: Branch, ref: RuleRef) -> list[Next]:
        """Where the set is full, an addition ends the rule (nft_dynset_eval)."""
        key, sets = evaluate(remember.key, self._sight(branch)), self._base.sets
        if key is NO_VALUE:
            return [(branch, Then.RULE)]
        open_ = isinstance(key, NotKnown | Spread | Unread)
        if remember.action != "delete" and sets.is_full(remember.name):
            doubt = Depends(f"whether {remember.name} has room")
            noted = sets.find(nft.SetName(remember.name), key, branch.flow)
            if open_ or not isinstance(noted, nft.Element):
                yes, no = self._walk.divide(branch, doubt, str(ref))
                note(yes, sets.spot(remember.name, None if open_ else key), None if open_ else True)
                return [(yes, Then.STATEMENT), (no, Then.RULE)]
        present = None if open_ else remember.action != "delete"
        note(branch, sets.spot(remember.name, None if open_ else key), present)
        return [(branch, Then.STATEMENT)]

    def _notrack(self, notrack: t.Notrack, branch: Branch, ref: RuleRef) -> list[Next]:
        if branch.flow.tracking is Tracking.NONE:
            branch.change(tracking=Tracking.UNTRACKED)
            self._note(branch, ref)
        return [(branch, Then.STATEMENT)]

    def _nat(self, nat: nft.Nat, branch: Branch, ref: RuleRef) -> list[Next]:
        ends: list[Next] = []
        place = evaluate(nat.address, self._sight(branch))
        port = evaluate(nat.port, self._sight(branch))
        for one, (where, which) in self._both(place, port, branch, ref):
            unread = where if isinstance(where, Unread) else which
            if isinstance(unread, Unread):
                self._want_set(unread, one)
            if isinstance(unread, Unread) or where is NO_VALUE or which is NO_VALUE:
                ends.append((one, Then.RULE))
                continue
            target = _target(nat, where, which)
            if isinstance(target, str):
                ending = Ending(FateKind.UNKNOWN, f"{ref}: {target}")
                ends.append(self._ended(one, ref, ending))
            else:
                ends += self._translated(target, one, ref)
        return ends

    def _both(
        self, place: object, port: object, branch: Branch, ref: RuleRef
    ) -> Iterable[tuple[Branch, tuple[object, object]]]:
        for one, where in self._values(place, branch, ref):
            for other, which in self._values(port, one, ref):
                yield other, (where, which)

    def _translated(self, target: object, branch: Branch, ref: RuleRef) -> list[Next]:
        self._note(branch, ref)
        ends = translated(self._walk, target, branch, self._hook, ref) or []
        return [(end, Then.DONE) for end in ends]


def _target(nat: nft.Nat, where: object, which: object) -> object:
    """The translation that these values make, or in words why there is none."""
    for value in (where, which):
        if isinstance(value, NotKnown):
            return value.why
    if isinstance(where, nft.Parts):  # a map of `address . port`
        where, which = where.items if len(where.items) == 2 else (where, which)
    elif isinstance(where, int):  # a map of ports
        where, which = None, where
    span, ports = _span(where), _ports(which)
    if (where is not None and span is None) or (which is not None and ports is None):
        return f"{nat.kind} to {where} {which}"
    if nat.kind == "redirect":
        return t.Redirect(ports, nat.random)
    if nat.kind == "dnat":
        return t.Dnat(span, ports, nat.random, nat.persistent)
    return t.Snat(span, ports, nat.random)


def _span(value: object) -> t.AddressSpan | None:
    if isinstance(value, IPAddress):
        return t.AddressSpan(value, value)
    if isinstance(value, nft.Interval):
        first, last = value.first, value.last
        if isinstance(first, IPAddress) and isinstance(last, IPAddress):
            return t.AddressSpan(first, last)
    return None


def _ports(value: object) -> t.PortRange | None:
    if isinstance(value, int):
        return t.PortRange(value, value)
    if isinstance(value, nft.Interval):
        first, last = value.first, value.last
        if isinstance(first, int) and isinstance(last, int):
            return t.PortRange(first, last)
    return None


# Any: each function takes the class beside it, which a dict cannot express.
_STATEMENTS: Mapping[type, Callable[[Statements, Any, Branch, RuleRef], list[Next]]] = {
    m.Limit: Statements._limit,
    nft.Continue: Statements._continue,
    nft.Doubt: Statements._doubt,
    nft.Match: Statements._match,
    nft.Nat: Statements._nat,
    nft.Remember: Statements._remember,
    nft.SetMark: Statements._set_mark,
    nft.SetZone: Statements._set_zone,
    nft.VerdictMap: Statements._verdict_map,
    t.Accept: Statements._accept,
    t.Drop: Statements._drop,
    t.Jump: Statements._jump,
    t.Masquerade: lambda run, target, branch, ref: run._translated(target, branch, ref),
    t.Nothing: Statements._nothing,
    t.Notrack: Statements._notrack,
    t.Reject: Statements._reject,
    t.Return: Statements._return,
}
