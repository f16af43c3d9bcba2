"""The proxies of all nodes, judged: what the API sets, what each says of itself, what its kernel
shows. `proxy` reads nodes for it, `check` has read them already.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..dataplanes.kube_proxy import proxy_pod
from ..engine.judge.findings import implied
from ..engine.judge.proxy import LATE, judge_proxies, sync_of
from ..model.address import Family
from ..model.finding import Finding, Gap
from ..model.options import Options
from ..model.proxystate import Harm, Leftover, ProxyState, Setting, SyncState
from ..model.report import Verdict
from ..model.service import Frontend, Inventory, Node, Pod, ServiceName, frontends, pods_on
from .at_once import read_others
from .collect import Collector
from .configured import read_settings
from .expected import Expected
from .inventory import ServicesRead
from .judging import Judged, packets_for
from .leftovers import judge_all, read_whole, remains_of
from .nodes import NodeReading
from .proxystates import Facts, at_work, read_nft_version, state_of, unshown
from .told import Heard, read_metrics, read_told

_API = ServiceName("default", "kubernetes")

#: What the kernel shows where it does not show a change.
_UNSEEN = (Verdict.ABSENT, Verdict.MISSING, Verdict.STALE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What configurations and the proxies themselves say, by pod or by node."""

    settings: Mapping[str, Setting]
    heard: Mapping[str, Heard]
    others: Mapping[str, tuple[str, ...]]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedProxies:
    states: tuple[ProxyState, ...]
    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]


class Unseen(NamedTuple):
    """A change over a minute old that a node's kernel does not show, and when it was made."""

    what: str = ""
    changed: float = 0.0


@dataclass(frozen=True, slots=True)
class Proxies:
    collector: Collector
    options: Options
    inventory: Inventory

    @property
    def nodes(self) -> Sequence[Node]:
        return self.inventory.nodes or ()

    @property
    def pods(self) -> dict[str, Pod]:
        found = {node.name: proxy_pod(pods_on(node, self.inventory.agents)) for node in self.nodes}
        return {name: pod for name, pod in found.items() if pod is not None}

    def ask(self) -> Words:
        pods = tuple(self.pods.values())
        settings, unset = read_settings(self.collector, pods)
        heard = read_told(self.collector, pods)
        others, unsure = read_others(self.collector, self.nodes, self.inventory.agents or ())
        said = [gap for one in heard.values() for gap in one.gaps]
        return Words(settings=settings, heard=heard, others=others, gaps=(*unset, *unsure, *said))

    def judge(
        self,
        expected: Expected,
        readings: Mapping[str, NodeReading],
        words: Words,
        unseen: Mapping[str, Unseen],
    ) -> JudgedProxies:
        """`unseen`, by node that could be judged. Gaps of the readings are not repeated."""
        pods = self.pods
        facts = [
            self._facts(node, pods.get(node.name), readings[node.name], words)
            for node in self.nodes
            if node.name in readings
        ]
        left = self.collector.map(lambda fact: self._leftovers(fact, expected), facts)
        states = [
            replace(
                state_of(fact, words.settings, self.inventory.read_at),
                leftovers=leftovers,
                others=words.others.get(fact.node.name, ()),
            )
            for fact, (leftovers, _) in zip(facts, left, strict=True)
        ]
        said = {
            s.node: "" if _took_in(s, unseen[s.node].changed) else unseen[s.node].what
            for s in states
            if s.node in unseen and not _diverted(s)
        }
        states = self._confirmed([_synced(s, said) for s in states], pods, said)
        of_rules = [gap for _, more in left for gap in more]
        of_rules += [g for fact, s in zip(facts, states, strict=True) for g in unshown(fact, s)]
        return JudgedProxies(
            states=tuple(states),
            findings=judge_proxies(states),
            gaps=tuple(dict.fromkeys((*words.gaps, *of_rules))),
        )

    def _facts(self, node: Node, pod: Pod | None, reading: NodeReading, words: Words) -> Facts:
        every = self.inventory.agents
        agents = None if every is None else pods_on(node, every)
        facts = Facts(
            node=node, pod=pod, reading=reading, heard=words.heard.get(node.name), agents=agents
        )
        if reading.view is None or facts.told.running != "nftables":
            return facts
        return replace(facts, nft=read_nft_version(self.collector, reading))

    def _leftovers(
        self, facts: Facts, expected: Expected
    ) -> tuple[tuple[Leftover, ...], tuple[Gap, ...]]:
        view = facts.view
        if view is None or not remains_of(view, at_work(facts)):
            return (), ()
        whole, gaps = read_whole(self.collector, facts.reading)
        if whole is None:
            return (), gaps
        every = tuple(f for service in expected.services for f in frontends(service))
        questions = packets_for(expected, facts.node, whole, every, self.nodes, {})
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


