"""`trace`: what every node does with the packets for one or more Services.

The API is read, the nodes, the API again. A difference is an error only if the expectation was
the same both times and the difference is still there after --settle, when only the nodes that
differ are read again (product.md, "Settling").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from ipaddress import ip_network

from ..dataplanes import Owner
from ..engine.ask import Neighbourhood, Questions, ask, dialled
from ..engine.expect import endpoints_of
from ..engine.judge.findings import NodeFacts, findings_of, halted_of
from ..engine.judge.services import judge_node
from ..engine.judge.settling import settle
from ..model.address import IPAddress, IPNetwork
from ..model.capture import ApiRequest, Source
from ..model.finding import Gap
from ..model.nodeview import NodeView
from ..model.options import Options
from ..model.report import (
    FAULTS,
    FrontendTrace,
    NodeTrace,
    ServiceTrace,
    TraceReport,
    Verdict,
)
from ..model.service import (
    Endpoint,
    Frontend,
    Inventory,
    Node,
    Pod,
    Service,
    ServiceName,
    frontends,
)
from ..node.netfilter import Wanted
from ..parse.kube import parse_pod
from .collect import Collector, gap_of
from .inventory import Scope, ServicesRead, read_nodes, read_services, require_services
from .names import find_scopes, picked
from .nodes import NodeReader, NodeReading
from .steps import by_hand

#: Pods listed per node to find a client among.
PODS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One reading of the API, as far as expectations go."""

    services: tuple[Service, ...]
    endpoints: Mapping[ServiceName, tuple[Endpoint, ...]]

    def of(self, frontend: Frontend) -> tuple[Endpoint, ...]:
        return endpoints_of(frontend, self.endpoints.get(frontend.service, ()))

    def service(self, name: ServiceName) -> Service | None:
        return next((s for s in self.services if s.name == name), None)


def trace(source: Source, options: Options) -> TraceReport:
    """Raises UsageError where none of the named Services exists, ClusterError where nothing
    could be read; names of those that do not exist beside others are in the report's `missing`."""
    collector = Collector(source, max_parallel=options.max_parallel)
    scopes = find_scopes(options)
    with ThreadPoolExecutor(max_workers=2) as pool:
        listed = pool.submit(read_services, collector, scopes)
        inventory, gaps = read_nodes(collector, selector=options.node_selector, names=options.nodes)
        read = listed.result()
    read = picked(read, options)
    require_services(read)
    run = _Run(collector, options, scopes, inventory)
    return run.report(read, gaps)


