"""What a trace's readings mean: the packets to ask for, verdicts, findings, the report.

Apart from `trace`, which reads, because what judges takes long to import and is not needed before
the nodes have answered. Nothing here fetches anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from ipaddress import ip_network

from ..dataplanes import Owner
from ..dataplanes.kube_proxy_nftables import DATAPLANE as NFTABLES
from ..engine.ask import Neighbourhood, Questions, ask
from ..engine.judge.defects import defects_of, statements_of
from ..engine.judge.findings import NodeFacts, unserved_of
from ..engine.judge.hollow import without_hollow
from ..engine.judge.running import unfollowed_of
from ..engine.judge.services import judge_node
from ..engine.judge.settling import settle
from ..engine.judge.strangers import places_of, strangers_in
from ..engine.simulate import Routing
from ..model.address import IPAddress, IPNetwork, family_of
from ..model.finding import Gap
from ..model.kube_proxy import image_version, minor_version
from ..model.nodeview import Dispatched, NodeView
from ..model.proxystate import UNKNOWN, Conduct
from ..model.report import (
    FAULTS,
    Collected,
    FrontendTrace,
    NodeTrace,
    ServiceTrace,
    TraceReport,
    Verdict,
)
from ..model.service import (
    Frontend,
    FrontendKind,
    Node,
    Pod,
    Service,
    ServiceName,
    dialled,
    frontends,
)
from .down import down_of
from .expected import Expected
from .nodes import NodeReading

Judged = Mapping[tuple[Frontend, str], NodeTrace]
Pods = Mapping[str, tuple[Pod, ...] | None]


def packets_for(
    expected: Expected,
    node: Node,
    view: NodeView,
    targets: Iterable[Frontend],
    nodes: Sequence[Node],
    pods: Pods,
    conduct: Conduct = UNKNOWN,
    chosen: Pod | None = None,
) -> dict[Frontend, Questions]:
    """What the clients of each frontend send on this node."""
    others = tuple((o, pods.get(o.name)) for o in nodes if o.name != node.name)
    around = Neighbourhood(
        node=node,
        pods=pods.get(node.name),
        elsewhere=others,
        known=_known_ranges(nodes),
        conduct=conduct,
        chosen=chosen,
    )
    asked, routing = {}, Routing(view)
    for frontend in targets:
        service = expected.service(frontend.service)
        if service is not None:
            endpoints = expected.of(frontend)
            asked[frontend] = ask(service, frontend, endpoints, view, around, routing)
    return asked


def _known_ranges(nodes: Iterable[Node]) -> tuple[IPNetwork, ...]:
    return tuple(
        network for node in nodes for network in (*node.pod_cidrs, *map(_alone, node.addresses))
    )


@cache
def _alone(address: IPAddress) -> IPNetwork:
    """Asked for all nodes by each node."""
    return ip_network(address)


def judge(
    expected: Expected, readings: Mapping[str, NodeReading], targets: Iterable[Frontend]
) -> dict[tuple[Frontend, str], NodeTrace]:
    return {
        (frontend, name): _judge_one(expected, frontend, reading)
        for frontend in targets
        for name, reading in readings.items()
    }


def _judge_one(expected: Expected, frontend: Frontend, reading: NodeReading) -> NodeTrace:
    owner = reading.owner
    walks = reading.walks.get(frontend, ())
    if expected.service(frontend.service) is None:
        return _unjudged(reading, "the Service was deleted while it was read", excused=True)
    if owner.reader is None or reading.view is None:
        reason = next((gap.why for gap in reading.gaps if gap.blocking), owner.why)
        return _unjudged(reading, reason)
    where = dialled(frontend, reading.node)
    if excuse := _excuse(frontend, reading, where):
        return _unjudged(reading, excuse, excused=True)
    judged = judge_node(
        walks,
        node=reading.node.name,
        dataplane=owner.name,
        own=reading.own,
        proven=owner.proven,
        address=str(where) if where is not None else None,
    )
    if judged.verdict is Verdict.ABSENT:
        names = _names(expected, frontend, owner)
        judged = without_hollow(judged, frontend, reading.view, names, reading.own)
    nowhere = _left_out(expected.service(frontend.service), frontend, reading)
    if nowhere and not judged.reached and FAULTS.intersection(judged.problems):
        return _unjudged(reading, nowhere, excused=True)
    if not walks:
        return replace(judged, reason="the Service changed while it was read")
    judged = replace(judged, defects=defects_of(walks, reading.own))
    if judged.verdict is Verdict.UNREAD and not judged.reason:
        return replace(judged, reason=owner.why)
    return judged


def _left_out(service: Service | None, frontend: Frontend, reading: NodeReading) -> str:
    """Why this node's kube-proxy leaves it out where the kernel shows nothing of it; "" if it
    should not. Its watch of Services had the label's selector until 1.35 (cmd/kube-proxy/app)."""
    if service is not None and service.marked_headless:
        minor = minor_version(image_version(reading.proxy)) if reading.proxy else None
        if minor is None or minor < 36:
            return (
                f"{service.name} has the label service.kubernetes.io/headless, and kube-proxy "
                "before 1.36 leaves such Services out, whatever their address"
            )
    if frontend.kind is FrontendKind.NODE_PORT:
        return reading.nowhere.get(frontend.family, "")
    gated = reading.setting is not None and reading.setting.no_external_ips
    if gated and frontend.kind is FrontendKind.EXTERNAL_IP:
        return "kube-proxy serves no external IPs here (feature gate AllowServiceExternalIPs)"
    return ""


