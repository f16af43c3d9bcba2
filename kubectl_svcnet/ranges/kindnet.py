"""kindnet's POD_SUBNET: what kind and minikube tell their network plugin of the pod range.

It only decides what is not masqueraded; the nodes' parts are node.spec.podCIDRs, which kindnet
follows (images/kindnetd of kubernetes-sigs/kind).
"""

from __future__ import annotations

from collections.abc import Sequence

from ..model.capture import Capture, Request
from ..model.iprange import NODE_IPAM, Census, RangeClaim, RangeKind
from ..parse.cidr import parse_networks
from ._base import Place, Reading, claims_of, pod_object, typed
from ._pods import pods_of

_VARIABLE = "POD_SUBNET"


class _Kindnet:
    name = "kindnet"
    kinds = frozenset({RangeKind.POD})
    trust = 3

    def recognise(self, census: Census) -> tuple[Place, ...]:
        """One place for all pods that are told the same."""
        places: dict[str, Place] = {}
        for pod in pods_of(census, ("app", "kindnet"), ("k8s-app", "kindnet")):
            for container in pod.containers:
                if value := container.environment.get(_VARIABLE):
                    place = Place(
                        object=pod_object(pod), pod=pod, container=container.name, key=value
                    )
                    places.setdefault(value, place)
        return tuple(places.values())

    def requests(self, place: Place) -> tuple[Request, ...]:
        return ()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        def claims() -> tuple[RangeClaim, ...]:
            return claims_of(
                parse_networks(place.key),
                kind=RangeKind.POD,
                source=f"kindnet {_VARIABLE}",
                object=place.object,
                evidence=f"{_VARIABLE}={place.key}",
                allocator=NODE_IPAM,
            )

        return typed(claims, what=f"kindnet {_VARIABLE}", place=place)


SOURCE = _Kindnet()