class _Run:
    """One trace: what stays the same over its readings."""

    def __init__(
        self,
        collector: Collector,
        options: Options,
        scopes: Sequence[Scope],
        inventory: Inventory,
    ) -> None:
        self.collector, self.options, self.scopes = collector, options, scopes
        self.inventory = inventory
        self.nodes = inventory.nodes or ()
        self.pods: Future[dict[str, tuple[Pod, ...] | None]] = Future()
        self.pod_gaps: dict[Gap, None] = {}  # one for all nodes, if the reason is the same
        self.known = _known_ranges(self.nodes)

    def report(self, read: ServicesRead, gaps: tuple[Gap, ...]) -> TraceReport:
        before = Expected(services=read.services, endpoints=read.endpoints)
        known = [service for service in before.services if service.name not in read.blind]
        targets = [f for service in known for f in frontends(service)]
        with ThreadPoolExecutor(max_workers=1) as pool:  # a walk needs them, an exec does not
            self.pods = pool.submit(self._all_pods, self.nodes if targets else ())
            readings = self._read(before, self.nodes, targets)
        after = self._expected() or before
        judged = self._judge(after, readings, targets)
        doubtful = _differing(judged)
        reread: tuple[str, ...] = ()
        if doubtful:
            judged, again = self._settle(before, after, judged, doubtful, targets)
            readings |= {name: again[name] for name in again}
            reread = tuple(sorted(again))
        report = self._assemble(after, judged, readings, read, gaps, targets, reread)
        return self._with_steps(report, readings) if self.options.steps else report

    def _with_steps(self, report: TraceReport, readings: Mapping[str, NodeReading]) -> TraceReport:
        steps = by_hand(self.collector, self.inventory, report.services, [*readings.values()])
        before = report.collected
        collected = self.collector.collected(
            nodes=before.nodes, nodes_read=before.nodes_read, reread=before.reread
        )
        return replace(report, steps=steps, collected=collected)

    def _all_pods(self, nodes: Iterable[Node]) -> dict[str, tuple[Pod, ...] | None]:
        return dict(self.collector.map(self._running_pods, nodes))

    def _running_pods(self, node: Node) -> tuple[str, tuple[Pod, ...] | None]:
        selector = f"spec.nodeName={node.name},status.phase=Running"
        request = ApiRequest(path="/api/v1/pods", query=(("fieldSelector", selector),), limit=PODS)
        capture = self.collector.fetch_one(request)
        if capture.failure is not None:
            gap = gap_of(request, capture.failure, what="pods of a node", blocking=False)
            self.pod_gaps[gap] = None
            return node.name, None
        return node.name, tuple(map(parse_pod, capture.objects))

    def _read(
        self, expected: Expected, nodes: Iterable[Node], targets: Sequence[Frontend]
    ) -> dict[str, NodeReading]:
        reader = NodeReader(
            collector=self.collector,
            agents=self.inventory.agents or (),
            wanted=lambda node, owner: wanted_of(expected, node, owner, targets),
            explain=self.options.explain,
        )

        def read(node: Node) -> NodeReading:
            return reader.read(node, lambda view: self._packets(expected, node, view, targets))

        return {r.node.name: r for r in self.collector.map(read, nodes if targets else ())}

    def _packets(
        self, expected: Expected, node: Node, view: NodeView, targets: Sequence[Frontend]
    ) -> dict[Frontend, Questions]:
        pods = self.pods.result()
        others = tuple((o, pods.get(o.name)) for o in self.nodes if o.name != node.name)
        around = Neighbourhood(
            node=node, pods=pods.get(node.name), elsewhere=others, known=self.known
        )
        asked = {}
        for frontend in targets:
            service = expected.service(frontend.service)
            if service is not None:
                asked[frontend] = ask(service, frontend, expected.of(frontend), view, around)
        return asked

    def _expected(self) -> Expected | None:
        """The API once more; None if it does not answer any longer."""
        read = picked(read_services(self.collector, self.scopes), self.options)
        return Expected(services=read.services, endpoints=read.endpoints) if read.readable else None

    def _judge(
        self, expected: Expected, readings: Mapping[str, NodeReading], targets: Sequence[Frontend]
    ) -> dict[tuple[Frontend, str], NodeTrace]:
        return {
            (frontend, name): _judge_one(expected, frontend, reading)
            for frontend in targets
            for name, reading in readings.items()
        }

    def _settle(
        self,
        before: Expected,
        after: Expected,
        judged: dict[tuple[Frontend, str], NodeTrace],
        doubtful: frozenset[str],
        targets: Sequence[Frontend],
    ) -> tuple[dict[tuple[Frontend, str], NodeTrace], dict[str, NodeReading]]:
        """The nodes that differ, read again after --settle; what is still so, and was expected
        the same way all along, is settled."""
        self.collector.wait(self.options.settle)
        nodes = [node for node in self.nodes if node.name in doubtful]
        again = self._read(after, nodes, targets)
        last = self._expected() or after
        second = self._judge(last, again, targets)
        settled = dict(judged)
        for (frontend, name), trace_ in second.items():
            same = before.of(frontend) == after.of(frontend) == last.of(frontend)
            settled[frontend, name] = settle(judged[frontend, name], trace_, same=same)
        return settled, again

    def _assemble(
        self,
        expected: Expected,
        judged: Mapping[tuple[Frontend, str], NodeTrace],
        readings: Mapping[str, NodeReading],
        read: ServicesRead,
        gaps: tuple[Gap, ...],
        targets: Sequence[Frontend],
        reread: tuple[str, ...],
    ) -> TraceReport:
        services = tuple(self._service(service, expected, judged) for service in read.services)
        facts = {name: _facts(reading) for name, reading in readings.items()}
        found = [f for service in services for f in findings_of(service, facts)]
        node_gaps = tuple(gap for reading in readings.values() for gap in reading.gaps)
        return TraceReport(
            collected=self.collector.collected(
                nodes=len(self.nodes),
                nodes_read=sum(1 for r in readings.values() if r.view is not None),
                reread=reread,
            ),
            services=services,
            findings=(*halted_of(services, facts), *found),
            gaps=(
                *gaps,
                *read.gaps,
                *self._blind(targets),
                *node_gaps,
                *_unread(judged, node_gaps),
            ),
            missing=read.missing,
        )

    def _blind(self, targets: Sequence[Frontend]) -> tuple[Gap, ...]:
        if self.nodes or not targets:
            return ()
        return (
            Gap(
                what="nodes",
                why="no node is known, so nothing can be said of what is programmed",
                next="kubectl get nodes",
                blocking=True,
            ),
        )

    def _service(
        self,
        service: Service,
        expected: Expected,
        judged: Mapping[tuple[Frontend, str], NodeTrace],
    ) -> ServiceTrace:
        traces = []
        for frontend in frontends(service):
            nodes = [judged[frontend, n.name] for n in self.nodes if (frontend, n.name) in judged]
            traces.append(
                FrontendTrace(
                    frontend=frontend, endpoints=expected.of(frontend), nodes=tuple(nodes)
                )
            )
        return ServiceTrace(
            service=service,
            endpoints=expected.endpoints.get(service.name, ()),
            frontends=tuple(traces),
            sentence=_sentence(service) if not traces else "",
        )


