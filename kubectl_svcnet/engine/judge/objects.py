"""What is wrong with Services by themselves, whatever their pods and the nodes' rules are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import product

from ...model.address import SocketAddress
from ...model.counted import counted
from ...model.finding import Finding, Level
from ...model.service import Endpoint, Node, Service, ServiceName
from ..codes import finding

#: An Endpoints object holds no more (pkg/controller/util/endpoint, since 1.22).
MAX_ENDPOINTS = 1000
#: Nodes that a finding names before it counts the rest.
FEW = 5
#: Nodes with it are no targets of cloud load balancers.
_EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers"


def orphans(
    slices: Iterable[ServiceName], services: Collection[ServiceName]
) -> tuple[Finding, ...]:
    """Slices, by the Service they name, of which `services` of the same namespaces know none."""
    return tuple(
        finding(
            "SVN405",
            f"an EndpointSlice is for it, and there is no Service {name}",
            service=str(name),
            next=f"kubectl -n {name.namespace} get endpointslices -l "
            f"kubernetes.io/service-name={name.name}",
        )
        for name in sorted(slices)
        if name not in services
    )


def policies(
    service: Service, endpoints: Sequence[Endpoint], nodes: Iterable[Node]
) -> tuple[Finding, ...]:
    """Nodes that drop its packets under policy Local, where other nodes have endpoints."""
    external = service.external_local and service.externally_accessible
    if service.headless or service.other_proxy or not (external or service.internal_local):
        return ()
    known = {n.name: n for n in nodes if n.os == "linux" and not n.virtual}
    lacking: dict[tuple[str, ...], list[str]] = {}
    for port, there in _places(service, endpoints):
        lacking.setdefault(tuple(n for n in known if n not in there), []).append(port)
    found = []
    for names, ports in lacking.items():
        without = [known[name] for name in names]
        of = f" for {', '.join(ports)}" if len(lacking) > 1 else ""
        dialled = [n for n in without if _EXCLUDED not in n.labels]
        if external and dialled:
            found.append(_external(service, dialled, of))
        if service.internal_local and without:
            found.append(_local("SVN412", service, "internalTrafficPolicy", without, of))
    return tuple(found)


def _places(
    service: Service, endpoints: Iterable[Endpoint]
) -> Iterator[tuple[str, frozenset[str]]]:
    """By port and family, the nodes that have endpoints of it, where any has. One whose last
    endpoint terminates still sends to that."""
    usable = [e for e in endpoints if e.ready or (e.serving and e.terminating)]
    for address, port in product(service.cluster_ips, service.ports):
        there = [
            e.node
            for e in usable
            if e.address.address.version == address.version
            and (e.port_name, e.protocol) == (port.name, port.protocol)
        ]
        if there:
            yield f"{SocketAddress(address, port.port)}/{port.protocol.value}", frozenset(there)


def _external(service: Service, nodes: Sequence[Node], of: str) -> Finding:
    """A balancer asks the health check node port: such nodes get nothing from it."""
    asked = service.health_check_node_port
    more = f", which health check node port {asked} tells its load balancer" if asked else ""
    level = Level.INFO if asked else None
    return _local("SVN411", service, "externalTrafficPolicy", nodes, of + more, level)


def _local(
    code: str,
    service: Service,
    policy: str,
    nodes: Sequence[Node],
    more: str = "",
    level: Level | None = None,
) -> Finding:
    names = [node.name for node in nodes]
    rest = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    where = "there" if len(names) == 1 else f"on {', '.join(names[:FEW])}{rest}"
    return finding(
        code,
        f"{policy} Local, no endpoint {where}{more}",
        service=str(service.name),
        node=names[0] if len(names) == 1 else "",
        next=f"kubectl -n {service.name.namespace} get endpointslices -l "
        f"kubernetes.io/service-name={service.name.name} -o wide",
        level=level,
    )


def sources(service: Service) -> tuple[Finding, ...]:
    """loadBalancerSourceRanges that nobody meets, or that nothing looks at."""
    if not service.source_ranges or service.other_proxy:
        return ()
    versions = {r.version for r in service.source_ranges}
    balanced = {a.version for a in service.load_balancer_ips}
    both = [a for a in service.load_balancer_ips if a in service.external_ips]
    if service.type != "LoadBalancer":
        code, why = "SVN415", f"its type is {service.type}"
    elif balanced and not balanced & versions:
        code, why = "SVN415", "its addresses are of the other family"
    elif all(r.is_multicast or r.is_unspecified or r.is_loopback for r in service.source_ranges):
        code, why = "SVN414", "no client has such an address"
    elif both and not any(r.prefixlen == 0 for r in service.source_ranges):
        named = ", ".join(map(str, both))
        why = f"iptables mode lets everybody in at {named}, an external IP of it too"
        code = "SVN415"
    else:
        return ()
    return (
        finding(
            code,
            f"{', '.join(map(str, service.source_ranges))}: {why}",
            service=str(service.name),
            next=f"kubectl -n {service.name.namespace} get service {service.name.name} -o yaml",
        ),
    )


def many(service: Service, endpoints: Sequence[Endpoint]) -> tuple[Finding, ...]:
    """Slices that somebody else writes for a Service without selector have no Endpoints object."""
    count = len({e.address.address for e in endpoints})
    if count <= MAX_ENDPOINTS or not service.selector:
        return ()
    return (
        finding(
            "SVN416",
            f"{counted(count, 'endpoint')}; its Endpoints object names {MAX_ENDPOINTS:,}",
            service=str(service.name),
            next=f"kubectl -n {service.name.namespace} get endpoints {service.name.name}",
        ),
    )


def hints(
    service: Service, endpoints: Sequence[Endpoint], nodes: Iterable[Node]
) -> tuple[Finding, ...]:
    """Hints for zones, of which a node can make no use."""
    ready = [e for e in endpoints if e.ready]
    hinted = [e for e in ready if e.zone_hints]
    if not hinted or service.other_proxy:
        return ()
    zones = frozenset[str]().union(*(e.zone_hints for e in hinted))
    lost = sorted({node.zone or "none" for node in nodes if node.zone not in zones})
    why = ""
    if len(hinted) < len(ready):
        without = next(e for e in ready if not e.zone_hints)
        why = f"{len(ready) - len(hinted)} of {len(ready)} have none (first: {without.address})"
    elif lost:
        why = f"none is for nodes of zone {', '.join(lost)}"
    if not why:
        return ()
    return (
        finding(
            "SVN417",
            f"endpoints have hints for zones, and {why}",
            service=str(service.name),
            next=f"kubectl -n {service.name.namespace} get endpointslices -l "
            f"kubernetes.io/service-name={service.name.name} -o yaml",
        ),
    )
