"""Calico's ranges around Services: IPPools for load balancers, and what BGP announces.

An IPPool with `allowedUses: [LoadBalancer]` is handed out by kube-controllers. BGPConfiguration's
serviceLoadBalancerIPs are only announced: somebody else gives those addresses out. Its
serviceClusterIPs should be the Service range, but may be split or only a part of it, so that they
are assumed, and tell only where nobody knows better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..model.capture import Capture, Request
from ..model.iprange import Census, Confidence, RangeClaim, RangeKind
from ..parse.fields import name_of, networks_at, text_at, texts_at
from ._base import LOAD_BALANCERS, Place, Reading, claims_of, joined
from ._objects import Resource
from ._pods import pods_of
from ._pools import pool_claims

_GROUPS = ("crd.projectcalico.org/v1", "projectcalico.org/v3")
_POOLS, _BGP = (
    Resource(
        kind,
        f"{plural}.crd.projectcalico.org",
        tuple(f"/apis/{group}/{plural}" for group in _GROUPS),
    )
    for kind, plural in (("IPPool", "ippools"), ("BGPConfiguration", "bgpconfigurations"))
)


class _CalicoServices:
    name = "calico Service ranges"
    kinds = frozenset({RangeKind.LOAD_BALANCER})  # of Services it only assumes
    trust = 1

    def recognise(self, census: Census) -> tuple[Place, ...]:
        calico = pods_of(census, ("k8s-app", "calico-node"))
        return (Place(object=_BGP.kubectl),) if calico else ()

    def requests(self, place: Place) -> tuple[Request, ...]:
        return _POOLS.requests() + _BGP.requests()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        return joined(_POOLS.read(captures, _pool), _BGP.read(captures, _announced))


def _pool(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    if "LoadBalancer" not in texts_at(item, "spec.allowedUses[]"):
        return ()
    return pool_claims(
        texts_at(item, "spec.cidr"),
        source=f"IPPool/{name_of(item)}",
        object=place.object,
        closed=text_at(item, "spec.disabled") == "true",
    )


def _announced(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    return tuple(
        claim
        for kind, field, confidence, statement in (
            (
                RangeKind.LOAD_BALANCER,
                "serviceLoadBalancerIPs",
                Confidence.STATED,
                LOAD_BALANCERS,
            ),
            (RangeKind.SERVICE, "serviceClusterIPs", Confidence.ASSUMED, ""),
        )
        for claim in claims_of(
            networks_at(item, f"spec.{field}[].cidr"),
            kind=kind,
            source=f"BGPConfiguration {field}",
            object=place.object,
            evidence=f"spec.{field}: {', '.join(texts_at(item, f'spec.{field}[].cidr'))}",
            confidence=confidence,
            statement=statement,
        )
    )


SOURCE = _CalicoServices()
