"""What a node should do, from the API alone, by kube-proxy's own rules.

Source: kubernetes pkg/proxy/topology.go (CategorizeEndpoints, topologyModeFromHints) and the
service loop of pkg/proxy/iptables/proxier.go, read at 1.36. The terminating fallback is on by
default since 1.26, hints by node since 1.34.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..model.address import IPAddress, SocketAddress
from ..model.packet import Client
from ..model.report import Expectation
from ..model.service import Endpoint, Frontend, FrontendKind, Node, Service

#: Addresses that are not the node's own and no ClusterIPs.
_OUTER = (FrontendKind.LOAD_BALANCER_IP, FrontendKind.EXTERNAL_IP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Categories:
    """One port's endpoints as one node sees them. `cluster` serves the traffic of policy
    Cluster, `local` that of policy Local; `any` is kube-proxy's hasEndpoints."""

    cluster: frozenset[SocketAddress]
    local: frozenset[SocketAddress]
    any: bool


def categorise(service: Service, endpoints: tuple[Endpoint, ...], node: Node) -> Categories:
    """Which of one port's `endpoints` this node may use."""
    ready = [e for e in endpoints if e.ready]
    leaving = [e for e in endpoints if not e.ready and e.serving and e.terminating]
    uses_cluster = not service.internal_local or service.externally_accessible
    cluster: list[Endpoint] = []
    if uses_cluster:
        cluster = _by_topology(ready, node) or leaving
    local = [e for e in ready if e.node == node.name]
    local = local or [e for e in leaving if e.node == node.name]
    uses_local = service.internal_local or (
        service.external_local and service.externally_accessible
    )
    return Categories(
        cluster=_addresses(cluster),
        local=_addresses(local) if uses_local else frozenset(),
        any=bool(cluster) or (uses_local and bool(ready or leaving)),
    )


def _by_topology(ready: list[Endpoint], node: Node) -> list[Endpoint]:
    """Hints are honoured only if every ready endpoint has one and one of them is for us."""
    for hints, here in (("node_hints", node.name), ("zone_hints", node.zone)):
        per_endpoint = [getattr(e, hints) for e in ready]
        if here and all(per_endpoint) and any(here in names for names in per_endpoint):
            return [e for e, names in zip(ready, per_endpoint, strict=True) if here in names]
    return ready


def _addresses(endpoints: Iterable[Endpoint]) -> frozenset[SocketAddress]:
    return frozenset(e.address for e in endpoints)


def expect(
    service: Service,
    frontend: Frontend,
    endpoints: tuple[Endpoint, ...],
    node: Node,
    client: Client,
    source: IPAddress | None,
    *,
    ipvs: bool = False,
) -> Expectation:
    """What one client's packet for `frontend` should meet on `node`.

    `endpoints` are those of the frontend's port (`endpoints_of`); `source` is the client's
    address, which only source ranges look at. `ipvs`: a virtual server has one list for all of
    its clients (pkg/proxy/ipvs/proxier.go, syncEndpoint).

    Topology hints are wishes, so what would be right without them is right too. Hints for nodes
    are followed since 1.34, those for zones until 1.30 only beside an annotation, and neither by
    a kube-proxy that lost a race at its start ("node is missing label"; seen with 1.36.3).
    """
    found = _expect(service, frontend, endpoints, node, client, source, ipvs=ipvs)
    others = []
    for unhinted in _with_fewer_hints(endpoints):
        other = _expect(service, frontend, unhinted, node, client, source, ipvs=ipvs)
        others += [other.endpoints, *other.alternatives]
    new = [one for one in dict.fromkeys(others) if one != found.endpoints]
    return replace(found, alternatives=(*found.alternatives, *new)) if new else found


def _with_fewer_hints(endpoints: tuple[Endpoint, ...]) -> Iterable[tuple[Endpoint, ...]]:
    if any(e.node_hints for e in endpoints):
        endpoints = tuple(replace(e, node_hints=frozenset()) for e in endpoints)
        yield endpoints
    if any(e.zone_hints for e in endpoints):
        yield tuple(replace(e, zone_hints=frozenset()) for e in endpoints)


def _expect(
    service: Service,
    frontend: Frontend,
    endpoints: tuple[Endpoint, ...],
    node: Node,
    client: Client,
    source: IPAddress | None,
    *,
    ipvs: bool,
) -> Expectation:
    seen = categorise(service, endpoints, node)
    if not seen.any:
        # iptables mode asks KUBE-EXTERNAL-SERVICES, which refuses for these addresses, on the way
        # in and through, but not for what the node itself sends (proxier.go, iptablesJumpChains).
        unasked = client is Client.NODE and frontend.kind in _OUTER and not ipvs
        return Expectation(endpoints=frozenset(), why="no endpoints", may_pass=unasked)
    if frontend.kind is FrontendKind.LOAD_BALANCER_IP and _refused(service, source):
        return Expectation(endpoints=frozenset(), why="outside source ranges")
    internal = frontend.kind is FrontendKind.CLUSTER_IP
    if ipvs:
        return _listed(seen, service.internal_local if internal else service.external_local)
    if internal:
        wanted = seen.local if service.internal_local else seen.cluster
        return Expectation(endpoints=wanted, why="" if wanted else "no local endpoints")
    if not service.external_local:
        return Expectation(endpoints=seen.cluster)
    if client in (Client.NODE, Client.POD):
        return _short_circuit(seen, certain=client is Client.NODE)
    if client is Client.POD_ELSEWHERE:
        return _short_circuit(seen, certain=False)
    return Expectation(endpoints=seen.local, why="" if seen.local else "no local endpoints")


def _listed(seen: Categories, local: bool) -> Expectation:
    """Under policy Local those of the node; where it has none all are listed, and until 1.20
    none is."""
    if not local or seen.local:
        return Expectation(endpoints=seen.local if local else seen.cluster)
    why = "" if seen.cluster else "no local endpoints"
    return Expectation(endpoints=seen.cluster, alternatives=(frozenset(),), why=why)


def _short_circuit(seen: Categories, *, certain: bool) -> Expectation:
    """Under policy Local traffic from inside still uses all endpoints ("pod traffic for …
    external destinations"), if kube-proxy can tell a pod from the outside; its detect-local
    mode decides, so the outsider's treatment is right as well unless `certain`."""
    return Expectation(
        endpoints=seen.cluster,
        alternatives=() if certain else (seen.local,),
        why="" if seen.cluster else "no endpoints",
    )


def _refused(service: Service, source: IPAddress | None) -> bool:
    """Ranges of the other family do not count, and one that covers all of a family switches
    the filter off (pkg/proxy/serviceport.go newBaseServiceInfo)."""
    if source is None:
        return False
    ranges = [r for r in service.source_ranges if r.version == source.version]
    if not ranges or any(r.prefixlen == 0 for r in ranges):
        return False
    return not any(source in r for r in ranges)
