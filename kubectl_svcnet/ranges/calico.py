"""Calico's IP pools, the blocks that nodes hold of them, and the nodes' own addresses.

IPPool is an API of its own in two groups: crd.projectcalico.org/v1 and, with Calico's API server or
its native CRDs, projectcalico.org/v3 (the same pools). A pool that may only be used by tunnels or
load balancers is no pod range. A BlockAffinity gives one block to one node, which may lend single
addresses to others. An annotation holds a node's address with the prefix length of its network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from ipaddress import ip_interface
from typing import Any

from ..errors import ParseError
from ..model.capture import Capture, Request
from ..model.iprange import CALICO, Census, Confidence, RangeClaim, RangeKind
from ..parse.fields import networks_in_addresses, text_at, texts_at
from ._base import Place, Reading, claims_of, joined, typed
from ._objects import Resource, annotated, annotations_of, field_claims
from ._pods import pods_of

_GROUPS = ("crd.projectcalico.org/v1", "projectcalico.org/v3")
_POOLS, _BLOCKS = (
    Resource(
        name,
        f"{plural}.crd.projectcalico.org",
        tuple(f"/apis/{group}/{plural}" for group in _GROUPS),
    )
    for name, plural in (("IPPool", "ippools"), ("BlockAffinity", "blockaffinities"))
)
#: libcalico-go/lib/backend/k8s/resources/node.go
_ADDRESSES = ("projectcalico.org/IPv4Address", "projectcalico.org/IPv6Address")
_TUNNELS = (
    "projectcalico.org/IPv4IPIPTunnelAddr",
    "projectcalico.org/IPv4VXLANTunnelAddr",
    "projectcalico.org/IPv6VXLANTunnelAddr",
    "projectcalico.org/IPv4WireguardInterfaceAddr",
    "projectcalico.org/IPv6WireguardInterfaceAddr",
)


class _Calico:
    name = "calico"
    kinds = frozenset({RangeKind.POD})  # of nodes it tells beside, and only where annotated
    trust = 1

    def recognise(self, census: Census) -> tuple[Place, ...]:
        if not pods_of(census, ("k8s-app", "calico-node")):
            return ()
        return (Place(object=_POOLS.kubectl), *annotated(census, *_ADDRESSES, *_TUNNELS))

    def requests(self, place: Place) -> tuple[Request, ...]:
        return () if place.about else _POOLS.requests() + _BLOCKS.requests()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        if place.about:
            return typed(partial(_nodes, place), what="calico node address", place=place)
        return joined(_POOLS.read(captures, _pool), _BLOCKS.read(captures, _block))


def _pool(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    uses = texts_at(item, "spec.allowedUses[]")
    if uses and "Workload" not in uses:
        return ()
    return field_claims(
        place,
        item,
        "spec.cidr",
        source=f"IPPool/{text_at(item, 'metadata.name')}",
        allocator=CALICO,
        statement="IPPool",
        closed=text_at(item, "spec.disabled") == "true",
    )


def _block(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    """Not one that is being given up, nor one of a load balancer (type virtual)."""
    gone = text_at(item, "spec.deleted") == "true" or text_at(item, "spec.type") == "virtual"
    node = text_at(item, "spec.node")
    if gone or not node or text_at(item, "spec.state") not in ("", "confirmed"):
        return ()
    return field_claims(
        place,
        item,
        "spec.cidr",
        source="BlockAffinity",
        node=node,
        confidence=Confidence.OBSERVED,
        allocator=CALICO,
    )


def _nodes(place: Place) -> tuple[RangeClaim, ...]:
    claims = []
    for name, value in annotations_of(place.about, *_ADDRESSES):
        try:
            interface = ip_interface(value)
        except ValueError as error:
            raise ParseError("not an address", text=f"{name}: {value}") from error
        if interface.network.prefixlen < interface.max_prefixlen:  # a /32 says nothing of the net
            claims.append(
                RangeClaim(
                    kind=RangeKind.NODE,
                    source="calico node address",
                    object=place.object,
                    confidence=Confidence.OBSERVED,
                    network=interface.network,
                    address=interface.ip,
                    evidence=f"{name}: {value}",
                )
            )
    return (*claims, *_tunnels(place))


def _tunnels(place: Place) -> Iterator[RangeClaim]:
    """A node's ends of tunnels, which Calico takes out of the pods' pools."""
    for name, value in annotations_of(place.about, *_TUNNELS):
        yield from claims_of(
            networks_in_addresses((value,)),
            kind=RangeKind.TUNNEL,
            source="calico tunnel address",
            object=place.object,
            node=place.node,
            confidence=Confidence.OBSERVED,
            evidence=f"{name}: {value}",
        )


SOURCE = _Calico()