def _judge_one(expected: Expected, frontend: Frontend, reading: NodeReading) -> NodeTrace:
    owner = reading.owner
    walks = reading.walks.get(frontend, ())
    if owner.reader is None or reading.view is None:
        reason = next((gap.why for gap in reading.gaps if gap.blocking), owner.why)
        return NodeTrace(
            node=reading.node.name,
            dataplane=owner.name,
            verdict=Verdict.UNREAD,
            problems=(Verdict.UNREAD,),
            reason=reason,
        )
    where = dialled(frontend, reading.node)
    judged = judge_node(
        walks,
        node=reading.node.name,
        dataplane=owner.name,
        own=reading.own,
        proven=owner.proven,
        address=str(where) if where is not None else None,
    )
    if judged.verdict is Verdict.UNREAD and not judged.reason:
        return replace(judged, reason=owner.why)
    return judged


def _unread(
    judged: Mapping[tuple[Frontend, str], NodeTrace], known: Iterable[Gap]
) -> tuple[Gap, ...]:
    """A node that was read, but not all that a verdict needs: blocking, like one not read."""
    told = {gap.node for gap in known if gap.blocking or gap.what == "rules"}
    whys = {
        (name, trace_.reason): None
        for (_, name), trace_ in judged.items()
        if trace_.verdict is Verdict.UNREAD and name not in told
    }
    return tuple(Gap(what="rules", node=name, why=why, blocking=True) for name, why in whys)


def wanted_of(
    expected: Expected, node: Node, owner: Owner, targets: Sequence[Frontend]
) -> tuple[Wanted, ...]:
    """Per family: the chains that hashing gives these frontends, and all addresses dialled."""
    if owner.reader is None:
        return ()
    found = []
    for family in sorted({frontend.family for frontend in targets}):
        chains: set[str] = set()
        addresses: set[IPAddress] = set()
        for frontend in targets:
            if frontend.family is family:
                endpoints = [endpoint.address for endpoint in expected.of(frontend)]
                service = expected.service(frontend.service)
                chains |= owner.reader.names(service, frontend, endpoints) if service else set()
                addresses |= {a for a in [dialled(frontend, node)] if a is not None}
        found.append(
            Wanted(family=family, chains=frozenset(chains), destinations=frozenset(addresses))
        )
    return tuple(found)


def _known_ranges(nodes: Iterable[Node]) -> tuple[IPNetwork, ...]:
    return tuple(
        network
        for node in nodes
        for network in (*node.pod_cidrs, *(ip_network(address) for address in node.addresses))
    )


def _differing(judged: Mapping[tuple[Frontend, str], NodeTrace]) -> frozenset[str]:
    return frozenset(
        name for (_, name), trace_ in judged.items() if FAULTS.intersection(trace_.problems)
    )


def _facts(reading: NodeReading) -> NodeFacts:
    pod, vantage = reading.proxy, reading.vantage
    return NodeFacts(
        proxy=f"{pod.namespace}/{pod.name}" if pod else "",
        state=reading.state,
        vantage=f"{vantage.namespace}/{vantage.pod}/{vantage.container}" if vantage else "",
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


__all__ = ["trace"]
