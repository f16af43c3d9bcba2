"""`trace`: what every node does with the packets for one or more Services.

The API is read, the nodes, the API again. A difference is an error only if the expectation was
the same both times and the difference is still there after --settle, when only the nodes that
differ are read again (product.md, "Settling").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from ..model.capture import ApiRequest, Source
from ..model.commands import Command
from ..model.finding import Gap
from ..model.nodeview import NodeView
from ..model.options import Options
from ..model.proxystate import UNKNOWN, Conduct
from ..model.service import Frontend, Inventory, Node, Pod, ServiceName, frontends
from ..parse.kube_pod import parse_pod
from .collect import Collector, gap_of
from .expected import Expected, wanted_of
from .inventory import Scope, ServicesRead, read_nodes, read_services, require_services
from .names import find_scopes, picked
from .nearest import with_nearest
from .node_ports import with_settings
from .nodes import NodeReader, NodeReading, read_once

if TYPE_CHECKING:  # `judging`, and all that it imports, is not needed before nodes have answered
    from ..engine.ask import Questions
    from ..model.report import Collected, TraceReport
    from .judging import Outcome

#: Pods listed per node to find a client among.
PODS = 50


def trace(source: Source, options: Options) -> TraceReport:
    """Raises UsageError where none of the named Services exists, ClusterError where nothing
    could be read; names of those that do not exist beside others are in the report's `missing`."""
    tracing = begin(Collector(source, max_parallel=options.max_parallel), options)
    outcome = tracing.outcome()
    from . import judging

    report = judging.report_of(outcome, tracing.collected(outcome.readings))
    if not options.steps:
        return report
    from .steps import by_hand

    readings = outcome.readings
    steps = by_hand(tracing.collector, tracing.inventory, report.services, [*readings.values()])
    return replace(report, steps=steps, collected=tracing.collected(readings))


def begin(collector: Collector, options: Options, *, dated: bool = False) -> Tracing:
    """The API read for the first time, `dated`: and when Services changed. Raises as `trace`."""
    scopes = find_scopes(options)
    with ThreadPoolExecutor(max_workers=2) as pool:
        listed = pool.submit(read_services, collector, scopes, dated=dated)
        inventory, gaps = read_nodes(collector, selector=options.node_selector, names=options.nodes)
        read = listed.result()
    read = with_nearest(collector, picked(read, options), options)
    require_services(read)
    tracing = Tracing(collector, options, scopes, inventory, read, gaps)
    if options.client:
        tracing.choose_client()
    return tracing


