"""How full ranges are: SVN106 and SVN107, of Services, pods, node ports and further nodes.

Ranges of one kind are one store: a full ServiceCIDR beside an empty one refuses nothing. A node's
pods are judged only where its range is all that it will get: Calico gives a node another block as
long as a pool has one. What was not counted is not judged, nor what gives no further address.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...model.address import Family, IPNetwork
from ...model.counted import counted
from ...model.finding import Finding, Level
from ...model.iprange import (
    CALICO,
    CILIUM,
    NODE_IPAM,
    OPENSHIFT_SDN,
    OVN_KUBERNETES,
    Census,
    Confidence,
    IPRange,
    RangeKind,
)
from ..codes import finding
from ..usage import limited, overlap, widest_ranges

_NEARLY = 0.9

_CIDRS = "kubectl get nodes -o custom-columns=NAME:.metadata.name,CIDRS:.spec.podCIDRs"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Allocator:
    """What it takes of a node's range for itself, which the API does not show as pods; whether a
    node gets a further one when its own is full; and what shows the parts."""

    takes: int
    note: str
    next: str = _CIDRS
    further: bool = False


_ALLOCATORS: Mapping[str, _Allocator] = {
    NODE_IPAM: _Allocator(takes=1, note=", and a bridge or gateway takes one"),
    CILIUM: _Allocator(
        takes=2,  # cilium-dbg status: 2 of 254 in use where there is no pod
        note=", and Cilium's router and health check take two",
        next="kubectl get ciliumnodes",
    ),
    OVN_KUBERNETES: _Allocator(
        takes=2,  # go-controller/pkg/util: .1 is the gateway, .2 the management port
        note=", and the gateway and the management port take two",
        next="kubectl get nodes -o yaml",
    ),
    OPENSHIFT_SDN: _Allocator(
        takes=1, note=", and a gateway takes one", next="kubectl get hostsubnets"
    ),
    CALICO: _Allocator(
        takes=0, note="", next="kubectl get blockaffinities.crd.projectcalico.org", further=True
    ),
}

_NEXT = {
    RangeKind.SERVICE: "kubectl get servicecidrs",
    RangeKind.NODE_PORT: "kubectl get services -A",
    RangeKind.POD: "kubectl get pods -A -o wide",
    RangeKind.LOAD_BALANCER: "kubectl get services -A",
}


def judge_capacity(ranges: Sequence[IPRange], census: Census) -> Iterator[Finding]:
    ranges = [range for range in ranges if not range.closed]
    yield from _clusters(ranges, census)
    left = list(_left(ranges))
    yield from _nodes(ranges, frozenset(allocator for allocator, *_, rest in left if rest <= 0))
    for of_allocator in left:
        yield from _further(*of_allocator)


def _clusters(ranges: Sequence[IPRange], census: Census) -> Iterator[Finding]:
    """By kind and family, node ports by themselves."""
    stores: dict[tuple[RangeKind, Family | None], list[IPRange]] = {}
    for kind in (RangeKind.SERVICE, RangeKind.POD):
        for range in widest_ranges([r for r in ranges if not r.node], kind):
            stores.setdefault((kind, range.family), []).append(range)
    for range in widest_ranges(ranges, RangeKind.LOAD_BALANCER):
        if any(claim.confidence is Confidence.STATED for claim in range.claims):
            stores.setdefault((RangeKind.LOAD_BALANCER, range.family), []).append(range)
    ports = [range for range in ranges if range.kind is RangeKind.NODE_PORT]
    ports.sort(key=lambda found: -(found.size or 0))
    if ports:
        stores[RangeKind.NODE_PORT, None] = ports[:1]
    for (kind, _), store in stores.items():
        used, size = _sum(range.used for range in store), _sum(range.size for range in store)
        if used is None or not size or used < _NEARLY * size:
            continue
        what = "node ports" if kind is RangeKind.NODE_PORT else "addresses"
        yield finding(
            "SVN107" if used >= size else "SVN106",
            f"{used} of {size} {what} of the {kind.value} range "
            f"{', '.join(range.text for range in store)} are in use",
            evidence=limited(line for range in store for line in _evidence(range, census)),
            next=_NEXT[kind],
            # a pool of as many addresses as Services have is a choice
            level=Level.WARNING if kind is RangeKind.LOAD_BALANCER else None,
        )


def _sum(numbers: Iterable[int | None]) -> int | None:
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total


def _evidence(range: IPRange, census: Census) -> Iterator[str]:
    yield f"{range.text}: {range.used} of {range.size} in use"
    services = census.services or ()
    ports = range.claims[0].ports
    if ports is not None:
        first, last = ports
        offset = port_band(last - first + 1)
        held = {port.node_port for s in services for port in s.ports}
        inside = sum(first <= port < first + offset for port in held)
        if offset:
            yield f"static band {first}-{first + offset - 1}: {inside} of {offset} in use"
    elif range.kind is RangeKind.SERVICE and range.network is not None:
        network = range.network
        offset = address_band(network)
        if offset:
            low, high = network[1], network[offset]
            ips = {ip for s in services for ip in s.cluster_ips if ip.version == network.version}
            inside = sum(int(low) <= int(ip) <= int(high) for ip in ips)
            yield f"static band {low}-{high}: {inside} of {offset} in use"


def address_band(network: IPNetwork) -> int:
    """How many of the lowest addresses the API server leaves to those who choose their own, as
    long as it has others (KEP-3070; pkg/registry/core/service/ipallocator, calculateRangeOffset).
    """
    size = network.num_addresses
    return 0 if size <= 16 else min(max(16, size // 16), 256)


def port_band(size: int) -> int:
    """The same of node ports (KEP-3668; pkg/registry/core/service/portallocator)."""
    return 0 if size < 16 else min(max(16, size // 32), 128)


def _nodes(ranges: Sequence[IPRange], no_more: frozenset[str]) -> Iterator[Finding]:
    """One finding for all nodes that are full, one for those that are nearly so; of allocators
    that give further parts only where they have `no_more`, and then of all parts together."""
    stores: dict[tuple[str, Family | None, str, str], list[IPRange]] = {}
    for range in ranges:
        allocator = _allocator(range)
        if range.kind is not RangeKind.POD or not range.node or allocator is None:
            continue
        if _ALLOCATORS[allocator].further and allocator not in no_more:
            continue
        text = "" if _ALLOCATORS[allocator].further else range.text
        stores.setdefault((range.node, range.family, allocator, text), []).append(range)
    found: dict[str, list[tuple[str, str, str]]] = {"SVN107": [], "SVN106": []}
    for (node, _, allocator, _), parts in stores.items():
        used, size = _sum(part.used for part in parts), _sum(part.size for part in parts)
        if used is None or not size:
            continue
        full = used + _ALLOCATORS[allocator].takes >= size
        if full or used >= _NEARLY * size:
            where = f"{used} of {size} addresses of {', '.join(part.text for part in parts)}"
            line = f"{node}: {where} in use{_ALLOCATORS[allocator].note}"
            found["SVN107" if full else "SVN106"].append((node, where, line))
    for code, stories in found.items():
        if not stories:
            continue
        nodes = list(dict.fromkeys(node for node, _, _ in stories))
        yield finding(
            code,
            f"pods use {stories[0][1]}"
            if len(stories) == 1
            else f"pods use nearly all addresses of the pod ranges of {len(nodes)} nodes"
            if len(nodes) > 1
            else f"pods use nearly all addresses of the pod ranges of node {nodes[0]}",
            node=nodes[0] if len(nodes) == 1 else "",
            evidence=limited(line for _, _, line in stories),
            next=f"kubectl get pods -A -o wide --field-selector spec.nodeName={nodes[0]}",
        )


def _allocator(range: IPRange) -> str | None:
    """Who cut it for a node, or cuts the nodes' parts out of it."""
    return next(
        (
            claim.allocator
            for claim in range.claims
            if claim.allocator in _ALLOCATORS and claim.confidence is not Confidence.ASSUMED
        ),
        None,
    )


