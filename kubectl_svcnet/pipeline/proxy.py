"""`proxy`: of every node's kube-proxy what is configured, what runs, what the kernel shows.

The API is read first: nodes, agents, Services, the ConfigMaps that kube-proxy pods mount. Then
per node what kube-proxy says of itself, and through its vantage the rules of two Services: the
API's own, and the one that changed last among those that changed over a minute ago, which a
kube-proxy that follows the API has programmed. Nodes with leftovers are read whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..dataplanes import Owner
from ..engine.ask import Questions
from ..errors import ClusterError
from ..model.address import Family
from ..model.capture import Source
from ..model.finding import Gap
from ..model.nodeview import NodeView
from ..model.options import Options
from ..model.report import PlanReport, ProxyReport, Verdict
from ..model.service import Frontend, Inventory, Node
from ..node.netfilter import Wanted
from .collect import Collector
from .configured import in_force
from .expected import Expected, wanted_of
from .inventory import Scope, ServicesRead, read_nodes, read_services
from .judging import judge, packets_for
from .node_ports import with_settings
from .nodes import NodeReader, NodeReading
from .plan import plan_nodes
from .proxies import (
    Proxies,
    Unseen,
    lacking,
    of_further_families,
    telling,
    unseen_of,
    with_families,
)

#: What `proxy` asks beside its first round.
MAY_FOLLOW = (
    "GET 127.0.0.1:10249/proxyMode, /configz and /metrics, 127.0.0.1:10256/healthz of each "
    "kube-proxy through port-forward; the head and the end of its log",
    "on the same pods: chains that a walk meets and that are not among these; where nftables mode "
    "is configured, nft --version; on nodes with leftovers the dump of all rules "
    "(iptables-nft-save, iptables-legacy-save, nft list table)",
)

#: Without any Service to look for, the dispatch of all.
_BARE = (Wanted(family=Family.IPV4, chains=frozenset(), destinations=frozenset()),)


def run(source: Source, options: Options) -> ProxyReport:
    collector = Collector(source, max_parallel=options.max_parallel)
    inventory, gaps = read_nodes(collector, selector=options.node_selector, names=options.nodes)
    if inventory.nodes is None and gaps:
        raise ClusterError(gaps[0].why, next=gaps[0].next or None)
    return _Run(collector, options, inventory).report(gaps)


def plan(source: Source, options: Options) -> PlanReport:
    collector = Collector(source, max_parallel=options.max_parallel)
    inventory, gaps = read_nodes(collector, selector=options.node_selector, names=options.nodes)
    asked = _Asked.of(read_services(collector, (Scope(),), dated=True), collector.source.now())
    every = (*gaps, *asked.read.gaps)
    report = plan_nodes(collector, inventory, inventory.nodes or (), asked.wanted, every)
    return replace(report, may_follow=MAY_FOLLOW)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The API as it was read, the frontends that tell whether a node follows it, and with those
    all that are walked."""

    read: ServicesRead
    targets: tuple[Frontend, ...]
    walked: tuple[Frontend, ...]

    @classmethod
    def of(cls, read: ServicesRead, now: float) -> _Asked:
        targets = telling(read, now)
        return cls(read, targets, (*targets, *of_further_families(read, targets)))

    @property
    def expected(self) -> Expected:
        return Expected(services=self.read.services, endpoints=self.read.endpoints)

    def wanted(self, node: Node, owner: Owner) -> tuple[Wanted, ...]:
        if owner.reader is None:
            return ()
        return wanted_of(self.expected, node, owner, self.walked) or _BARE


@dataclass(slots=True)
class _Run:
    collector: Collector
    options: Options
    inventory: Inventory

    def report(self, gaps: tuple[Gap, ...]) -> ProxyReport:
        nodes = self.inventory.nodes or ()
        proxies = Proxies(self.collector, self.options, self.inventory)
        read = read_services(self.collector, (Scope(),), dated=True)
        asked = _Asked.of(read, self.collector.source.now())
        words = proxies.ask()
        settings = in_force(proxies.pods.values(), words.settings)

        def read_anew(some: Sequence[Node]) -> dict[str, NodeReading]:
            return with_families(with_settings(self._read(asked, some), settings), words.heard)

        readings = read_anew(nodes)
        unseen = self._unseen(asked, readings, nodes, read_anew)
        judged = proxies.judge(asked.expected, readings, words, unseen)
        of_nodes = [gap for reading in readings.values() for gap in reading.gaps]
        return ProxyReport(
            collected=self.collector.collected(
                nodes=len(nodes),
                nodes_read=sum(1 for r in readings.values() if r.view is not None),
            ),
            proxies=judged.states,
            findings=judged.findings,
            gaps=tuple(dict.fromkeys((*gaps, *read.gaps, *of_nodes, *judged.gaps))),
        )

    def _read(self, asked: _Asked, nodes: Sequence[Node]) -> dict[str, NodeReading]:
        reader = NodeReader(
            collector=self.collector, agents=self.inventory.agents or (), wanted=asked.wanted
        )

        def one(node: Node) -> NodeReading:
            def packets(view: NodeView) -> Mapping[Frontend, Questions]:
                return packets_for(asked.expected, node, view, asked.walked, nodes, {})

            return reader.read(node, packets)

        return {reading.node.name: reading for reading in self.collector.map(one, nodes)}

    def _unseen(
        self,
        asked: _Asked,
        readings: dict[str, NodeReading],
        nodes: Sequence[Node],
        read_anew: Callable[[Sequence[Node]], dict[str, NodeReading]],
    ) -> dict[str, Unseen]:
        """By node that could be judged: a change over a minute old that its kernel does not show.
        Stated only if it is so once more after --settle, for the clock that says how
        old a change is need not be ours, and if the API still says the same. What was read then is
        in `readings` instead."""
        found = _lacking(asked, readings)
        doubtful = [node for node in nodes if found.get(node.name)]
        if not doubtful:
            return dict.fromkeys(found, Unseen())
        self.collector.wait(self.options.settle)
        later = read_anew(doubtful)
        again = _lacking(asked, later)
        readings |= {name: one for name, one in later.items() if one.view is not None}
        read = read_services(self.collector, (Scope(),), dated=True)
        before = asked.read.changed
        still = {s.name for s in read.services if read.changed.get(s.name) == before.get(s.name)}
        return {
            name: unseen_of(again.get(name), read) if frontend else Unseen()
            for name, frontend in found.items()
            if not frontend or frontend[0].service in still
        }


def _lacking(
    asked: _Asked, readings: Mapping[str, NodeReading]
) -> dict[str, tuple[Frontend, Verdict] | None]:
    return lacking(judge(asked.expected, readings, asked.targets), readings)
