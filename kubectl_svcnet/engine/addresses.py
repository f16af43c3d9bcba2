"""What an address is: who holds it, in which range, or that nobody does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_network

from ..model.address import IPAddress, IPNetwork
from ..model.iprange import (
    NODE_IPAM,
    AddressState,
    AddressUse,
    Census,
    IPRange,
    RangeKind,
    holds_address,
)
from ..model.service import Endpoint, Service, ServiceName

#: Of every host, whatever the cluster (RFC 1122, 3927, 4291, 5771; 6890 for the rest).
_SPECIAL: tuple[tuple[str, IPNetwork], ...] = tuple(
    (kind, ip_network(text))
    for kind, text in (
        ("Loopback", "127.0.0.0/8"),
        ("Loopback", "::1/128"),
        ("LinkLocal", "169.254.0.0/16"),
        ("LinkLocal", "fe80::/10"),
        ("Multicast", "224.0.0.0/4"),
        ("Multicast", "ff00::/8"),
        ("ThisNetwork", "0.0.0.0/8"),
        ("Unspecified", "::/128"),
        ("Broadcast", "255.255.255.255/32"),
    )
)

#: The kind of range that a holder's address is out of.
_OUT_OF = {
    "ClusterIP": RangeKind.SERVICE,
    "IPAddress": RangeKind.SERVICE,
    "LoadBalancerIP": RangeKind.LOAD_BALANCER,
    "Pod": RangeKind.POD,
    "Node": RangeKind.NODE,
}
#: A range of theirs that is one address is held: a tunnel's end, NodeLocal DNS.
_SINGLE = (RangeKind.TUNNEL, RangeKind.NODE)
_NAMED = 5  # ports of a Service that are named before the rest is counted

_Holders = dict[IPAddress, list[tuple[str, str]]]  # kind and owner


def address_uses(
    asked: Iterable[IPAddress], ranges: Sequence[IPRange], census: Census
) -> tuple[AddressUse, ...]:
    """All that is known of each, in the order asked; one at least of each."""
    asked = tuple(asked)
    holders: _Holders = {address: [] for address in asked}
    for address, kind, owner in _held(ranges, census):
        if address in holders:
            holders[address].append((kind, owner))
    by_prefix = _by_prefix(ranges)
    return tuple(
        use
        for address in asked
        for use in _uses(
            address,
            list(dict.fromkeys(holders[address])),
            _around(address, by_prefix),
            census,
        )
    )


def unheld_cluster_ips(
    asked: Iterable[IPAddress], ranges: Sequence[IPRange], census: Census
) -> tuple[IPAddress, ...]:
    """Those inside a Service range that no Service has, as far as Services are known."""
    if census.services is None:
        return ()
    held = {ip for service in census.services for ip in service.cluster_ips}
    by_prefix = _by_prefix(range for range in ranges if range.kind is RangeKind.SERVICE)
    return tuple(a for a in asked if a not in held and _around(a, by_prefix))


#: By IP version and host bits, the shortest first: ranges by the network's bits.
_ByPrefix = dict[tuple[int, int], dict[int, list[IPRange]]]


def _by_prefix(ranges: Iterable[IPRange]) -> _ByPrefix:
    found: _ByPrefix = {}
    for range in ranges:
        network = range.network
        if network is not None:
            bits = network.max_prefixlen - network.prefixlen
            place = found.setdefault((network.version, bits), {})
            place.setdefault(int(network.network_address) >> bits, []).append(range)
    return dict(sorted(found.items()))


def _around(address: IPAddress, by_prefix: _ByPrefix) -> list[IPRange]:
    """The narrowest first, without a look at each of thousands."""
    return [
        range
        for (version, bits), networks in by_prefix.items()
        if version == address.version
        for range in networks.get(int(address) >> bits, ())
    ]


def _inside(address: IPAddress, network: IPNetwork) -> bool:
    return address.version == network.version and address in network


def _uses(
    address: IPAddress,
    holders: Sequence[tuple[str, str]],
    around: Sequence[IPRange],
    census: Census,
) -> Iterator[AddressUse]:
    for kind, owner in holders:
        wanted = _OUT_OF.get(kind)
        fitting = [r for r in around if r.kind is wanted or wanted is None]
        yield AddressUse(
            address=address,
            kind=kind,
            owner=owner,
            range=fitting[0].text if fitting else "",
            state=AddressState.ALLOCATED,
        )
    if holders:
        return
    if special := [(k, network) for k, network in _SPECIAL if _inside(address, network)]:
        kind, network = special[0]
        yield AddressUse(
            address=address, kind=kind, range=str(network), state=AddressState.RESERVED
        )
        return
    by_kind: dict[RangeKind, IPRange] = {}
    for range in around:
        by_kind.setdefault(range.kind, range)
    for range in by_kind.values():
        yield AddressUse(
            address=address,
            kind=range.kind.value,
            range=range.text,
            owner=f"node {range.node}" if range.node else "",
            state=_unheld(address, range, census),
        )
    if not around:
        lists = (census.pods, census.services, census.nodes, census.endpoints)
        all_known = census.counted and not census.doubtful and None not in lists
        state = AddressState.OUTSIDE if all_known else AddressState.UNKNOWN
        yield AddressUse(address=address, state=state)


def _unheld(address: IPAddress, range: IPRange, census: Census) -> AddressState:
    """Free only where all who could hold it are known. Of nodes' and load balancers' networks the
    API knows a part; of pods' ranges all, where host-local gives them out of podCIDRs, but for
    the gateway, which it keeps free: the first address. Others take more for themselves, as
    Cilium's router; who reserves what else: see engine/usage. Of a range that is closed nobody is
    given any, if all who might hold one are known."""
    network = range.network
    if network is not None and network.prefixlen < network.max_prefixlen - 1:
        last = network.broadcast_address if network.version == 4 else None
        gateway = network[1] if range.kind is RangeKind.POD and range.node else None
        if address in (network.network_address, last, gateway):
            return AddressState.RESERVED
    if range.closed and range.used is not None and not census.doubtful:
        return AddressState.RESERVED
    known = range.kind is RangeKind.SERVICE and census.services is not None
    if range.kind is RangeKind.POD and census.pods is not None and census.counted:
        known = any(claim.allocator == NODE_IPAM for claim in range.claims)
    return AddressState.FREE if known and not census.doubtful else AddressState.UNKNOWN


def _held(ranges: Iterable[IPRange], census: Census) -> Iterator[tuple[IPAddress, str, str]]:
    """Pods of the host's network hold nothing: the address is the node's."""
    for service in census.services or ():
        owner = f"service {service.name}{_ports(service)}"
        for kind, addresses in (
            ("ClusterIP", service.cluster_ips),
            ("ExternalIP", service.external_ips),
            ("LoadBalancerIP", (*service.load_balancer_ips, *service.proxied_ips)),
        ):
            yield from ((address, kind, owner) for address in addresses)
    for pod in filter(holds_address, census.pods or ()):
        for address in pod.addresses:
            yield address, "Pod", f"pod {pod} on {pod.node or '-'}"
    for node in census.nodes or ():
        for address in (*node.addresses, *node.external_addresses):
            yield address, "Node", f"node {node.name}"
    for claim in (claim for range in ranges for claim in range.claims):
        own = claim.address if claim.kind is not RangeKind.NODE else None
        network = claim.network
        if claim.kind in _SINGLE and network and network.num_addresses == 1:
            own = network.network_address
        if own is not None:
            where = f"node {claim.node}" if claim.node else claim.object
            yield own, claim.kind.value, f"{claim.source} of {where}"
    yield from ((address, "IPAddress", owner) for address, owner in census.allocated.items())
    yield from _endpoints(census)


def _endpoints(census: Census) -> Iterator[tuple[IPAddress, str, str]]:
    for name, endpoints in (census.endpoints or {}).items():
        by_address: dict[IPAddress, list[Endpoint]] = {}
        for endpoint in endpoints:
            by_address.setdefault(endpoint.address.address, []).append(endpoint)
        for address, group in by_address.items():
            yield address, "Endpoint", _endpoint(name, group)


def _endpoint(name: ServiceName, group: Sequence[Endpoint]) -> str:
    ports = _listed(
        (e.port_name, e.address.port, e.protocol.value) for e in sorted(group, key=_by_port)
    )
    state = "" if all(e.ready for e in group) else ", not ready"
    return f"service {name}{ports}{state}"


def _by_port(endpoint: Endpoint) -> tuple[int, str]:
    return endpoint.address.port, endpoint.port_name


def _ports(service: Service) -> str:
    return _listed((port.name, port.port, port.protocol.value) for port in service.ports)


def _listed(ports: Iterable[tuple[str, int, str]]) -> str:
    """` (dns 53/UDP, metrics 9153/TCP)`, as the API names them."""
    texts = [f"{name} {port}/{protocol}".strip() for name, port, protocol in ports]
    rest = len(texts) - _NAMED
    shown = texts[:_NAMED] + ([f"and {rest} more"] if rest > 0 else [])
    return f" ({', '.join(shown)})" if shown else ""
