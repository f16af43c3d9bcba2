"""`proxy`: of every node's kube-proxy what is configured, what runs, what the kernel shows.

The API is read first: nodes, agents, Services, the ConfigMaps that kube-proxy pods mount. Then
per node what kube-proxy says of itself, and through its vantage the rules of two Services: the
API's own, and the one that changed last among those that changed over a minute ago, which a
kube-proxy that follows the API has programmed. Nodes with leftovers are read whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..dataplanes import Owner
from ..dataplanes.kube_proxy import proxy_pod
from ..engine.ask import Questions
from ..engine.judge.proxy import LATE, judge_proxies, sync_of
from ..errors import ClusterError
from ..model.address import Family
from ..model.capture import Source
from ..model.finding import Gap
from ..model.nodeview import NodeView
from ..model.options import Options
from ..model.proxystate import Harm, Leftover, ProxyState, SyncState
from ..model.report import PlanReport, ProxyReport, Verdict
from ..model.service import Frontend, Inventory, Node, Pod, ServiceName, frontends
from ..node.netfilter import Wanted
from .at_once import read_others
from .collect import Collector
from .configured import read_settings
from .expected import Expected, wanted_of
from .inventory import Scope, ServicesRead, read_nodes, read_services
from .judging import judge, packets_for
from .leftovers import judge_all, read_whole, remains_of
from .nodes import NodeReader, NodeReading
from .plan import plan_nodes
from .proxystates import Facts, at_work, read_nft_version, state_of, unshown
from .told import Heard, read_metrics, read_told

API = ServiceName("default", "kubernetes")

#: What the kernel shows where it does not show a change.
_UNSEEN = (Verdict.ABSENT, Verdict.MISSING, Verdict.STALE)


_MAY_FOLLOW = (
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
    return replace(report, may_follow=_MAY_FOLLOW)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The API as it was read, and the frontends that tell whether a node follows it."""

    read: ServicesRead
    targets: tuple[Frontend, ...]

    @classmethod
    def of(cls, read: ServicesRead, now: float) -> _Asked:
        known = [s for s in read.services if s.name not in read.blind and frontends(s)]
        old = [s for s in known if now - read.changed.get(s.name, now) > LATE]
        newest = max(old, key=lambda s: read.changed[s.name], default=None)
        chosen = [s for s in known if s.name == API or s is newest]
        return cls(read, tuple(f for service in chosen for f in frontends(service)))

    @property
    def expected(self) -> Expected:
        return Expected(services=self.read.services, endpoints=self.read.endpoints)

    def wanted(self, node: Node, owner: Owner) -> tuple[Wanted, ...]:
        if owner.reader is None:
            return ()
        return wanted_of(self.expected, node, owner, self.targets) or _BARE


