"""Flannel's network, also as part of Canal: its ConfigMap, and on each node what it made of it.

net-conf.json is found by the pod's own volume, since installers name the ConfigMap as they like
(kube-flannel-cfg, canal-config, rke2-canal-config). On a node /run/flannel/subnet.env and the log
say what flannel works with, which a ConfigMap edited later does not change. The nodes' parts are
node.spec.podCIDRs; a network that does not hold them is a mistake that flannel only logs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ..model.capture import Capture, LogRequest, Request
from ..model.commands import Command
from ..model.iprange import NODE_IPAM, Census, Confidence, RangeClaim, RangeKind
from ..parse.flannel import FlannelNode, parse_flannel_log, parse_net_conf, parse_subnet_env
from ..parse.kube import parse_config_map
from ._base import (
    Place,
    Reading,
    claims_of,
    config_map_request,
    found_object,
    joined,
    missed,
    pod_object,
    typed,
)
from ._pods import exec_in, head_of_log, pods_of

_CONTAINER = "kube-flannel"
_LABELS = (("app", "flannel"), ("k8s-app", "flannel"), ("k8s-app", "canal"))
_FILE = "/etc/kube-flannel/net-conf.json"
_KEY = "net-conf.json"
_SUBNET_ENV = Command("cat", ("/run/flannel/subnet.env",))


class _Flannel:
    name = "flannel"
    kinds = frozenset({RangeKind.POD})
    trust = 2  # the controller manager cuts the nodes' parts, flannel follows

    def recognise(self, census: Census) -> tuple[Place, ...]:
        config_maps: dict[tuple[str, str], Place] = {}
        nodes = []
        for pod in pods_of(census, *_LABELS):
            container = pod.container(_CONTAINER)
            if container is None:
                continue
            if mounted := pod.config_at(container, _FILE):
                where = (pod.namespace, mounted[0])
                place = Place(
                    object=f"configmap {'/'.join(where)}", config_map=where, key=mounted[1]
                )
                config_maps.setdefault(where, place)
            if container.running:
                nodes.append(
                    Place(object=pod_object(pod), node=pod.node, pod=pod, container=_CONTAINER)
                )
        return (*config_maps.values(), *nodes)

    def requests(self, place: Place) -> tuple[Request, ...]:
        if place.pod is None:
            return config_map_request(place)
        return exec_in(place, _SUBNET_ENV) + head_of_log(place)

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        if place.pod is not None:
            return _node(place, captures)
        found, gaps = found_object(captures, f"flannel {_KEY}")
        if found is None:
            return Reading(gaps=gaps)
        return typed(partial(_stated, place, found), what=f"flannel {_KEY}", place=place)


def _stated(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    text = parse_config_map(item).data.get(place.key, "")
    networks = parse_net_conf(text) if text else ()
    lines = [line.strip() for line in text.splitlines() if '"Network"' in line or "IPv6Net" in line]
    return claims_of(
        networks,
        kind=RangeKind.POD,
        source=f"flannel {_KEY}",
        object=place.object,
        evidence="\n".join(lines),
        allocator=NODE_IPAM,
    )


def _node(place: Place, captures: Sequence[Capture]) -> Reading:
    """Either is enough: where one cannot be read and the other speaks, nothing is missing."""
    readings = []
    for capture in captures:
        log = isinstance(capture.request, LogRequest)
        what = "flannel log" if log else "flannel subnet.env"
        if capture.ok:
            parse = parse_flannel_log if log else parse_subnet_env
            read = partial(_observed, place, what, parse, capture.text())
            readings.append(typed(read, what=what, place=place))
        else:
            readings.append(Reading(gaps=(missed(capture, what, place.node),)))
    reading = joined(*readings)
    return replace(reading, gaps=()) if reading.claims else reading


def _observed(
    place: Place, what: str, parse: Callable[[str], FlannelNode], text: str
) -> tuple[RangeClaim, ...]:
    told = parse(text)
    return tuple(
        RangeClaim(
            kind=RangeKind.POD,
            object=place.object,
            allocator=NODE_IPAM,
            source=f"{what} network",
            confidence=Confidence.STATED,
            network=range.network,
            evidence=range.line,
            statement=f"{what} of {place.object}",
        )
        for range in told.networks
    ) + tuple(
        RangeClaim(
            kind=RangeKind.POD,
            object=place.object,
            allocator=NODE_IPAM,
            source=f"{what} subnet",
            confidence=Confidence.OBSERVED,
            network=range.network,
            address=range.gateway,
            node=place.node,
            evidence=range.line,
        )
        for range in told.subnets
    )


SOURCE = _Flannel()
