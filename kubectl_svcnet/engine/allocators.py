"""Who cuts the cluster's pod range up among nodes, and how many parts of it are left.

How long a part is follows from those that nodes have: of a range that no node has a part of, nobody
knows that it is cut up at all. One that is disabled has no room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..model.address import Family, IPNetwork, family_of
from ..model.iprange import (
    CALICO,
    CILIUM,
    NODE_IPAM,
    OPENSHIFT_SDN,
    OVN_KUBERNETES,
    Census,
    Confidence,
    IPRange,
    RangeKind,
    Room,
)
from .usage import overlap

CIDRS = "kubectl get nodes -o custom-columns=NAME:.metadata.name,CIDRS:.spec.podCIDRs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocator:
    """What it takes of a node's range for itself, which the API does not show as pods; whether a
    node gets a further one when its own is full; and what shows the parts."""

    takes: int
    note: str
    next: str = CIDRS
    further: bool = False

    @property
    def noun(self) -> str:
        return "block" if self.further else "node"


ALLOCATORS: Mapping[str, Allocator] = {
    NODE_IPAM: Allocator(takes=1, note=", and a bridge or gateway takes one"),
    CILIUM: Allocator(
        takes=2,  # cilium-dbg status: 2 of 254 in use where there is no pod
        note=", and Cilium's router and health check take two",
        next="kubectl get ciliumnodes",
    ),
    OVN_KUBERNETES: Allocator(
        takes=2,  # go-controller/pkg/util: .1 is the gateway, .2 the management port
        note=", and the gateway and the management port take two",
        next="kubectl get nodes -o yaml",
    ),
    OPENSHIFT_SDN: Allocator(
        takes=1, note=", and a gateway takes one", next="kubectl get hostsubnets"
    ),
    CALICO: Allocator(
        takes=0, note="", next="kubectl get blockaffinities.crd.projectcalico.org", further=True
    ),
}


def allocator_of(range: IPRange) -> str | None:
    """Who cut it for a node, or cuts the nodes' parts out of it."""
    return next(
        (
            claim.allocator
            for claim in range.claims
            if claim.allocator in ALLOCATORS and claim.confidence is not Confidence.ASSUMED
        ),
        None,
    )


def with_room(ranges: Sequence[IPRange], census: Census) -> tuple[IPRange, ...]:
    """Each range of the cluster's that is cut up, with how much of it is left; nothing of it where
    nodes were not read, as parts of theirs would be missing."""
    if census.nodes is None:
        return tuple(ranges)
    given: dict[tuple[str, Family], set[IPNetwork]] = {}
    for range in ranges:
        allocator, network = _cut(range), range.network
        if allocator and network and range.node:
            given.setdefault((allocator, family_of(network)), set()).add(network)
    return tuple(replace(range, room=_room(range, given)) for range in ranges)


def _cut(range: IPRange) -> str | None:
    open_pods = range.kind is RangeKind.POD and not range.closed
    return allocator_of(range) if open_pods else None


def _room(range: IPRange, given: Mapping[tuple[str, Family], set[IPNetwork]]) -> Room | None:
    allocator, network = _cut(range), range.network
    if not allocator or network is None or range.node:
        return None
    parts = given.get((allocator, family_of(network)), set())
    inside = [part for part in parts if overlap(network, part)]
    lengths = Counter(part.prefixlen for part in inside)
    if not lengths:
        return None
    length = lengths.most_common(1)[0][0]
    most = 1 << max(0, length - network.prefixlen)
    held = sum(1 << max(0, length - part.prefixlen) for part in inside)
    return Room(
        noun=ALLOCATORS[allocator].noun, length=length, given=held, left=max(0, most - held)
    )
