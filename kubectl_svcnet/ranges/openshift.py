"""OpenShift's network configuration, and what OpenShift SDN (until 4.16) gave each node.

`status` of networks.config.openshift.io/cluster says what the cluster lives by, `spec` what
somebody wishes. ClusterNetwork and HostSubnet of network.openshift.io are asked for only where SDN
runs; their fields stand at the top of the object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..model.capture import ApiRequest, Capture, Request
from ..model.iprange import OPENSHIFT_SDN, OVN_KUBERNETES, Census, Confidence, RangeClaim, RangeKind
from ..parse.fields import text_at
from ._base import Place, Reading, found_object, joined, port_claims, typed
from ._objects import Resource, field_claims
from ._pods import pods_of

_NETWORK = "network.config.openshift.io cluster"
_PATH = "/apis/config.openshift.io/v1/networks/cluster"
_FIELDS = (
    (RangeKind.SERVICE, "status.serviceNetwork[]"),
    (RangeKind.POD, "status.clusterNetwork[].cidr"),
)
_PORTS = "spec.serviceNodePortRange"  # it has no place in the status
_ALLOCATORS = {
    "OVNKubernetes": OVN_KUBERNETES,
    "OpenShiftSDN": OPENSHIFT_SDN,
}  # by status.networkType
_CLUSTER, _HOSTS = (
    Resource(name, f"{plural}.network.openshift.io", (f"/apis/network.openshift.io/v1/{plural}",))
    for name, plural in (("ClusterNetwork", "clusternetworks"), ("HostSubnet", "hostsubnets"))
)


class _OpenShift:
    name = "openshift"
    kinds = frozenset({RangeKind.POD, RangeKind.SERVICE})
    trust = 1

    def recognise(self, census: Census) -> tuple[Place, ...]:
        if not any(pod.namespace.startswith("openshift-") for pod in census.pods or ()):
            return ()
        sdn = (Place(object=_HOSTS.kubectl),) if pods_of(census, ("app", "sdn")) else ()
        return (Place(object=_NETWORK), *sdn)

    def requests(self, place: Place) -> tuple[Request, ...]:
        if place.object == _NETWORK:
            return (ApiRequest(path=_PATH, many=False),)
        return _CLUSTER.requests() + _HOSTS.requests()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        if place.object != _NETWORK:
            return joined(_CLUSTER.read(captures, _cluster), _HOSTS.read(captures, _host))
        found, gaps = found_object(captures, "OpenShift network")
        if found is None:
            return Reading(gaps=gaps)
        return typed(partial(_network, place, found), what="OpenShift network", place=place)


def _network(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    claims: tuple[RangeClaim, ...] = ()
    allocator = _ALLOCATORS.get(text_at(item, "status.networkType"), "")
    for kind, path in _FIELDS:
        claims += field_claims(
            place,
            item,
            path,
            kind=kind,
            source=f"OpenShift {path.replace('[]', '')}",
            allocator=allocator if kind is RangeKind.POD else "",
        )
    ports = text_at(item, _PORTS)
    return claims + port_claims(
        ports, source=f"OpenShift {_PORTS}", object=place.object, evidence=f"{_PORTS}: {ports}"
    )


def _cluster(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    path = "clusterNetworks[].CIDR"
    return field_claims(place, item, path, source="ClusterNetwork", allocator=OPENSHIFT_SDN)


def _host(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    return field_claims(
        place,
        item,
        "subnet",
        source="HostSubnet",
        node=text_at(item, "host"),
        confidence=Confidence.OBSERVED,
        allocator=OPENSHIFT_SDN,
    )


SOURCE = _OpenShift()
