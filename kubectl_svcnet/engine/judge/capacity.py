"""How full ranges are: SVN106 and SVN107, of Services, pods, node ports and further nodes.

Ranges of one kind are one store: a full ServiceCIDR beside an empty one refuses nothing. A node's
pods are judged only where its range is all that it will get (`NODE_IPAM`): other allocators give a
node another block. What was not counted is not judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ...model.address import Family, IPNetwork
from ...model.finding import Finding, Level
from ...model.iprange import NODE_IPAM, Census, Confidence, IPRange, RangeKind
from ..codes import finding
from ..usage import limited, overlap, widest_ranges

_NEARLY = 0.9

#: What a bridge or gateway takes of a node's range, which the API does not show.
_GATEWAY = 1

_NEXT = {
    RangeKind.SERVICE: "kubectl get servicecidrs",
    RangeKind.NODE_PORT: "kubectl get services -A",
    RangeKind.POD: "kubectl get pods -A -o wide",
}


def judge_capacity(ranges: Sequence[IPRange], census: Census) -> Iterator[Finding]:
    yield from _clusters(ranges, census)
    yield from _nodes(ranges)
    yield from _further_nodes(ranges)


def _clusters(ranges: Sequence[IPRange], census: Census) -> Iterator[Finding]:
    """By kind and family, node ports by themselves."""
    stores: dict[tuple[RangeKind, Family | None], list[IPRange]] = {}
    for kind in (RangeKind.SERVICE, RangeKind.POD):
        for range in widest_ranges([r for r in ranges if not r.node], kind):
            stores.setdefault((kind, range.family), []).append(range)
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


def _nodes(ranges: Sequence[IPRange]) -> Iterator[Finding]:
    """One finding for all nodes that are full, one for those that are nearly so."""
    found: dict[str, list[IPRange]] = {"SVN107": [], "SVN106": []}
    for range in ranges:
        if range.kind is not RangeKind.POD or not range.node or _allocated(range) is None:
            continue
        if range.used is None or not range.size:
            continue
        full = range.used + _GATEWAY >= range.size
        if full or range.used >= _NEARLY * range.size:
            found["SVN107" if full else "SVN106"].append(range)
    for code, full_ranges in found.items():
        if not full_ranges:
            continue
        nodes = list(dict.fromkeys(range.node for range in full_ranges))
        one = full_ranges[0]
        yield finding(
            code,
            f"pods use {one.used} of {one.size} addresses of {one.text}"
            if len(full_ranges) == 1
            else f"pods use nearly all addresses of the pod ranges of {len(nodes)} nodes",
            node=nodes[0] if len(nodes) == 1 else "",
            evidence=limited(
                f"{range.node}: {range.used} of {range.size} addresses of {range.text} in use, "
                "and a bridge or gateway takes one"
                for range in full_ranges
            ),
            next=f"kubectl get pods -A -o wide --field-selector spec.nodeName={nodes[0]}",
        )


def _allocated(range: IPRange) -> IPNetwork | None:
    """The network that the controller manager cut for a node, or cuts them out of."""
    return next(
        (
            claim.network
            for claim in range.claims
            if claim.allocator == NODE_IPAM and claim.confidence is not Confidence.ASSUMED
        ),
        None,
    )


def _further_nodes(ranges: Sequence[IPRange]) -> Iterator[Finding]:
    """How many parts are left, each as long as most nodes' are. A full range is a warning: what
    is there works."""
    ours = [range for range in ranges if _allocated(range) is not None]
    wholes = widest_ranges([range for range in ours if not range.node], RangeKind.POD)
    parts = {range.network for range in ours if range.node and range.network is not None}
    for family in Family:
        networks = [w.network for w in wholes if w.family is family and w.network is not None]
        inside = [part for part in parts if any(overlap(whole, part) for whole in networks)]
        lengths = Counter(part.prefixlen for part in inside)
        if not lengths:
            continue
        length = lengths.most_common(1)[0][0]
        most = sum(1 << max(0, length - network.prefixlen) for network in networks)
        left = most - sum(1 << max(0, length - part.prefixlen) for part in inside)
        if left > (1 - _NEARLY) * most:
            continue
        yield finding(
            "SVN106" if left > 0 else "SVN107",
            f"the Pod range {', '.join(map(str, networks))} has room for "
            + (
                f"{left} further nodes"
                if left > 1
                else "1 further node"
                if left == 1
                else "no further node"
            ),
            evidence=(f"{len(inside)} of {most} parts of /{length} are given to nodes",),
            next="kubectl get nodes -o custom-columns=NAME:.metadata.name,CIDRS:.spec.podCIDRs",
            level=None if left > 0 else Level.WARNING,
        )