def _names(expected: Expected, frontend: Frontend, owner: Owner) -> frozenset[str]:
    """Those that the frontend's chains may have there."""
    service = expected.service(frontend.service)
    if service is None or owner.reader is None:
        return frozenset()
    endpoints = [endpoint.address for endpoint in expected.of(frontend)]
    own = owner.reader.names(service, frontend, endpoints)
    return own | NFTABLES.names(service, frontend, endpoints)


def _unjudged(reading: NodeReading, why: str, *, excused: bool = False) -> NodeTrace:
    return NodeTrace(
        node=reading.node.name,
        dataplane=reading.owner.name,
        verdict=Verdict.UNREAD,
        problems=(Verdict.UNREAD,),
        reason=why,
        excused=excused,
    )


def _excuse(frontend: Frontend, reading: NodeReading, where: IPAddress | None) -> str:
    """Why a frontend need not be programmed on this node; "" where it must be."""
    family = frontend.family
    if where is None:
        return f"the node has no {family.value} InternalIP at which a node port could be dialled"
    reader, view = reading.owner.reader, reading.view
    if reader is None or view is None:
        return ""
    if frontend.kind is FrontendKind.NODE_PORT:
        named = reading.setting is None or reading.setting.node_port_addresses
        return reader.node_ports_elsewhere(view, where) if named else ""
    has_family = any(family_of(address) is family for address in reading.node.addresses)
    if not has_family and reader.programmed(view) and not reader.programmed(view, family):
        return f"kube-proxy programs no {family.value} here, and the node has no such address"
    return ""


def differing(judged: Judged) -> frozenset[str]:
    """The nodes on which something is at fault."""
    return frozenset(name for (_, name), trace_ in judged.items() if trace_.amiss)


def strangers(
    readings: Mapping[str, NodeReading], services: Iterable[Service]
) -> dict[str, tuple[Dispatched, ...]]:
    """By node, where there are any: addresses that it dispatches and none of these has. None
    where one of these could not be read whole: it may be its own."""
    services = tuple(services)
    if not all(service.whole for service in services):
        return {}
    known = places_of(services)
    found = {}
    for name, reading in readings.items():
        if reading.owner.reader is not None and reading.view is not None:
            seen = strangers_in(reading.owner.reader.dispatched(reading.view), known)
            if seen:
                found[name] = seen
    return found


def doubtful(services: Iterable[Service]) -> tuple[Gap, ...]:
    """Why `strangers` finds none."""
    broken = sorted({str(service.name) for service in services if not service.whole})
    if not broken:
        return ()
    why = f"not looked for: ports or addresses of {broken[0]} cannot be read"
    return (Gap(what="Services that the API does not have", why=why),)


def settled(
    first: Judged, second: Judged, readings_of_the_api: Sequence[Expected]
) -> dict[tuple[Frontend, str], NodeTrace]:
    """Both readings together: what is still so, and was expected the same way in every reading
    of the API, is settled."""
    found = dict(first)
    for (frontend, name), trace_ in second.items():
        wanted = [_asks(expected, frontend) for expected in readings_of_the_api]
        same = all(each == wanted[0] for each in wanted)
        found[frontend, name] = settle(first[frontend, name], trace_, same=same)
    return found