def _left(ranges: Sequence[IPRange]) -> Iterator[tuple[str, list[IPNetwork], int, int, int]]:
    """Of each allocator and family: the whole, and how many parts are given, were there to give
    and are left, each as long as most are."""
    for allocator in _ALLOCATORS:
        ours = [range for range in ranges if _allocator(range) == allocator]
        wholes = widest_ranges([range for range in ours if not range.node], RangeKind.POD)
        parts = {range.network for range in ours if range.node and range.network is not None}
        for family in Family:
            networks = [w.network for w in wholes if w.family is family and w.network is not None]
            inside = [part for part in parts if any(overlap(whole, part) for whole in networks)]
            lengths = Counter(part.prefixlen for part in inside)
            if lengths:
                length = lengths.most_common(1)[0][0]
                most = sum(1 << max(0, length - network.prefixlen) for network in networks)
                left = most - sum(1 << max(0, length - part.prefixlen) for part in inside)
                yield allocator, networks, length, most, left


def _further(
    allocator: str, networks: Sequence[IPNetwork], length: int, most: int, left: int
) -> Iterator[Finding]:
    """A full range is a warning: what is there works."""
    if left > (1 - _NEARLY) * most:
        return
    noun = "block" if _ALLOCATORS[allocator].further else "node"
    room = counted(left, f"further {noun}") if left > 0 else f"no further {noun}"
    yield finding(
        "SVN106" if left > 0 else "SVN107",
        f"the Pod range {', '.join(map(str, networks))} has room for {room}",
        evidence=(f"{most - left} of {most} parts of /{length} are given to nodes",),
        next=_ALLOCATORS[allocator].next,
        level=None if left > 0 else Level.WARNING,
    )
