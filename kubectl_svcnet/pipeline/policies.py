"""The NetworkPolicies of the namespaces that are asked about: of each that isolates, its words.

A namespace of which one cannot be read is a gap, and nothing is said of its Services.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..errors import ParseError
from ..model.capture import ApiRequest
from ..model.fate import FateKind
from ..model.finding import Gap
from ..model.packet import Client
from ..model.policy import NetworkPolicy
from ..model.report import NodeTrace
from ..model.service import Frontend, FrontendKind, Pod, ServiceName
from ..parse.kube_fields import mapping, text
from ..parse.network_policy import parse_network_policy
from .collect import Collector, gap_of
from .inventory import Scope

POLICIES = "/apis/networking.k8s.io/v1/{scope}networkpolicies"
WHAT = "NetworkPolicies"


@dataclass(slots=True)
class PoliciesRead:
    """By namespace, those that isolate pods."""

    isolating: dict[str, tuple[NetworkPolicy, ...]] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)


def policies_request(namespace: str | None) -> ApiRequest:
    scope = "" if namespace is None else f"namespaces/{namespace}/"
    return ApiRequest(path=POLICIES.format(scope=scope))


def read_policies(collector: Collector, scopes: Iterable[Scope]) -> PoliciesRead:
    read = PoliciesRead()
    namespaces = dict.fromkeys(scope.namespace for scope in scopes)
    for capture in collector.map(collector.fetch_one, map(policies_request, namespaces)):
        if capture.failure is not None:
            read.gaps.append(gap_of(capture.request, capture.failure, what=WHAT, blocking=False))
        found: dict[str, list[NetworkPolicy]] = {}
        broken: set[str] = set()
        for item in capture.objects:
            try:
                policy = parse_network_policy(item)
            except ParseError as error:
                namespace = text(mapping(item, "metadata"), "namespace")
                broken.add(namespace)
                why = f"one of {namespace or 'a namespace'} cannot be read: {error}"
                read.gaps.append(Gap(what=WHAT, why=why))
            else:
                if policy.isolates:
                    found.setdefault(policy.namespace, []).append(policy)
        read.isolating |= {ns: tuple(of) for ns, of in found.items() if ns not in broken}
    return read


def masked(
    judged: Mapping[tuple[Frontend, str], NodeTrace],
) -> Mapping[ServiceName, frozenset[str]]:
    """By Service the nodes whose pods' packets may bear another source when they arrive."""
    found: dict[ServiceName, set[str]] = {}
    for (frontend, node), trace in judged.items():
        fates = (f for w in trace.walks if w.asked.client is Client.POD for f in w.fates)
        changed = any(f.kind is FateKind.ENDPOINT and f.masquerade is not False for f in fates)
        if changed and frontend.kind is FrontendKind.CLUSTER_IP:
            found.setdefault(frontend.service, set()).add(node)
    return {service: frozenset(nodes) for service, nodes in found.items()}


def clients_of(pods: Mapping[str, tuple[Pod, ...] | None]) -> tuple[Pod, ...]:
    """By name the first running pod of each node with an address of its own."""
    found = []
    for node in sorted(pods):
        own = [p for p in pods[node] or () if p.phase == "Running" and not p.host_network]
        found += sorted(own, key=lambda pod: pod.name)[:1]
    return tuple(found)
