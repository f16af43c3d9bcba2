"""What `check` finds wrong with API objects by themselves.

Pods are listed only for Services that have nothing ready for some port, one list by its selector
each, where few Services are asked about, and where NetworkPolicies may isolate them; those of the
namespace only where a selector matches none, to tell what it may have meant.
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

#: Of so many Services or fewer the pods are always listed.
FEW = 20
#: Pods that are listed at most, of a Service or of its namespace.
PODS = 500

Endpoints = Mapping[ServiceName, tuple[Endpoint, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What else is known: the nodes, by namespace the policies that isolate pods, and pods that
    may be asked about as clients."""

    nodes: Sequence[Node]
    policies: Mapping[str, tuple[NetworkPolicy, ...]] = field(default_factory=dict)
    clients: Sequence[Pod] = ()


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
    asked = [
        service
        for service in services
        if service.selector
        and (
            len(services) <= FEW
            or service.name.namespace in around.policies
            or selection.suspicious(service, endpoints.get(service.name, ()))
        )
    ]
    unmatched = []
    for service, pods in zip(asked, _listed(collector, map(_selected, asked), found), strict=True):
        if pods is None:
            continue
        if not pods:
            unmatched.append(service)
        ready = any(e.ready for e in endpoints.get(service.name, ()))
        found.findings += () if ready else selection.unready(service, pods)
        found.findings += selection.misaimed(service, pods)
        policies = around.policies.get(service.name.namespace, ())
        behind = endpoints.get(service.name, ())
        found.findings += isolated(service, behind, pods, policies, around.clients)
    namespaces = sorted({service.name.namespace for service in unmatched})
    listed = _listed(collector, map(_namespaced, namespaces), found)
    neighbours = dict(zip(namespaces, listed, strict=True))
    found.findings += [
        selection.unmatched(service, neighbours[service.name.namespace] or ())
        for service in unmatched
    ]


def _selected(service: Service) -> ApiRequest:
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
            gap = gap_of(capture.request, capture.failure, what="pods of Services", blocking=False)
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