@dataclass(slots=True)
class _Run:
    collector: Collector
    options: Options
    inventory: Inventory

    def report(self, gaps: tuple[Gap, ...]) -> ProxyReport:
        nodes = self.inventory.nodes or ()
        found = {node.name: proxy_pod(self._agents(node)) for node in nodes}
        pods = {name: pod for name, pod in found.items() if pod is not None}
        read = read_services(self.collector, (Scope(),), dated=True)
        asked = _Asked.of(read, self.collector.source.now())
        settings, unset = read_settings(self.collector, tuple(pods.values()))
        heard = read_told(self.collector, tuple(pods.values()))
        others, unsure = read_others(self.collector, nodes, self.inventory.agents or ())
        readings = self._read(asked, nodes)
        facts = [
            self._facts(node, pods.get(node.name), readings[node.name], heard.get(node.name))
            for node in nodes
        ]
        left = self.collector.map(lambda fact: self._leftovers(fact, asked, nodes), facts)
        unseen = self._unseen(asked, readings, nodes)
        states = [
            replace(
                state_of(fact, settings),
                leftovers=leftovers,
                others=others.get(fact.node.name, ()),
            )
            for fact, (leftovers, _) in zip(facts, left, strict=True)
        ]
        unseen = {s.node: unseen[s.node] for s in states if s.node in unseen and not _diverted(s)}
        states = self._confirmed([_synced(s, unseen) for s in states], pods, unseen)
        of_nodes = [gap for reading in readings.values() for gap in reading.gaps]
        of_words = [gap for one in heard.values() for gap in one.gaps]
        of_rules = [gap for _, more in left for gap in more]
        of_rules += [g for fact, s in zip(facts, states, strict=True) for g in unshown(fact, s)]
        every = (*gaps, *read.gaps, *unset, *unsure, *of_nodes, *of_words, *of_rules)
        return ProxyReport(
            collected=self.collector.collected(
                nodes=len(nodes),
                nodes_read=sum(1 for r in readings.values() if r.view is not None),
            ),
            proxies=tuple(states),
            findings=judge_proxies(states),
            gaps=tuple(dict.fromkeys(every)),
        )

    def _agents(self, node: Node) -> tuple[Pod, ...]:
        return tuple(pod for pod in self.inventory.agents or () if pod.node == node.name)

    def _facts(
        self, node: Node, pod: Pod | None, reading: NodeReading, heard: Heard | None
    ) -> Facts:
        agents = None if self.inventory.agents is None else self._agents(node)
        facts = Facts(node=node, pod=pod, reading=reading, heard=heard, agents=agents)
        if reading.view is None or facts.told.running != "nftables":
            return facts
        return replace(facts, nft=read_nft_version(self.collector, reading))

    def _read(self, asked: _Asked, nodes: Sequence[Node]) -> dict[str, NodeReading]:
        reader = NodeReader(
            collector=self.collector, agents=self.inventory.agents or (), wanted=asked.wanted
        )

        def one(node: Node) -> NodeReading:
            def packets(view: NodeView) -> Mapping[Frontend, Questions]:
                return packets_for(asked.expected, node, view, asked.targets, nodes, {})

            return reader.read(node, packets)

        return {reading.node.name: reading for reading in self.collector.map(one, nodes)}

    def _unseen(
        self, asked: _Asked, readings: Mapping[str, NodeReading], nodes: Sequence[Node]
    ) -> dict[str, str]:
        """By node that could be judged: a change over a minute old that its kernel does not show,
        "" if none. Stated only if it is so once more after --settle, for the clock that says how
        old a change is need not be ours, and if the API still says the same."""
        found = _lacking(asked, readings)
        doubtful = [node for node in nodes if found.get(node.name)]
        if not doubtful:
            return dict.fromkeys(found, "")
        self.collector.wait(self.options.settle)
        again = _lacking(asked, self._read(asked, doubtful))
        read = read_services(self.collector, (Scope(),), dated=True)
        still = {s.name for s in read.services if _same(read, asked.read, s.name)}
        return {
            name: _told(again.get(name)) if frontend else ""
            for name, frontend in found.items()
            if not frontend or frontend[0].service in still
        }

    def _leftovers(
        self, facts: Facts, asked: _Asked, nodes: Sequence[Node]
    ) -> tuple[tuple[Leftover, ...], tuple[Gap, ...]]:
        view = facts.view
        if view is None or not remains_of(view, at_work(facts)):
            return (), ()
        whole, gaps = read_whole(self.collector, facts.reading)
        if whole is None:
            return (), gaps
        every = tuple(f for service in asked.read.services for f in frontends(service))
        questions = packets_for(asked.expected, facts.node, whole, every, nodes, {})
        return judge_all(whole, remains_of(whole, at_work(facts)), questions), gaps

    def _confirmed(
        self, states: Sequence[ProxyState], pods: Mapping[str, Pod], unseen: Mapping[str, str]
    ) -> list[ProxyState]:
        """Where a sync is due by kube-proxy's own clocks, they are read again: between a change
        and its sync they differ by all the time that nothing happened."""
        due = [s.node for s in states if s.sync.state is SyncState.LATE and not s.sync.unseen]
        if not due:
            return list(states)
        self.collector.wait(self.options.settle)
        again = read_metrics(self.collector, [pods[name] for name in due])
        return [
            _synced(
                replace(s, told=replace(s.told, metrics=again.get(s.node) or s.told.metrics)),
                unseen,
            )
            for s in states
        ]


def _lacking(
    asked: _Asked, readings: Mapping[str, NodeReading]
) -> dict[str, tuple[Frontend, Verdict] | None]:
    """By node that could be judged: the first frontend of which the kernel lacks something."""
    found: dict[str, tuple[Frontend, Verdict] | None] = {}
    for (frontend, name), trace in judge(asked.expected, readings, asked.targets).items():
        if trace.verdict in (Verdict.UNREAD, Verdict.UNKNOWN):
            continue
        problem = next((one for one in trace.problems if one in _UNSEEN), None)
        if found.get(name) is None:
            found[name] = (frontend, problem) if problem else None
    return found


def _same(read: ServicesRead, before: ServicesRead, name: ServiceName) -> bool:
    return read.changed.get(name) == before.changed.get(name)


def _told(lacking: tuple[Frontend, Verdict] | None) -> str:
    if lacking is None:
        return ""
    frontend, problem = lacking
    return f"{frontend.service} ({frontend}) is {problem.value}"


def _diverted(state: ProxyState) -> bool:
    """Then what the kernel does says nothing of how kube-proxy's own rules follow the API."""
    return any(left.harm is not Harm.HARMLESS for left in state.leftovers)


def _synced(state: ProxyState, unseen: Mapping[str, str]) -> ProxyState:
    return replace(state, sync=sync_of(state, unseen.get(state.node)))
