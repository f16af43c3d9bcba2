"""OVN-Kubernetes, upstream and in OpenShift: ovn-config, and what it noted at each node.

`net_cidr` and `svc_cidr` are upstream's; OpenShift says both in its own network configuration. The
annotations hold each node's part of the pod range, the node's own network, and the networks between
OVN's routers (join, transit, masquerade), which no pod and no Service may have. node.spec.podCIDRs
are not used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..model.capture import Capture, Request
from ..model.iprange import OVN_KUBERNETES, Census, Confidence, RangeClaim, RangeKind
from ..parse.cidr import parse_networks
from ..parse.kube import parse_config_map
from ..parse.ovn_kubernetes import parse_interfaces, parse_net_cidr, parse_node_subnets
from ._base import (
    Place,
    Reading,
    claims_of,
    config_map_request,
    found_object,
    joined,
    typed,
)
from ._objects import annotated, annotations_of
from ._pods import pods_of

_SUBNETS = "k8s.ovn.org/node-subnets"
_DEFAULT = "default"
#: go-controller/pkg/util/node_annotations.go
_INTERFACES = {
    "k8s.ovn.org/node-primary-ifaddr": RangeKind.NODE,
    "k8s.ovn.org/node-gateway-router-lrp-ifaddr": RangeKind.TUNNEL,
    "k8s.ovn.org/node-gateway-router-lrp-ifaddrs": RangeKind.TUNNEL,
    "k8s.ovn.org/node-transit-switch-port-ifaddr": RangeKind.TUNNEL,
    "k8s.ovn.org/node-masquerade-subnet": RangeKind.TUNNEL,
}
_CONFIG = "ovn-config"


class _OVNKubernetes:
    name = "ovn-kubernetes"
    kinds = frozenset({RangeKind.POD})  # of others it tells beside
    trust = 1

    def recognise(self, census: Census) -> tuple[Place, ...]:
        namespaces = dict.fromkeys(
            pod.namespace for pod in pods_of(census, ("app", "ovnkube-node"))
        )
        if not namespaces:
            return ()
        return (
            *(
                Place(object=f"configmap {namespace}/{_CONFIG}", config_map=(namespace, _CONFIG))
                for namespace in namespaces
            ),
            *annotated(census, _SUBNETS, *_INTERFACES),
        )

    def requests(self, place: Place) -> tuple[Request, ...]:
        return config_map_request(place)

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        if place.about:
            return joined(
                typed(partial(_parts, place), what=_SUBNETS, place=place),
                *(
                    typed(partial(_interface, place, name, value), what=name, place=place)
                    for name, value in annotations_of(place.about, *_INTERFACES)
                ),
            )
        found, gaps = found_object(captures, f"{_CONFIG} net_cidr")
        if found is None:
            return Reading(gaps=gaps)
        return typed(partial(_configured, place, found), what=f"{_CONFIG} net_cidr", place=place)


def _configured(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    data = parse_config_map(item).data
    pods, services = data.get("net_cidr", ""), data.get("svc_cidr", "")
    return claims_of(
        parse_net_cidr(pods),
        kind=RangeKind.POD,
        source=f"{_CONFIG} net_cidr",
        object=place.object,
        evidence=f"net_cidr: {pods}",
        allocator=OVN_KUBERNETES,
    ) + claims_of(
        parse_networks(services),
        kind=RangeKind.SERVICE,
        source=f"{_CONFIG} svc_cidr",
        object=place.object,
        evidence=f"svc_cidr: {services}",
    )


def _parts(place: Place) -> tuple[RangeClaim, ...]:
    """Users' own networks may overlap anything, and are cut out of nothing that is known."""
    claims: tuple[RangeClaim, ...] = ()
    for name, value in annotations_of(place.about, _SUBNETS):
        for network, parts in parse_node_subnets(value).items():
            claims += claims_of(
                parts,
                kind=RangeKind.POD,
                source=name if network == _DEFAULT else f"{name} of {network}",
                object=place.object,
                node=place.node,
                confidence=Confidence.OBSERVED,
                evidence=f"{name}: {value}",
                allocator=OVN_KUBERNETES if network == _DEFAULT else "",
            )
    return claims


def _interface(place: Place, name: str, value: str) -> tuple[RangeClaim, ...]:
    return tuple(
        RangeClaim(
            kind=_INTERFACES[name],
            source=name,
            object=place.object,
            confidence=Confidence.OBSERVED,
            network=interface.network,
            address=interface.ip if interface.ip != interface.network[0] else None,
            evidence=f"{name}: {value}",
        )
        for interface in parse_interfaces(value)
        if interface.network.prefixlen < interface.max_prefixlen
    )


SOURCE = _OVNKubernetes()
