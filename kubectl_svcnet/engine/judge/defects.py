"""What is wrong with packets that arrive: whose address they bear, and whether clients stick.

No verdicts (product.md keeps those to where packets go), but differences from what the API asks
all the same: they settle like verdicts do, and are stated as findings, one per node and defect.
Packets of a node itself bear one of its addresses either way, so they are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...model.fate import FOR_EVER, Backend, Fate, FateKind, RuleRef
from ...model.finding import Finding, Level
from ...model.nodeview import OwnChains
from ...model.packet import Client
from ...model.report import Defect, FrontendTrace, NodeTrace, ServiceTrace, Walk
from ..codes import finding
from .findings import ONE_READING, UNSETTLED, NodeFacts, findings_of
from .services import translates

_CODES = {
    Defect.UNSTICKY: "SVN221",
    Defect.MISTIMED: "SVN221",
    Defect.UNMASQUERADED: "SVN521",
    Defect.MASQUERADED: "SVN522",
}
_WORDS = {
    Defect.UNSTICKY: "clients of {} do not stay with an endpoint, which sessionAffinity asks for",
    Defect.MISTIMED: "clients of {} do not stay with an endpoint for the time that sessionAffinity "
    "asks for",
    Defect.UNMASQUERADED: "packets for {} keep their source, so that answers miss this node",
    Defect.MASQUERADED: "packets for {} lose their client's address, which should be kept",
}
#: What a rule that changes sources is written with, in either language.
_CHANGES = ("MASQUERADE", "SNAT", "masquerade", "snat ")


def defects_of(walks: Iterable[Walk], own: OwnChains) -> tuple[Defect, ...]:
    found = {defect for walk in walks for defect, _ in _seen(walk, own)}
    return tuple(defect for defect in Defect if defect in found)


def _seen(walk: Walk, own: OwnChains) -> Iterator[tuple[Defect, Fate]]:
    """Each defect, and a fate that shows it; what is stale has a verdict."""
    wanted = walk.asked.expectation
    right = wanted.endpoints.union(*wanted.alternatives)
    arrived = [f for f in walk.fates if f.endpoint in right and _own(f, own)]
    if walk.asked.client is not Client.NODE:
        for fate in arrived:
            changes = _masquerade(walk, fate)
            if changes is True and fate.masquerade is False:
                yield Defect.UNMASQUERADED, fate
            elif changes is False and fate.masquerade and _blamable(fate, walk, own):
                yield Defect.MASQUERADED, fate
    if wanted.affinity is not None:
        yield from ((Defect.MISTIMED, f) for f in arrived if _mistimed(f, wanted.affinity, own))
        by_state = {fate.endpoint for fate in arrived if fate.probability is None}
        fresh = [fate for fate in arrived if fate.probability is not None]
        if len(fresh) > 1:
            yield from ((Defect.UNSTICKY, f) for f in fresh if f.endpoint not in by_state)


def _mistimed(fate: Fate, seconds: int, own: OwnChains) -> list[RuleRef]:
    """The dataplane's own rules that know a client again for another time."""
    return [
        rule
        for rule in fate.rules
        if rule.remembers and seconds not in rule.remembers and _is_own(rule, own)
    ]


def _is_own(rule: RuleRef, own: OwnChains) -> bool:
    return own.ipvs if rule.chain.backend is Backend.IPVS else rule.chain.chain in own


def _own(fate: Fate, own: OwnChains) -> bool:
    """Else it is diverted, which a verdict says."""
    rule = fate.translated_by
    return fate.kind is FateKind.ENDPOINT and rule is not None and translates(rule, own)


def _masquerade(walk: Walk, fate: Fate) -> bool | None:
    """What returns to its sender would be answered past the node's translation; what ends on the
    node meets no POSTROUTING."""
    assert fate.endpoint is not None
    if fate.endpoint in walk.asked.expectation.here:
        return None
    returns = fate.endpoint.address == walk.asked.packet.source
    return True if returns else walk.asked.expectation.masquerade


def _blamable(fate: Fate, walk: Walk, own: OwnChains) -> bool:
    """A network plugin masquerades what leaves for other than pods, and rightly; who comes from
    outside under policy Local is nobody else's business."""
    return walk.asked.client is Client.EXTERNAL or any(
        rule.chain.chain in own for rule in _changing(fate)
    )


def _changing(fate: Fate) -> list[RuleRef]:
    return [rule for rule in fate.rules if any(word in rule.raw for word in _CHANGES)]


@dataclass(frozen=True, slots=True)
class Place:
    """One frontend on one node that shows a defect."""

    frontend: FrontendTrace
    trace: NodeTrace


def statements_of(service: ServiceTrace, facts: Mapping[str, NodeFacts]) -> tuple[Finding, ...]:
    """All that is stated of one Service: where its packets go, and how they arrive."""
    return (*findings_of(service, facts), *defect_findings(service, facts))


def defect_findings(service: ServiceTrace, facts: Mapping[str, NodeFacts]) -> tuple[Finding, ...]:
    grouped: dict[tuple[str, Defect], list[Place]] = {}
    for frontend in service.frontends:
        for trace in frontend.nodes:
            for defect in trace.defects:
                grouped.setdefault((trace.node, defect), []).append(Place(frontend, trace))
    order = list(Defect)
    return tuple(
        _finding(service, node, defect, places, facts.get(node, NodeFacts()))
        for (node, defect), places in sorted(
            grouped.items(), key=lambda item: (item[0][0], order.index(item[0][1]))
        )
    )


def _finding(
    service: ServiceTrace, node: str, defect: Defect, places: Sequence[Place], facts: NodeFacts
) -> Finding:
    what = ", ".join(str(place.frontend.frontend) for place in places[:3])
    if len(places) > 3:
        what += f" and {len(places) - 3} more"
    settled = any(place.trace.settled for place in places)
    how = ONE_READING if facts.once else ""
    name = service.service.name
    return finding(
        _CODES[defect],
        _WORDS[defect].format(what) + (how if settled else UNSETTLED),
        service=str(name),
        node=node,
        evidence=_evidence(defect, places[0].trace, facts.own),
        next=f"kubectl svcnet trace {name.name} -n {name.namespace} --node {node} --explain",
        level=None if settled else Level.INFO,
    )


def _evidence(defect: Defect, trace: NodeTrace, own: OwnChains) -> tuple[str, ...]:
    """A packet that shows it, and the rules that changed its source."""
    for walk in trace.walks:
        for seen, fate in _seen(walk, own):
            if seen is defect:
                packet = walk.asked.packet
                source = packet.source or trace.node
                said = f"{source} to {packet.destination} arrives at {fate.endpoint}"
                rules = [f"{rule}  {rule.raw}" for rule in _changing(fate)[:2]]
                if defect is Defect.UNSTICKY:
                    rules = [f"{rule}  {rule.raw}" for rule in (fate.translated_by,) if rule]
                elif defect is Defect.MISTIMED:
                    rules = _times(walk.asked.expectation.affinity or 0, fate, own)
                return said, *rules
    return ()


def _times(asked: int, fate: Fate, own: OwnChains) -> list[str]:
    """Both, and the rule. A listing in ticks of the kernel may mean several."""
    rule = _mistimed(fate, asked, own)[0]
    done = " or ".join("for ever" if s == FOR_EVER else f"{s}s" for s in rule.remembers)
    return [f"remembered {done}, asked for {asked}s (timeoutSeconds)", f"{rule}  {rule.raw}"]
