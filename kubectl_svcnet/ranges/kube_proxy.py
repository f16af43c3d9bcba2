"""kube-proxy's clusterCIDR: what it holds for the pods' own range (and masquerades the rest).

Stated in a configuration file out of a ConfigMap, or by `--cluster-cidr`; with `--config` the
flags are ignored (cmd/kube-proxy/app/options.go). The ConfigMap is found by the pod's own volume,
never by name: installers call it kube-proxy, kube-proxy-config, kube-proxy-worker, and one
cluster may have several. Nodes that say the same share a place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ..model.capture import Capture, Request
from ..model.finding import Gap
from ..model.iprange import NODE_IPAM, Census, RangeClaim, RangeKind
from ..model.kube_proxy import is_proxy, proxy_container
from ..model.service import Container, Pod
from ..parse.flags import find_flag
from ..parse.kube import parse_config_map
from ..parse.kubeadm import parse_kube_proxy_configuration
from ._base import (
    Place,
    Reading,
    claims_of,
    command_of,
    config_map_request,
    flag_claims,
    found_object,
    pod_object,
    typed,
)


def kube_proxy_container(pod: Pod) -> Container | None:
    """kube-proxy's container, if this is a pod of it."""
    return proxy_container(pod) if is_proxy(pod) else None


class _KubeProxy:
    name = "kube-proxy"
    kinds = frozenset({RangeKind.POD})
    trust = 6

    def recognise(self, census: Census) -> tuple[Place, ...]:
        places: dict[object, Place] = {}
        for pod in census.pods or ():
            container = kube_proxy_container(pod)
            if container is None:
                continue
            file = find_flag(container.command, "config")
            mounted = pod.config_at(container, file) if file else None
            if mounted is not None:
                where = (pod.namespace, mounted[0])
                place = Place(
                    object=f"configmap {'/'.join(where)}", config_map=where, key=mounted[1]
                )
                places.setdefault((pod.namespace, *mounted), place)
            elif said := file or find_flag(container.command, "cluster-cidr"):
                place = Place(
                    object=pod_object(pod), pod=pod, container=container.name, key=file or ""
                )
                places.setdefault(said, place)
        return tuple(places.values())

    def requests(self, place: Place) -> tuple[Request, ...]:
        return config_map_request(place) if place.config_map else ()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        if place.config_map is None and place.key:
            return Reading(gaps=(_out_of_reach(place),))
        if place.config_map is None:
            read = flag_claims(place, self.name, "cluster-cidr", RangeKind.POD, allocator=NODE_IPAM)
            mode = find_flag(command_of(place), "detect-local-mode") or ""
            return replace(read, claims=_decisive(read.claims, mode))
        found, gaps = found_object(captures, "kube-proxy clusterCIDR")
        if found is None:
            return Reading(gaps=gaps)
        return typed(partial(_claims, place, found), what="kube-proxy clusterCIDR", place=place)


def _out_of_reach(place: Place) -> Gap:
    """A file of the node, or of a volume that names no ConfigMap."""
    pod = place.pod
    name = f"-n {pod.namespace} exec {pod.name} -c {place.container}" if pod else ""
    return Gap(
        what="kube-proxy clusterCIDR",
        why=f"{place.object} reads {place.key}, which comes from no ConfigMap",
        next=f"kubectl {name} -- grep clusterCIDR {place.key}",
    )


def _claims(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    """Of the first text that is a KubeProxyConfiguration, where the key is not there."""
    data = parse_config_map(item).data
    for text in [data[place.key]] if place.key in data else data.values():
        found = parse_kube_proxy_configuration(text) if "KubeProxyConfiguration" in text else None
        if found is not None:
            if found.cluster_cidr is None:
                return ()
            claims = claims_of(
                found.cluster_cidr.networks,
                kind=RangeKind.POD,
                source="kube-proxy clusterCIDR",
                object=place.object,
                evidence=found.cluster_cidr.line,
                allocator=NODE_IPAM,
            )
            return _decisive(claims, found.detect_local)
    return ()


def _decisive(claims: Iterable[RangeClaim], detect_local: str) -> tuple[RangeClaim, ...]:
    """By it kube-proxy tells who is inside in one mode only, the default (cmd/kube-proxy/app/
    server_linux.go, platformApplyDefaults)."""
    return tuple(replace(claim, local=detect_local in ("", "ClusterCIDR")) for claim in claims)


SOURCE = _KubeProxy()
