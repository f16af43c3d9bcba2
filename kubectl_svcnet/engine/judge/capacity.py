"""How full ranges are: SVN106 and SVN107, of Services, pods, node ports and further nodes.

Ranges of one kind are one store: a full ServiceCIDR beside an empty one refuses nothing. A node's
pods are judged only where its range is all that it will get: Calico gives a node another block as
long as a pool has one. What was not counted is not judged, nor what gives no further address.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ...model.address import Family, IPNetwork
from ...model.counted import counted
from ...model.finding import Finding, Level
from ...model.iprange import Census, Confidence, IPRange, RangeKind, Room
from ..allocators import ALLOCATORS, allocator_of
from ..codes import finding
from ..usage import limited, widest_ranges

_NEARLY = 0.9

_NEXT = {
    RangeKind.SERVICE: "kubectl get servicecidrs",
    RangeKind.NODE_PORT: "kubectl get services -A",
    RangeKind.POD: "kubectl get pods -A -o wide",
    RangeKind.LOAD_BALANCER: "kubectl get services -A",
}


def judge_capacity(ranges: Sequence[IPRange], census: Census) -> Iterator[Finding]:
    ranges = [range for range in ranges if not range.closed]
    yield from _clusters(ranges, census)
    cut = _cut(ranges)
    full = (allocator for allocator, wholes in cut if _left(wholes) == 0)
    yield from _nodes(ranges, frozenset(full))
    for allocator, wholes in cut:
        yield from _further(allocator, wholes)


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
        allocator = allocator_of(range)
        if range.kind is not RangeKind.POD or not range.node or allocator is None:
            continue
        if ALLOCATORS[allocator].further and allocator not in no_more:
            continue
        text = "" if ALLOCATORS[allocator].further else range.text
        stores.setdefault((range.node, range.family, allocator, text), []).append(range)
    found: dict[str, list[tuple[str, str, str]]] = {"SVN107": [], "SVN106": []}
    for (node, _, allocator, _), parts in stores.items():
        used, size = _sum(part.used for part in parts), _sum(part.size for part in parts)
        if used is None or not size:
            continue
        full = used + ALLOCATORS[allocator].takes >= size
        if full or used >= _NEARLY * size:
            where = f"{used} of {size} addresses of {', '.join(part.text for part in parts)}"
            line = f"{node}: {where} in use{ALLOCATORS[allocator].note}"
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


_Wholes = list[tuple[IPRange, Room]]


def _cut(ranges: Sequence[IPRange]) -> list[tuple[str, _Wholes]]:
    """Of each allocator and family the widest ranges, where the room of all is known."""
    found = []
    for allocator in ALLOCATORS:
        ours = [range for range in ranges if not range.node and allocator_of(range) == allocator]
        for family in Family:
            wholes = [w for w in widest_ranges(ours, RangeKind.POD) if w.family is family]
            known = [(whole, whole.room) for whole in wholes if whole.room is not None]
            if wholes and len(known) == len(wholes):
                found.append((allocator, known))
    return found


def _left(wholes: _Wholes) -> int:
    return sum(room.left for _, room in wholes)


def _further(allocator: str, wholes: _Wholes) -> Iterator[Finding]:
    """A full range is a warning: what is there works."""
    left, given = _left(wholes), sum(room.given for _, room in wholes)
    if left > (1 - _NEARLY) * (given + left):
        return
    noun = ALLOCATORS[allocator].noun
    room = counted(left, f"further {noun}") if left else f"no further {noun}"
    lengths = dict.fromkeys(f"/{room.length}" for _, room in wholes)
    yield finding(
        "SVN106" if left else "SVN107",
        f"the Pod range {', '.join(whole.text for whole, _ in wholes)} has room for {room}",
        evidence=(f"{given} of {given + left} parts of {' or '.join(lengths)} are given to nodes",),
        next=ALLOCATORS[allocator].next,
        level=None if left else Level.WARNING,
    )
