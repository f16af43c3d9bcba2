"""`snapshot`: everything that later questions may need, read twice through a recording source.

Dumps rather than single chains, all Services rather than one, both families; and whatever
`ranges` asks for. What is left out of the file is `cluster.redact`'s business.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..dataplanes.kube_proxy import proxy_container, proxy_pod
from ..model.address import Family
from ..model.capture import ApiRequest, Capture, ExecRequest, LogRequest, Reason, Source
from ..model.commands import Command, Needs
from ..model.fate import IPTABLES
from ..model.finding import Gap
from ..model.options import Options
from ..model.report import SnapshotReport
from ..model.service import Node, Pod
from ..node.ipvs import IP_VS, IPVSADM
from ..node.netfilter import IPSET_SAVE, LISTING, dumps
from ..node.nft import listed_tables
from ..node.proc import state_commands
from ..node.rounds import plain_round
from ..node.vantage import Vantage, choose
from .collect import Collector, gap_of
from .inventory import Scope, read_nodes, read_services
from .nodes import LOG_HEAD
from .ranges import run as read_ranges

PODS = ApiRequest(path="/api/v1/pods")
FAMILIES = frozenset(Family)


def snapshot(source: Source, options: Options) -> SnapshotReport:
    """Reads into `source`, which records. Raises UsageError for a node that does not exist."""
    collector = Collector(source, max_parallel=options.max_parallel)
    ranges = read_ranges(source, options)
    inventory, gaps = read_nodes(collector, selector=options.node_selector, names=options.nodes)
    nodes, agents = inventory.nodes or (), inventory.agents or ()
    found: list[Gap] = [*gaps, *ranges.gaps]
    read = 0
    for reading in range(2):
        if reading:
            collector.wait(options.settle)
        services = read_services(collector, (Scope(),))
        collector.fetch(PODS)
        answers = collector.map(lambda node: _node(collector, node, agents), nodes)
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


def _node(collector: Collector, node: Node, agents: tuple[Pod, ...]) -> tuple[Gap | None, bool]:
    here = tuple(pod for pod in agents if pod.node == node.name)
    proxy = proxy_pod(here)
    if proxy is not None:
        collector.fetch(_log(node, proxy))
    vantage = choose(node, here)
    if isinstance(vantage, Gap):
        return vantage, False
    captures = _exec(collector, vantage)
    failure = next((c.failure for c in captures if c.failure is not None), None)
    if failure is not None and all(c.failure == failure for c in captures):
        request = captures[0].request
        return gap_of(request, failure, what="rules", node=node.name, blocking=True), False
    return None, True


def _log(node: Node, proxy: Pod) -> LogRequest:
    container = proxy_container(proxy)
    return LogRequest(
        node=node.name,
        namespace=proxy.namespace,
        pod=proxy.name,
        container=container.name if container else "",
        limit_bytes=LOG_HEAD,
    )


def _exec(collector: Collector, vantage: Vantage) -> tuple[Capture, ...]:
    commands = (*state_commands(FAMILIES), IP_VS, IPVSADM, LISTING, *dumps(FAMILIES, IPTABLES))
    captures = collector.fetch(_request(vantage, commands, shell=True))
    shell = True
    if all(c.failure is not None and c.failure.reason is Reason.NO_TOOL for c in captures):
        shell = False
        captures = collector.fetch(_request(vantage, plain_round(FAMILIES), shell=False))
    tables = listed_tables(captures)
    if tables:
        captures += collector.fetch(_request(vantage, tables, shell=shell))
    if any(b" --match-set " in capture.data for capture in captures):
        asked = _request(vantage, (IPSET_SAVE,), shell=shell)
        captures += collector.fetch(replace(asked, in_use=frozenset({Needs.IP_SET})))
    return captures


def _request(vantage: Vantage, commands: Iterable[Command], *, shell: bool) -> ExecRequest:
    return ExecRequest(
        node=vantage.node,
        namespace=vantage.namespace,
        pod=vantage.pod,
        container=vantage.container,
        commands=tuple(commands),
        shell=shell,
    )
