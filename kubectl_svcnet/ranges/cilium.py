"""Cilium's address management: cilium-config, the parts in CiliumNode, and CiliumPodIPPool.

Which of them counts is `ipam` of cilium-config: cluster-pool hands out `cluster-pool-ipv4-cidr`,
multi-pool the pools, kubernetes node.spec.podCIDRs, and eni, azure and delegated-plugin addresses
of a cloud, whose range is stated nowhere here. Only the first follows nobody else's configuration,
so a cluster may well be told 10.244.0.0/16 by kubeadm and live in 10.0.0.0/8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..model.capture import Capture, Request
from ..model.iprange import CILIUM, CILIUM_POOLS, Census, Confidence, RangeClaim, RangeKind
from ..parse.fields import name_of, networks_in, networks_in_addresses, text_at, texts_at
from ..parse.kube import parse_config_map
from ._base import (
    Place,
    Reading,
    claims_of,
    config_map_request,
    found_object,
    joined,
    typed,
)
from ._objects import Resource, field_claims
from ._pods import pods_of

_CONFIG = "cilium-config"
_NODES = Resource("CiliumNode", "ciliumnodes.cilium.io", ("/apis/cilium.io/v2/ciliumnodes",))
_POOLS = Resource(
    "CiliumPodIPPool",
    "ciliumpodippools.cilium.io",
    ("/apis/cilium.io/v2/ciliumpodippools", "/apis/cilium.io/v2alpha1/ciliumpodippools"),
)
#: The switch of a family, and where the cluster pool's range of it stands.
_KEYS = (
    ("enable-ipv4", "cluster-pool-ipv4-cidr"),
    ("enable-ipv6", "cluster-pool-ipv6-cidr"),
)
_POOL_MODES = ("cluster-pool", "cluster-pool-v2beta")
_PARTS = (
    ("spec.ipam.podCIDRs[]", CILIUM),
    ("spec.ipam.pools.allocated[].cidrs[]", CILIUM_POOLS),
)
_POOL_CIDRS = ("spec.ipv4.cidrs[]", "spec.ipv6.cidrs[]")


class _Cilium:
    name = "cilium"
    kinds = frozenset({RangeKind.POD})
    trust = 1

    def recognise(self, census: Census) -> tuple[Place, ...]:
        namespaces = dict.fromkeys(
            pod.namespace for pod in pods_of(census, ("k8s-app", "cilium")) if pod.host_network
        )
        places = [
            Place(object=f"configmap {namespace}/{_CONFIG}", config_map=(namespace, _CONFIG))
            for namespace in namespaces
        ]
        return (*places, Place(object=_NODES.kubectl)) if places else ()

    def requests(self, place: Place) -> tuple[Request, ...]:
        if place.config_map:
            return config_map_request(place)
        return _NODES.requests() + _POOLS.requests()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        if place.config_map is None:
            return joined(_NODES.read(captures, _node), _POOLS.read(captures, _pool))
        found, gaps = found_object(captures, _CONFIG)
        if found is None:
            return Reading(gaps=gaps)
        return typed(partial(_configured, place, found), what=_CONFIG, place=place)


def _configured(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    data = parse_config_map(item).data
    if data.get("ipam") not in _POOL_MODES:
        return ()
    claims: tuple[RangeClaim, ...] = ()
    for switch, key in _KEYS:
        if data.get(switch, "true") != "false" and (value := data.get(key)):
            claims += claims_of(
                networks_in((value,)),
                kind=RangeKind.POD,
                source=f"{_CONFIG} {key}",
                object=place.object,
                evidence=f"{key}: {value}",
                allocator=CILIUM,
                statement=_CONFIG,
            )
    return claims


def _node(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    return tuple(
        claim
        for path, allocator in _PARTS
        for claim in field_claims(
            place,
            item,
            path,
            source="CiliumNode",
            node=name_of(item),
            confidence=Confidence.OBSERVED,
            allocator=allocator,
        )
    ) + claims_of(
        networks_in_addresses(own := _own_addresses(item)),
        kind=RangeKind.TUNNEL,
        source="CiliumNode router and health",
        object=place.object,
        node=name_of(item),
        confidence=Confidence.OBSERVED,
        evidence=f"spec.addresses, spec.health: {', '.join(own)}",
    )


def _own_addresses(item: Mapping[str, Any]) -> tuple[str, ...]:
    """What cilium-agent takes of the node's part for cilium_host and for its health check."""
    spec = item.get("spec")
    listed = spec.get("addresses") if isinstance(spec, Mapping) else None
    return (
        *(
            text_at(entry, "ip")
            for entry in (listed if isinstance(listed, list) else ())
            if text_at(entry, "type") == "CiliumInternalIP"
        ),
        *texts_at(item, "spec.health.ipv4"),
        *texts_at(item, "spec.health.ipv6"),
    )


def _pool(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    return field_claims(
        place,
        item,
        *_POOL_CIDRS,
        source=f"CiliumPodIPPool/{name_of(item)}",
        allocator=CILIUM_POOLS,
        statement="CiliumPodIPPool",
    )


SOURCE = _Cilium()