def _asks(expected: Expected, frontend: Frontend) -> object:
    """All that an expectation follows from; a new resourceVersion alone changes nothing."""
    service = expected.service(frontend.service)
    return service and replace(service, resource_version=""), expected.of(frontend)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All that a report is made of."""

    services: Sequence[Service]
    nodes: Sequence[Node]
    expected: Expected
    judged: Judged
    readings: Mapping[str, NodeReading]
    gaps: tuple[Gap, ...]
    missing: tuple[str, ...]
    blind: frozenset[ServiceName] = frozenset()  # Services whose endpoints were not read
    once: frozenset[str] = frozenset()  # nodes of which a bundle holds one reading
    strangers: Mapping[str, tuple[Dispatched, ...]] = field(default_factory=dict)
    read_at: float = 0.0  # when the pods of kube-proxy were read


def report_of(outcome: Outcome, collected: Collected) -> TraceReport:
    services = services_of(outcome)
    facts = facts_of(outcome)
    found = [f for service in services for f in statements_of(service, facts)]
    return TraceReport(
        collected=collected,
        services=services,
        findings=(*unfollowed_of(services, facts), *unserved_of(services, facts), *found),
        gaps=gaps_of(outcome),
        missing=outcome.missing,
    )


def services_of(outcome: Outcome) -> tuple[ServiceTrace, ...]:
    return tuple(_service(service, outcome) for service in outcome.services)


def facts_of(outcome: Outcome) -> dict[str, NodeFacts]:
    """What findings say about each node."""
    return {
        name: _facts(read, name in outcome.once, outcome.read_at)
        for name, read in outcome.readings.items()
    }


def gaps_of(outcome: Outcome) -> tuple[Gap, ...]:
    of_nodes = tuple(gap for reading in outcome.readings.values() for gap in reading.gaps)
    return (*outcome.gaps, *of_nodes, *_unread(outcome.judged, of_nodes))


def _service(service: Service, outcome: Outcome) -> ServiceTrace:
    traces = []
    for frontend in frontends(service):
        places = [(frontend, node.name) for node in outcome.nodes]
        nodes = tuple(outcome.judged[place] for place in places if place in outcome.judged)
        traces.append(
            FrontendTrace(frontend=frontend, endpoints=outcome.expected.of(frontend), nodes=nodes)
        )
    return ServiceTrace(
        service=service,
        endpoints=outcome.expected.endpoints.get(service.name, ()),
        blind=service.name in outcome.blind,
        frontends=tuple(traces),
        sentence=_sentence(service) if not traces else "",
    )


def _unread(judged: Judged, known: Iterable[Gap]) -> tuple[Gap, ...]:
    """A node that was read, but not all that a verdict needs: blocking, like one not read."""
    told = {gap.node for gap in known if gap.blocking or gap.what == "rules"}
    whys = {
        (name, trace_.reason, not trace_.excused): None
        for (_, name), trace_ in judged.items()
        if trace_.verdict is Verdict.UNREAD and (name not in told or trace_.excused)
    }
    return tuple(Gap(what="rules", node=name, why=why, blocking=b) for name, why, b in whys)


def _facts(reading: NodeReading, once: bool, now: float) -> NodeFacts:
    pod, vantage = reading.proxy, reading.vantage
    return NodeFacts(
        proxy=str(pod) if pod else "",
        state=reading.state,
        vantage=f"{vantage.namespace}/{vantage.pod}/{vantage.container}" if vantage else "",
        own=reading.own,
        once=once,
        unserved=reading.unserved,
        down=down_of(pod, now) if pod else None,
    )


def _sentence(service: Service) -> str:
    name = service.name
    if service.external_name:
        return f"{name} is an ExternalName Service: DNS answers {service.external_name}, no rules."
    if service.headless:
        return f"{name} is headless: DNS answers with its pods, no rules on any node."
    if service.other_proxy:
        return f"{name} is left to the proxy {service.other_proxy}, not kube-proxy."
    return f"{name} has no address yet, so no node has rules for it."
