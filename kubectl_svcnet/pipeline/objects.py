"""What `check` finds wrong with API objects by themselves.

Which pods a Service selects is seen in the list that `ranges` reads anyway; without that, few
Services have a list by selector each, and many one of their namespace. Where a selector matches
none those of the namespace are listed, to tell what it may have meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..engine.judge import objects as judged
from ..engine.judge import selection
from ..engine.judge.isolation import isolated
from ..model.capture import ApiRequest
from ..model.finding import Finding, Gap, Level
from ..model.policy import NetworkPolicy
from ..model.service import Endpoint, Node, Pod, Service, ServiceName
from ..parse.kube_pod import parse_pod
from .collect import Collector, gap_of
from .inventory import ServicesRead
from .selected import PODS, Listed, Selected, list_selected

#: Of so many Services of a namespace or fewer the pods are listed by selector.
FEW = 20
WHAT = "pods of Services"

Endpoints = Mapping[ServiceName, tuple[Endpoint, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What else is known: the nodes, by namespace the policies that isolate pods, pods that may be
    asked about as clients, by Service the nodes whose pods' packets arrive with another source,
    and, where all pods were seen, which are selected."""

    nodes: Sequence[Node]
    policies: Mapping[str, tuple[NetworkPolicy, ...]] = field(default_factory=dict)
    clients: Sequence[Pod] = ()
    masked: Mapping[ServiceName, frozenset[str]] = field(default_factory=dict)
    selected: Selected | None = None
    max_pods: int | None = None


@dataclass(slots=True)
class Judged:
    findings: list[Finding] = field(default_factory=list)
    gaps: dict[Gap, None] = field(default_factory=dict)


def judge(collector: Collector, read: ServicesRead, around: Around, *, whole: bool) -> Judged:
    """`whole`: all Services of the namespaces were read, so that what belongs to none shows."""
    found = Judged()
    known = [service for service in read.services if service.name not in read.blind]
    if whole and read.readable:
        found.findings += judged.orphans(read.endpoints, {s.name for s in read.services})
    for service in known:
        endpoints = read.endpoints.get(service.name, ())
        found.findings += (
            *judged.policies(service, endpoints, around.nodes),
            *judged.sources(service),
            *judged.many(service, endpoints),
            *judged.hints(service, endpoints, around.nodes),
            *selection.unselected(service, endpoints),
        )
    _pods(collector, known, read.endpoints, around, found)
    return found


def _pods(
    collector: Collector,
    services: Sequence[Service],
    endpoints: Endpoints,
    around: Around,
    found: Judged,
) -> None:
    asked = [service for service in services if service.selector]
    selected = _selected(collector, asked, endpoints, around, found)
    unmatched = []
    for service in asked:
        pods = selected.get(service.name)
        if pods is None:
            continue
        if not pods:
            unmatched.append(service)
        ready = any(e.ready for e in endpoints.get(service.name, ()))
        found.findings += () if ready else selection.unready(service, pods)
        found.findings += selection.misaimed(service, pods, endpoints.get(service.name, ()))
        policies = around.policies.get(service.name.namespace, ())
        behind = endpoints.get(service.name, ())
        masked = around.masked.get(service.name, frozenset())
        found.findings += isolated(service, behind, pods, policies, around.clients, masked)
    namespaces = sorted({service.name.namespace for service in unmatched})
    listed = _listed(collector, map(_namespaced, namespaces), found)
    neighbours = dict(zip(namespaces, listed, strict=True))
    found.findings += [
        selection.unmatched(service, neighbours[service.name.namespace] or ())
        for service in unmatched
    ]


def _selected(
    collector: Collector,
    services: Sequence[Service],
    endpoints: Endpoints,
    around: Around,
    found: Judged,
) -> dict[ServiceName, tuple[Pod, ...]]:
    """By Service the pods it selects; those that were not read are missing."""
    pods: dict[ServiceName, tuple[Pod, ...]] = {}
    by: dict[str, list[Service]] = {}
    for service in services:
        seen = around.selected.of(service) if around.selected else None
        if seen is None:
            by.setdefault(service.name.namespace, []).append(service)
        else:
            pods[service.name] = seen
    many = {namespace: of for namespace, of in by.items() if len(of) > FEW}
    singly = [service for namespace, of in by.items() if namespace not in many for service in of]

    def read(namespace: str) -> Listed:
        return list_selected(collector, namespace, many[namespace], around.max_pods)

    for namespace, listed in zip(many, collector.map(read, many), strict=True):
        if listed.selected is not None:
            pods |= {s.name: listed.selected.of(s) or () for s in many[namespace]}
        elif listed.failure is not None:
            gap = gap_of(listed.request, listed.failure, what=WHAT, blocking=False)
            found.gaps[gap] = None
        else:
            found.gaps[_too_many(namespace, around.max_pods)] = None
            singly += [
                service
                for service in many[namespace]
                if selection.suspicious(service, endpoints.get(service.name, ()))
            ]
    for service, listing in zip(
        singly, _listed(collector, map(_by_selector, singly), found), strict=True
    ):
        if listing is not None:
            pods[service.name] = listing
    return pods


def _too_many(namespace: str, most: int | None) -> Gap:
    return Gap(
        what=WHAT,
        why=f"namespace {namespace} has more than --max-pods {most}, so only those of Services "
        "without a ready endpoint were looked at",
    )


def _by_selector(service: Service) -> ApiRequest:
    selector = ",".join(f"{key}={value}" for key, value in sorted(service.selector.items()))
    return replace(_namespaced(service.name.namespace), query=(("labelSelector", selector),))


def _namespaced(namespace: str) -> ApiRequest:
    return ApiRequest(path=f"/api/v1/namespaces/{namespace}/pods", limit=PODS)


def _listed(
    collector: Collector, requests: Iterable[ApiRequest], found: Judged
) -> list[tuple[Pod, ...] | None]:
    """None: not read, which is a gap."""
    answers: list[tuple[Pod, ...] | None] = []
    for capture in collector.map(collector.fetch_one, requests):
        if capture.failure is None:
            answers.append(tuple(map(parse_pod, capture.objects)))
        else:
            gap = gap_of(capture.request, capture.failure, what=WHAT, blocking=False)
            found.gaps[gap] = None
            answers.append(None)
    return answers


def unsettled(findings: Iterable[Finding], changing: frozenset[str]) -> list[Finding]:
    """Of Services that changed a moment ago nothing is more than information."""
    return [
        replace(
            one,
            level=Level.INFO,
            message=f"{one.message} (not settled: it changed a moment ago)",
        )
        if one.service in changing
        else one
        for one in findings
    ]
