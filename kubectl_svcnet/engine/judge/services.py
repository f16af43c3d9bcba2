"""One frontend on one node: what its packets will meet against what the API wants of it.

The verdict is the first of `Verdict` that holds for any client (product.md, "Verdicts").
Nothing here walks a rule; it looks at fates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ...model.address import SocketAddress
from ...model.fate import Backend, Fate, FateKind, RuleRef
from ...model.nodeview import OwnChains
from ...model.report import NodeTrace, Verdict, Walk

#: Shares may differ by so much: kube-proxy writes probabilities with ten digits, 1.16 with five.
TOLERANCE = 0.001


_OPEN = (FateKind.UNKNOWN, FateKind.UNREAD)


@dataclass(slots=True)
class Judgement:
    """What one walk shows against one set of endpoints that would be right."""

    expected: frozenset[SocketAddress]
    may_pass: bool = False
    problems: set[Verdict] = field(default_factory=set)
    shares: dict[SocketAddress, float] = field(default_factory=dict)
    by_state: set[SocketAddress] = field(default_factory=set)
    stale: set[SocketAddress] = field(default_factory=set)

    @property
    def reached(self) -> set[SocketAddress]:
        """Where new clients go; affinity alone counts only where nothing else is there."""
        return set(self.shares) or self.by_state

    @property
    def missing(self) -> set[SocketAddress]:
        return set(self.expected) - self.reached if Verdict.MISSING in self.problems else set()


def dispatched(fate: Fate, own: OwnChains) -> bool:
    """Did it come through one of the dataplane's per-Service chains, or virtual servers?"""
    return any(
        (own.ipvs and rule.chain.backend is Backend.IPVS)
        or own.dispatches(rule.chain.chain)
        or own.dispatches(rule.into)
        or any(f" {verb} {prefix}" in rule.raw for verb in ("-j", "-g") for prefix in own.dispatch)
        for rule in fate.rules
    )


def judge_walk(walk: Walk, own: OwnChains) -> Judgement:
    """Against the expectation, or the alternative under which least is wrong."""
    wanted = walk.asked.expectation
    right = [Judgement(e, wanted.may_pass) for e in (wanted.endpoints, *wanted.alternatives)]
    judged = [_judge(walk.fates, one, own) for one in right]
    return min(judged, key=lambda j: [v in j.problems for v in Verdict])


def _judge(fates: Iterable[Fate], seen: Judgement, own: OwnChains) -> Judgement:
    came_through = False
    fates = tuple(fates)
    for fate in fates:
        came_through = came_through or dispatched(fate, own)
        problem = _problem(fate, seen, own)
        if problem is not None:
            seen.problems.add(problem)
    if any(fate.kind in _OPEN for fate in fates):
        return seen  # what is open may be the endpoint that is not seen, or the rest of its share
    if seen.expected - seen.reached and (seen.reached or came_through):
        seen.problems.add(Verdict.MISSING)
    if not own.ipvs and _uneven(seen.shares):  # a virtual server's shares are its weights
        seen.problems.add(Verdict.UNBALANCED)
    return seen


def _problem(fate: Fate, seen: Judgement, own: OwnChains) -> Verdict | None:
    """What is wrong with this one fate; where it arrives is noted in `seen`."""
    match fate.kind:
        case FateKind.UNREAD:
            return Verdict.UNREAD
        case FateKind.UNKNOWN:
            return Verdict.UNKNOWN
        case FateKind.REJECT | FateKind.DROP:
            return _refusal(fate, own) if seen.expected else None
        case FateKind.LOCAL | FateKind.PASS:
            if not seen.expected and (seen.may_pass or _marked_to_drop(fate)):
                return None
            return Verdict.MISSING if dispatched(fate, own) else Verdict.ABSENT
        case FateKind.ENDPOINT:
            return _arrival(fate, seen, own)


def _refusal(fate: Fate, own: OwnChains) -> Verdict:
    chain = fate.rules[-1].chain.chain if fate.rules else ""
    if chain in own.unserved and not dispatched(fate, own):
        return Verdict.ABSENT
    return Verdict.POLICY if own.policy and chain.startswith(own.policy) else Verdict.BLOCKED


def _marked_to_drop(fate: Fate) -> bool:
    """Until 1.24 source ranges only mark a packet, and the mark drops it on its way in or out
    but not when it is forwarded (measured), so it passes untranslated where none is due."""
    return any("KUBE-MARK-DROP" in rule.raw for rule in fate.rules)


def _arrival(fate: Fate, seen: Judgement, own: OwnChains) -> Verdict | None:
    rule = fate.translated_by
    if rule is not None and rule.chain.chain in own.relays:
        return Verdict.UNREAD
    if rule is None or not translates(rule, own):
        return Verdict.DIVERTED
    assert fate.endpoint is not None
    if fate.probability is None:
        seen.by_state.add(fate.endpoint)
    else:
        share = seen.shares.get(fate.endpoint, 0.0)
        seen.shares[fate.endpoint] = share + fate.probability
    if fate.endpoint in seen.expected:
        return None
    seen.stale.add(fate.endpoint)
    return Verdict.STALE


def translates(rule: RuleRef, own: OwnChains) -> bool:
    """Is it one of the dataplane's own translations?"""
    if rule.chain.backend is Backend.IPVS:
        return own.ipvs
    return own.translates(rule.chain.chain)


def _uneven(shares: dict[SocketAddress, float]) -> bool:
    if len(shares) < 2:
        return False
    equal = sum(shares.values()) / len(shares)
    return any(abs(share - equal) > TOLERANCE for share in shares.values())


def judge_node(
    walks: tuple[Walk, ...],
    *,
    node: str,
    dataplane: str,
    own: OwnChains,
    proven: bool,
    address: str | None = None,
) -> NodeTrace:
    """All clients of one frontend on one node. Without proof of ownership nothing is absent, and
    where nobody was asked nothing is read."""
    judged = [judge_walk(walk, own) for walk in walks]
    found = {problem for judgement in judged for problem in judgement.problems}
    if not walks or (Verdict.ABSENT in found and not proven):
        found = {Verdict.UNREAD}
    problems = tuple(verdict for verdict in Verdict if verdict in found)
    return NodeTrace(
        node=node,
        dataplane=dataplane,
        address=address,
        verdict=problems[0] if problems else Verdict.OK,
        problems=problems,
        expected=_sorted(a for j in judged for a in j.expected),
        reached=_sorted(a for j in judged for a in j.reached),
        missing=_sorted(a for j in judged for a in j.missing),
        stale=_sorted(a for j in judged for a in j.stale),
        walks=walks,
        reason=_reason(walks, own),
    )


def _sorted(addresses: Iterable[SocketAddress]) -> tuple[SocketAddress, ...]:
    return tuple(sorted(set(addresses), key=lambda a: (a.address.version, int(a.address), a.port)))


def _reason(walks: tuple[Walk, ...], own: OwnChains) -> str:
    """Why a verdict is unknown or unread: the first rule or chain to blame."""
    for walk in walks:
        for fate in walk.fates:
            if fate.kind is FateKind.UNKNOWN:
                return fate.because
    names = sorted({str(name) for walk in walks for fate in walk.fates for name in fate.unread})
    if names:
        return f"not read: {', '.join(names[:3])}"
    for fate in (fate for walk in walks for fate in walk.fates):
        rule = fate.translated_by
        if rule is not None and fate.endpoint is not None and rule.chain.chain in own.relays:
            port = fate.endpoint.port
            return f"{rule} leads to the proxy's own port {port}, and no rule shows what follows"
    return ""
