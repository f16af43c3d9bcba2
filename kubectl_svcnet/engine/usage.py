"""Claims become ranges: one per kind, node and value, with how much of it is in use.

Usable addresses of an IPv4 network leave out its own address and the broadcast address, which
neither the API server (pkg/registry/core/service/ipallocator) nor CNI plugins hand out; a /31 and a
/32 count whole (RFC 3021). Of an IPv6 network only the first is left out. A bridge takes one more
of a node's pod range, which the API does not show.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_network

from ..model.address import Family, IPAddress, IPNetwork, family_of
from ..model.iprange import (
    CALICO,
    Census,
    Confidence,
    IPRange,
    RangeClaim,
    RangeKind,
    holds_address,
)

#: kube-apiserver's --service-node-port-range, pkg/kubeapiserver/options/options.go.
DEFAULT_NODE_PORTS = RangeClaim(
    kind=RangeKind.NODE_PORT,
    source="default (stated nowhere)",
    object="",
    confidence=Confidence.ASSUMED,
    ports=(30000, 32767),
    evidence="kube-apiserver's default",
)


def given_claims(networks: Iterable[IPNetwork]) -> tuple[RangeClaim, ...]:
    return tuple(
        RangeClaim(
            kind=RangeKind.GIVEN,
            source="--with",
            object="command line",
            confidence=Confidence.STATED,
            network=network,
            evidence=f"--with {network}",
        )
        for network in networks
    )


NAMED = 5  # objects that a finding names before it counts the rest
_KINDS = tuple(RangeKind)


def merge_claims(claims: Iterable[RangeClaim], census: Census) -> tuple[IPRange, ...]:
    """Ranges in reading order: by kind, the cluster's before the nodes'."""
    claims = list(claims)
    if not any(claim.kind is RangeKind.NODE_PORT for claim in claims):
        claims.append(DEFAULT_NODE_PORTS)
    if not any(claim.kind is RangeKind.POD for claim in claims):
        claims += _seen_claims(census)
    merged: dict[tuple[RangeKind, str, str], list[RangeClaim]] = {}
    for claim in claims:
        merged.setdefault((claim.kind, claim.node, claim.text), []).append(claim)
    counter = _Counter(census)
    shared = {text for kind, node, text in merged if kind is RangeKind.POD and not node}
    ranges = [_merged(key, group, counter, shared) for key, group in merged.items()]
    return tuple(sorted(ranges, key=_order))


def _seen_claims(census: Census) -> Iterator[RangeClaim]:
    """Where nobody tells of pods: the smallest network of each family that holds their addresses.
    Clouds that give pods addresses of their own network need not say which."""
    seen: dict[Family, list[IPAddress]] = {}
    for pod in filter(holds_address, census.pods or ()):
        for address in pod.addresses:
            seen.setdefault(family_of(address), []).append(address)
    for addresses in seen.values():
        first, last = min(addresses), max(addresses)
        bits = (int(first) ^ int(last)).bit_length()
        network = ip_network((int(first) >> bits << bits, first.max_prefixlen - bits))
        yield RangeClaim(
            kind=RangeKind.POD,
            source="addresses of pods (at least)",
            object="pods",
            confidence=Confidence.ASSUMED,
            network=network,
            evidence=f"{len(addresses)} addresses from {first} to {last}",
        )


def _merged(
    key: tuple[RangeKind, str, str],
    claims: Sequence[RangeClaim],
    counter: _Counter,
    shared: set[str],
) -> IPRange:
    """A default that is stated elsewhere is no news. A node that draws from the cluster's whole
    range has no size of its own."""
    kind, node, text = key
    claims = [c for c in claims if c.confidence is not Confidence.ASSUMED] or claims
    network, ports = claims[0].network, claims[0].ports
    size = ports[1] - ports[0] + 1 if ports else _size(claims, network) if network else None
    return IPRange(
        kind=kind,
        text=text,
        claims=tuple(claims),
        family=family_of(network) if network else None,
        network=network,
        node=node,
        used=counter.used(kind, node, network, ports),
        size=None if node and text in shared else size,
    )


def _size(claims: Sequence[RangeClaim], network: IPNetwork) -> int:
    """A piece of a load balancer's pool is no subnet, and Calico routes single addresses: then
    all of it is given out."""
    pool = claims[0].kind is RangeKind.LOAD_BALANCER
    whole = pool or any(claim.allocator == CALICO for claim in claims)
    return network.num_addresses if whole else usable(network)


def usable(network: IPNetwork) -> int:
    if network.version == 4:
        return network.num_addresses - (2 if network.prefixlen < 31 else 0)
    return network.num_addresses - (1 if network.prefixlen < 127 else 0)


class _Counter:
    """Who uses addresses; None where the list that would say it was not read."""

    def __init__(self, census: Census) -> None:
        self._pods: dict[str, set[IPAddress]] | None = None
        if census.pods is not None and census.counted:
            self._pods = {}
            for pod in filter(holds_address, census.pods):
                self._pods.setdefault(pod.node, set()).update(pod.addresses)
        services = census.services
        self._services = (
            None if services is None else {ip for service in services for ip in service.cluster_ips}
        )
        self._ports = (
            None
            if services is None
            else {port.node_port for s in services for port in s.ports if port.node_port}
            | {s.health_check_node_port for s in services if s.health_check_node_port}
        )
        self._balancers = (
            None if services is None else {ip for s in services for ip in s.load_balancer_ips}
        )
        self._nodes = (
            None if census.nodes is None else {ip for node in census.nodes for ip in node.addresses}
        )

    def used(
        self,
        kind: RangeKind,
        node: str,
        network: IPNetwork | None,
        ports: tuple[int, int] | None,
    ) -> int | None:
        if ports is not None:
            return (
                None if self._ports is None else sum(ports[0] <= p <= ports[1] for p in self._ports)
            )
        holders = self._holders(kind, node)
        if holders is None or network is None:
            return None
        return sum(ip.version == network.version and ip in network for ip in holders)

    def _holders(self, kind: RangeKind, node: str) -> set[IPAddress] | None:
        match kind:
            case RangeKind.SERVICE:
                return self._services
            case RangeKind.NODE:
                return self._nodes
            case RangeKind.LOAD_BALANCER:
                return self._balancers
            case RangeKind.POD if self._pods is not None:
                return self._pods.get(node, set()) if node else set().union(*self._pods.values())
            case _:
                return None


def widest_ranges(ranges: Sequence[IPRange], kind: RangeKind) -> list[IPRange]:
    """Those that lie in no other of their kind. Networks nest or are disjoint, so in order of
    their first address each need only be compared with the last one kept."""
    found = [
        (range.network, range)
        for range in ranges
        if range.kind is kind
        and range.network is not None
        and any(claim.confidence is not Confidence.ASSUMED for claim in range.claims)
    ]
    found.sort(key=lambda item: (item[0].version, int(item[0].network_address), item[0].prefixlen))
    kept: list[tuple[IPNetwork, IPRange]] = []
    for network, range in found:
        if not kept or not overlap(kept[-1][0], network):
            kept.append((network, range))
    return [range for _, range in kept]


def overlap(a: IPNetwork, b: IPNetwork) -> bool:
    return a.version == b.version and a.overlaps(b)


def limited(lines: Iterable[str]) -> tuple[str, ...]:
    found = list(dict.fromkeys(lines))
    rest = len(found) - NAMED
    return (*found[:NAMED], *((f"and {rest} more",) if rest > 0 else ()))


def _order(range: IPRange) -> tuple[object, ...]:
    network = range.network
    place = (network.version, int(network.network_address), network.prefixlen) if network else ()
    numbers = tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part)
        for part in re.findall(r"\d+|\D+", range.node)
    )
    return (_KINDS.index(range.kind), bool(range.node), numbers, place, range.text)