def telling(read: ServicesRead, now: float) -> tuple[Frontend, ...]:
    """Those that tell whether a node follows the API: of the API's own Service, and of each
    family's that changed last among those that changed over a minute ago. Of an address that two
    Services claim a node serves one, whatever it follows."""
    known = {s.name: frontends(s) for s in read.services if s.name not in read.blind}
    old = {name for name in known if now - read.changed.get(name, now) > LATE}
    chosen = {_API} | {
        max(found, key=lambda name: (read.changed[name], name))
        for family in Family
        if (found := [n for n in old if any(f.family is family for f in known[n])])
    }
    claims = Counter((f.address, f.port, f.protocol) for found in known.values() for f in found)
    return tuple(
        f
        for name, found in known.items()
        if name in chosen
        for f in found
        if f.address is None or claims[f.address, f.port, f.protocol] == 1
    )


def of_further_families(read: ServicesRead, targets: Sequence[Frontend]) -> tuple[Frontend, ...]:
    """Of each family that `targets` have not, those of its oldest Service, however young: they
    show whether kube-proxy programs the family at all."""
    known = {s.name: frontends(s) for s in read.services if s.name not in read.blind}
    found: list[Frontend] = []
    for family in set(Family).difference(one.family for one in targets):
        names = [name for name, fs in known.items() if any(f.family is family for f in fs)]
        if names:
            oldest = min(names, key=lambda name: read.changed.get(name, math.inf))
            found += [one for one in known[oldest] if one.family is family]
    return tuple(found)


def lacking(
    judged: Judged, readings: Mapping[str, NodeReading]
) -> dict[str, tuple[Frontend, Verdict] | None]:
    """By node that could be judged: the first frontend of which the kernel lacks something that
    kube-proxy should have programmed."""
    found: dict[str, tuple[Frontend, Verdict] | None] = {}
    for (frontend, name), trace in judged.items():
        unserved = frontend.family in readings[name].unserved
        if unserved or trace.verdict in (Verdict.UNREAD, Verdict.UNKNOWN):
            continue
        problems = trace.problems
        problem = next((p for p in problems if p in _UNSEEN and not implied(p, problems)), None)
        if found.get(name) is None:
            found[name] = (frontend, problem) if problem else None
    return found


def with_families(
    readings: Mapping[str, NodeReading], heard: Mapping[str, Heard]
) -> dict[str, NodeReading]:
    """Where a log no longer says which families kube-proxy serves, those of which it counts
    syncs."""
    found = dict(readings)
    for name, reading in readings.items():
        metrics = heard[name].told.metrics if name in heard else None
        if reading.bare and not reading.serves and reading.proxy and metrics:
            pod = f"{reading.proxy.namespace}/{reading.proxy.name}"
            witness = f"/metrics of {pod} counts syncs of {', '.join(metrics.families)} alone"
            found[name] = replace(reading, serves=metrics.families, witness=witness)
    return found


def unseen_of(lack: tuple[Frontend, Verdict] | None, read: ServicesRead) -> Unseen:
    if lack is None:
        return Unseen()
    frontend, problem = lack
    what = f"{frontend.service} ({frontend}) is {problem.value}"
    return Unseen(what, read.changed.get(frontend.service, 0.0))


def _took_in(state: ProxyState, changed: float) -> bool:
    """By its own clocks it has queued a change since, and synced it: what the kernel lacks was
    taken from it later. Of metrics that were not read it is supposed to be late."""
    metrics = state.told.metrics
    if metrics is None or metrics.last_queued is None or metrics.last_sync is None:
        return False
    return changed <= metrics.last_queued <= metrics.last_sync and not metrics.late_by


def _diverted(state: ProxyState) -> bool:
    """Then what the kernel does says nothing of how kube-proxy's own rules follow the API."""
    return any(left.harm is not Harm.HARMLESS for left in state.leftovers)


def _synced(state: ProxyState, unseen: Mapping[str, str]) -> ProxyState:
    return replace(state, sync=sync_of(state, unseen.get(state.node)))
