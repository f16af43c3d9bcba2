"""What one client's packet for one frontend should meet on one node: endpoints, or a refusal.

Source: kubernetes the service loops of pkg/proxy/{iptables,nftables,ipvs}/proxier.go, and
pkg/proxy/serviceport.go.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...model.address import IPAddress
from ...model.packet import Client
from ...model.proxystate import UNKNOWN, Conduct
from ...model.report import Expectation
from ...model.service import Endpoint, Frontend, FrontendKind, Node, Service
from .endpoints import Categories, categories
from .masquerade import Side, masqueraded, side_of

#: Addresses that are not the node's own and no ClusterIPs.
_OUTER = (FrontendKind.LOAD_BALANCER_IP, FrontendKind.EXTERNAL_IP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """One client that dials one frontend. `source` is its address, `device` the interface that
    its packets come in by; a node's own have none."""

    client: Client
    source: IPAddress | None = None
    device: str | None = None


def expect(
    service: Service,
    frontend: Frontend,
    endpoints: tuple[Endpoint, ...],
    node: Node,
    dial: Dial,
    conduct: Conduct = UNKNOWN,
) -> Expectation:
    """What the packet should meet on `node`, whose kube-proxy is as `conduct` says.

    `endpoints` are those of the frontend's port (`endpoints_of`).
    """
    side = side_of(dial.client, dial.source, dial.device, frontend.family, node, conduct)
    read = [
        (each, front)
        for front in _as_dialled(service, frontend)
        for each in _as_read(service, front, conduct.minor)
    ]
    found = [
        _expect(each, front, seen, dial, side, conduct)
        for each, front in read
        for seen in categories(each, endpoints, node, conduct.minor)
    ]
    first = found[0]
    others = dict.fromkeys(e for one in found for e in (one.endpoints, *one.alternatives))
    own = (*node.addresses, *node.external_addresses)
    changed = {masqueraded(each, front, dial.client, side, conduct) for each, front in read}
    return replace(
        first,
        alternatives=tuple(e for e in others if e != first.endpoints),
        masquerade=changed.pop() if len(changed) == 1 else None,
        here=frozenset(e.address for e in endpoints if e.address.address in own),
        affinity=service.affinity_seconds,
    )


def _as_read(service: Service, frontend: Frontend, minor: int | None) -> tuple[Service, ...]:
    """Until kubernetes#119150, in 1.28 or 1.29, externalTrafficPolicy had no say over the external
    IPs of a ClusterIP Service (pkg/api/v1/service/util.go, ExternalPolicyLocal)."""
    outer = service.type == "ClusterIP" and frontend.kind is FrontendKind.EXTERNAL_IP
    if not outer or not service.external_local:
        return (service,)
    unread = replace(service, external_local=False)
    if minor is None or minor == 28:
        return service, unread
    return (service,) if minor > 28 else (unread,)


def _as_dialled(service: Service, frontend: Frontend) -> tuple[Frontend, ...]:
    """Its own kind first. An address that a Service has in several of its fields is met as one of
    them, which the mode decides: iptables asks ClusterIPs, then external IPs, then load balancers'
    addresses, of which alone source ranges count; nftables keeps those ranges apart."""
    fields = (
        (FrontendKind.CLUSTER_IP, service.cluster_ips),
        (FrontendKind.EXTERNAL_IP, service.external_ips),
        (FrontendKind.LOAD_BALANCER_IP, service.load_balancer_ips),
    )
    kinds = [kind for kind, addresses in fields if frontend.address in addresses]
    if frontend.kind not in kinds:
        return (frontend,)
    return (frontend, *(replace(frontend, kind=k) for k in kinds if k is not frontend.kind))


def _expect(
    service: Service,
    frontend: Frontend,
    seen: Categories,
    dial: Dial,
    side: Side,
    conduct: Conduct,
) -> Expectation:
    if not seen.any:
        # iptables mode asks KUBE-EXTERNAL-SERVICES, which refuses for these addresses, on the way
        # in and through, but not for what the node itself sends (proxier.go, iptablesJumpChains).
        unasked = dial.client is Client.NODE and frontend.kind in _OUTER and not conduct.ipvs
        return Expectation(endpoints=frozenset(), why="no endpoints", may_pass=unasked)
    if frontend.kind is FrontendKind.LOAD_BALANCER_IP and _refused(service, dial.source):
        return Expectation(endpoints=frozenset(), why="outside source ranges")
    internal = frontend.kind is FrontendKind.CLUSTER_IP
    if conduct.ipvs:
        return _listed(seen, service.internal_local if internal else service.external_local)
    if internal:
        wanted = seen.local if service.internal_local else seen.cluster
        return Expectation(endpoints=wanted, why="" if wanted else "no local endpoints")
    if not service.external_local:
        return Expectation(endpoints=seen.cluster)
    return _short_circuit(seen, dial.client, side)


def _listed(seen: Categories, local: bool) -> Expectation:
    """Under policy Local those of the node; where it has none all are listed, and until 1.20
    none is."""
    if not local or seen.local:
        return Expectation(endpoints=seen.local if local else seen.cluster)
    why = "" if seen.cluster else "no local endpoints"
    return Expectation(endpoints=seen.cluster, alternatives=(frozenset(),), why=why)


def _short_circuit(seen: Categories, client: Client, side: Side) -> Expectation:
    """Under policy Local traffic from inside still uses all endpoints ("pod traffic for …
    external destinations"), as far as kube-proxy can tell a pod from the outside; where that is
    not known either treatment is right."""
    outside = Expectation(endpoints=seen.local, why="" if seen.local else "no local endpoints")
    inside = Expectation(endpoints=seen.cluster, why="" if seen.cluster else "no endpoints")
    if client is Client.NODE or side is Side.INSIDE:
        return inside
    return replace(inside, alternatives=(seen.local,)) if side is Side.UNKNOWN else outside


def _refused(service: Service, source: IPAddress | None) -> bool:
    """Ranges of the other family do not count, and one that covers all of a family switches
    the filter off (pkg/proxy/serviceport.go newBaseServiceInfo)."""
    if source is None:
        return False
    ranges = [r for r in service.source_ranges if r.version == source.version]
    if not ranges or any(r.prefixlen == 0 for r in ranges):
        return False
    return not any(source in r for r in ranges)
