"""kubeadm's ClusterConfiguration, in ConfigMap kube-system/kubeadm-config.

What kubeadm was told at `init` or `upgrade`: it hands serviceSubnet to the API server and
podSubnet to the controller manager and kube-proxy, and nothing keeps it true afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..model.capture import Capture, Request
from ..model.iprange import NODE_IPAM, Census, RangeClaim, RangeKind
from ..parse.kube import parse_config_map
from ..parse.kubeadm import parse_cluster_configuration
from ._base import (
    Place,
    Reading,
    claims_of,
    config_map_request,
    found_object,
    typed,
)

_WHERE = ("kube-system", "kubeadm-config")
_KEY = "ClusterConfiguration"


class _Kubeadm:
    name = "kubeadm-config"
    kinds = frozenset({RangeKind.SERVICE, RangeKind.POD})
    trust = 5

    def recognise(self, census: Census) -> tuple[Place, ...]:
        return (Place(object=f"configmap {'/'.join(_WHERE)}", config_map=_WHERE),)

    def requests(self, place: Place) -> tuple[Request, ...]:
        return config_map_request(place)

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        found, gaps = found_object(captures, self.name)
        if found is None:
            return Reading(gaps=gaps)
        return typed(partial(_claims, place, found), what=self.name, place=place)


def _claims(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    found = parse_cluster_configuration(parse_config_map(item).data.get(_KEY, ""))
    if found is None:
        return ()
    claims: tuple[RangeClaim, ...] = ()
    for kind, key, stated in (
        (RangeKind.SERVICE, "serviceSubnet", found.service_subnet),
        (RangeKind.POD, "podSubnet", found.pod_subnet),
    ):
        if stated is not None:
            claims += claims_of(
                stated.networks,
                kind=kind,
                source=f"kubeadm-config {key}",
                object=place.object,
                evidence=stated.line,
                allocator=NODE_IPAM if kind is RangeKind.POD else "",
            )
    return claims


SOURCE = _Kubeadm()
