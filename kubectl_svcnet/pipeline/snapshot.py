"""`snapshot`: everything that later questions may need, read twice through a recording source.

Dumps rather than single chains, all Services rather than one, both families; what each kube-proxy
says of itself; and whatever `ranges` and `logs` ask for. What is left out of the file is the
business of `cluster.redact`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from ..dataplanes.kube_proxy import proxy_pod
from ..model.capture import ApiRequest, Request, Source
from ..model.commands import Command
from ..model.finding import Gap
from ..model.options import Options
from ..model.report import PlanReport, SnapshotReport
from ..model.service import Node, Pod, pods_on
from ..node.vantage import choose
from .collect import Collector, gap_of
from .dumps import dump_request, read_dumps
from .inventory import Scope, read_nodes, read_services
from .kernel import commands_beside
from .logs import fetch, log_requests
from .nodes import whole_failure
from .planned import planned
from .policies import policies_request
from .ranges import plan as plan_ranges
from .ranges import run as read_ranges
from .told import requests

PODS = ApiRequest(path="/api/v1/pods")
EVENTS = ApiRequest(path="/api/v1/events", limit=5000)


_MAY_FOLLOW = (
    "on the same pods: each native table by nft, and ipset save where rules ask for sets",
    "by port-forward to each kube-proxy: GET /proxyMode, /configz, /metrics and /healthz",
    "after --settle: what is read of nodes a second time",
)


def snapshot(source: Source, options: Options) -> SnapshotReport:
    """Reads into `source`, which records. Raises UsageError for a node that does not exist."""
    collector = Collector(source, max_parallel=options.max_parallel)
    ranges = read_ranges(source, replace(options, max_pods=None))
    inventory, gaps = read_nodes(collector, selector=options.node_selector, names=options.nodes)
    nodes, agents = inventory.nodes or (), inventory.agents or ()
    found: list[Gap] = [*gaps, *ranges.gaps]
    read = 0
    for reading in range(2):
        if reading:
            collector.wait(options.settle)
        services = read_services(collector, (Scope(),))
        collector.fetch(PODS)
        collector.fetch(policies_request(None))
        if not reading:
            here = {node.name for node in nodes}
            fetch(collector, [EVENTS, *log_requests(collector, options, agents, here)])
        read_node = partial(_node, collector, agents=agents, beside=commands_beside(services))
        answers = collector.map(read_node, nodes)
        read_services(collector, (Scope(),))
        if not reading:
            found += services.gaps
            found += [gap for gap, _ in answers if gap is not None]
            read = sum(1 for _, ok in answers if ok)
    return SnapshotReport(
        collected=collector.collected(nodes=len(nodes), nodes_read=read),
        file=options.file,
        gaps=tuple(dict.fromkeys(found)),
    )


def plan(source: Source, options: Options) -> PlanReport:
    """What `snapshot` would run on nodes and read of logs, after reading the API's lists."""
    collector = Collector(source, max_parallel=options.max_parallel)
    ranges = plan_ranges(source, replace(options, max_pods=None))
    inventory, gaps = read_nodes(collector, selector=options.node_selector, names=options.nodes)
    nodes, agents = inventory.nodes or (), inventory.agents or ()
    services = read_services(collector, (Scope(),))
    found: list[Gap] = [*gaps, *ranges.gaps, *services.gaps]
    asked: list[Request] = list(
        log_requests(collector, options, agents, {node.name for node in nodes})
    )
    for node in nodes:
        here = pods_on(node, agents)
        proxy = proxy_pod(here)
        asked += requests(proxy) if proxy is not None else ()
        vantage = choose(node, here)
        if isinstance(vantage, Gap):
            found.append(vantage)
        else:
            asked.append(dump_request(vantage, commands_beside(services)))
    commands = [*ranges.commands, *(c for request in asked for c in planned(request))]
    return PlanReport(
        collected=collector.collected(nodes=len(nodes)),
        commands=tuple(dict.fromkeys(commands)),
        may_follow=_MAY_FOLLOW,
        gaps=tuple(dict.fromkeys(found)),
    )


def _node(
    collector: Collector, node: Node, agents: tuple[Pod, ...], beside: tuple[Command, ...]
) -> tuple[Gap | None, bool]:
    here = tuple(pod for pod in agents if pod.node == node.name)
    proxy = proxy_pod(here)
    if proxy is not None:
        collector.map(collector.fetch, requests(proxy))
    vantage = choose(node, here)
    if isinstance(vantage, Gap):
        return vantage, False
    captures = read_dumps(collector, vantage, beside)
    failure = whole_failure(captures)
    if failure is not None:
        request = captures[0].request
        return gap_of(request, failure, what="rules", node=node.name, blocking=True), False
    return None, True
