"""node.spec.podCIDRs: the part of the pod range that the controller manager gave each node.

True for CNIs that follow it (flannel, kindnet, kube-router, Antrea, host-local); Calico's,
Cilium's and Weave's own address managers do not, and there the pods' addresses say otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..model.capture import Capture, Request
from ..model.iprange import NODE_IPAM, Census, RangeKind
from ._base import Place, Reading, claims_of


class _PodCIDRs:
    name = "node.spec.podCIDRs"
    kinds = frozenset({RangeKind.POD})
    trust = 7

    def recognise(self, census: Census) -> tuple[Place, ...]:
        return tuple(
            Place(object=f"node {node.name}", node=node.name, about=node)
            for node in census.nodes or ()
            if node.pod_cidrs
        )

    def requests(self, place: Place) -> tuple[Request, ...]:
        return ()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        cidrs = place.about.pod_cidrs if place.about else ()
        return Reading(
            claims_of(
                cidrs,
                kind=RangeKind.POD,
                source=self.name,
                object=place.object,
                node=place.node,
                evidence=f"spec.podCIDRs: {', '.join(map(str, cidrs))}",
                allocator=NODE_IPAM,
            )
        )


SOURCE = _PodCIDRs()
