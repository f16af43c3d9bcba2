"""kube-router's annotations of a node, which it prefers to node.spec.podCIDRs.

Without one kube-router uses what the controller manager gave the node (pkg/utils/pod_cidr.go of
cloudnativelabs/kube-router).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..model.capture import Capture, Request
from ..model.iprange import NODE_IPAM, Census, RangeClaim, RangeKind
from ..parse.cidr import parse_networks
from ._base import Place, Reading, claims_of, typed
from ._objects import annotated, annotations_of
from ._pods import pods_of

_ANNOTATIONS = ("kube-router.io/pod-cidrs", "kube-router.io/pod-cidr")  # the first one counts


class _KubeRouter:
    name = "kube-router"
    kinds = frozenset({RangeKind.POD})
    trust = 1

    def recognise(self, census: Census) -> tuple[Place, ...]:
        if not pods_of(census, ("k8s-app", "kube-router")):
            return ()
        return annotated(census, *_ANNOTATIONS)

    def requests(self, place: Place) -> tuple[Request, ...]:
        return ()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        return typed(partial(_claims, place), what="kube-router annotation", place=place)


def _claims(place: Place) -> tuple[RangeClaim, ...]:
    for name, value in annotations_of(place.about, *_ANNOTATIONS):
        return claims_of(
            parse_networks(value),
            kind=RangeKind.POD,
            source=name,
            object=place.object,
            node=place.node,
            evidence=f"{name}: {value}",
            allocator=NODE_IPAM,
        )
    return ()


SOURCE = _KubeRouter()