class Tracing:
    """One trace: what stays the same over its readings."""

    def __init__(
        self,
        collector: Collector,
        options: Options,
        scopes: Sequence[Scope],
        inventory: Inventory,
        read: ServicesRead,
        gaps: tuple[Gap, ...],
    ) -> None:
        self.collector, self.options, self.scopes = collector, options, scopes
        self.inventory, self.read, self.gaps = inventory, read, gaps
        self.nodes = inventory.nodes or ()
        self.chosen: Pod | None = None
        self.pods: Future[dict[str, tuple[Pod, ...] | None]] = Future()
        self.conduct: Future[dict[str, Conduct]] = Future()
        self.api_gaps: dict[Gap, None] = {}  # one for all nodes, if the reason is the same
        self.reread = frozenset[str]()
        self.beside: tuple[Command, ...] = ()  # read of each node as well
        self.everything = False  # all Services of the cluster: strangers show
        self.localhost = False  # node ports are asked there too
        self.services = read.services  # of all readings

    def choose_client(self) -> None:
        """The pod of --from. What may not be read, or is on no node that is looked at, is a gap."""
        from .sender import chosen_client

        self.chosen, gaps = chosen_client(self.collector, self.options, self.nodes)
        self.gaps = (*self.gaps, *gaps)

    def of_others(self, names: Sequence[ServiceName]) -> Tracing:
        """Of other Services, on the same nodes."""
        words = tuple(f"{name.name}.{name.namespace}" for name in names)
        options = replace(self.options, services=words, selector="", field_selector="")
        scopes = find_scopes(options)
        read = picked(read_services(self.collector, scopes), options)
        return Tracing(self.collector, options, scopes, self.inventory, read, ())

    def outcome(self) -> Outcome:
        """The nodes read and judged, those that differ twice."""
        read = self.read
        before = Expected(services=read.services, endpoints=read.endpoints)
        known = [service for service in before.services if service.name not in read.blind]
        targets = [f for service in known for f in frontends(service)]
        with ThreadPoolExecutor(max_workers=3) as pool:  # a walk needs them, an exec does not
            self.pods = pool.submit(self._all_pods, self._hosts() if targets else ())
            self.conduct = pool.submit(self._conducts, self.nodes if targets else ())
            pool.submit(_import_judges)
            readings = self._read(before, self.nodes, targets)
        after = self._expected() or before
        return self._judged(targets, before, after, readings)

    def _judged(
        self,
        targets: Sequence[Frontend],
        before: Expected,
        after: Expected,
        readings: dict[str, NodeReading],
    ) -> Outcome:
        from . import judging

        judged = judging.judge(after, readings, targets)
        strange = judging.strangers(readings, self.services) if self.everything else {}
        self.reread = judging.differing(judged) | strange.keys()
        doubt = judging.doubtful(self.services) if self.everything else ()
        once = frozenset[str]()
        if self.reread:
            again, last = self._settle(after, self.reread, targets)
            second = judging.judge(last, again, targets)
            judged = judging.settled(judged, second, (before, after, last))
            readings = {**readings, **again}
            doubted = {name: one for name, one in again.items() if name in strange}
            strange = judging.strangers(doubted, self.services)
            once = read_once(self.collector.source, again.values())
        return judging.Outcome(
            services=self.read.services,
            nodes=self.nodes,
            expected=after,
            judged=judged,
            readings=readings,
            gaps=(*self.gaps, *self.read.gaps, *self.api_gaps, *doubt, *self._blind(targets)),
            missing=self.read.missing,
            blind=self.read.blind,
            once=once,
            read_at=self.inventory.read_at,
            strangers=strange,
        )

    def _settle(
        self, after: Expected, doubtful: frozenset[str], targets: Sequence[Frontend]
    ) -> tuple[dict[str, NodeReading], Expected]:
        """After --settle the nodes that differ, and the API, once more."""
        self.collector.wait(self.options.settle)
        nodes = [node for node in self.nodes if node.name in doubtful]
        again = self._read(after, nodes, targets)
        return again, self._expected() or after

    def collected(self, readings: Mapping[str, NodeReading]) -> Collected:
        return self.collector.collected(
            nodes=len(self.nodes),
            nodes_read=sum(1 for r in readings.values() if r.view is not None),
            reread=tuple(sorted(self.reread)),
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

    def _hosts(self) -> tuple[Node, ...]:
        """Of clients: the nodes that are read, and of one alone also the first other one."""
        if len(self.nodes) != 1:
            return self.nodes
        others = (node for node in self.inventory.every if node not in self.nodes)
        return (*self.nodes, *islice(others, 1))

    def _all_pods(self, nodes: Iterable[Node]) -> dict[str, tuple[Pod, ...] | None]:
        found = dict(self.collector.map(self._running_pods, nodes))
        chosen = self.chosen
        if chosen is not None and chosen.node in found:  # it may be beyond the first PODS
            found[chosen.node] = (chosen, *(found[chosen.node] or ()))
        return found

    def _conducts(self, nodes: Iterable[Node]) -> dict[str, Conduct]:
        from .configured import conducts

        found, gaps = conducts(self.collector, nodes, self.inventory.agents or ())
        self.api_gaps |= dict.fromkeys(gaps)
        return found

    def _running_pods(self, node: Node) -> tuple[str, tuple[Pod, ...] | None]:
        selector = f"spec.nodeName={node.name},status.phase=Running"
        request = ApiRequest(path="/api/v1/pods", query=(("fieldSelector", selector),), limit=PODS)
        capture = self.collector.fetch_one(request)
        if capture.failure is not None:
            gap = gap_of(request, capture.failure, what="pods of a node", blocking=False)
            self.api_gaps[gap] = None
            return node.name, None
        return node.name, tuple(map(parse_pod, capture.objects))

    def _read(
        self, expected: Expected, nodes: Iterable[Node], targets: Sequence[Frontend]
    ) -> dict[str, NodeReading]:
        reader = NodeReader(
            collector=self.collector,
            agents=self.inventory.agents or (),
            wanted=lambda node, owner: wanted_of(
                expected,
                node,
                owner,
                targets,
                everything=self.everything,
                localhost=self.localhost,
            ),
            explain=self.options.explain,
            beside=self.beside,
        )

        def read(node: Node) -> NodeReading:
            def ask(view: NodeView) -> Mapping[Frontend, Questions]:
                from .judging import packets_for

                pods, conduct = self.pods.result(), self.conduct.result().get(node.name, UNKNOWN)
                return packets_for(
                    expected, node, view, targets, self.inventory.every, pods, conduct, self.chosen
                )

            return reader.read(node, ask)

        readings = {r.node.name: r for r in self.collector.map(read, nodes if targets else ())}
        conduct = self.conduct.result()
        return with_settings(readings, {n: c.setting for n, c in conduct.items() if c.setting})

    def _expected(self) -> Expected | None:
        """The API once more; None if it does not answer any longer."""
        read = picked(read_services(self.collector, self.scopes), self.options)
        self.services += read.services
        return Expected(services=read.services, endpoints=read.endpoints) if read.readable else None


def _import_judges() -> None:
    """While the nodes are being read."""
    from . import judging, view  # noqa: F401


__all__ = ["trace"]
