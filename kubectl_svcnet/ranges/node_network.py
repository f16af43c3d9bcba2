"""The networks of the nodes themselves: their InternalIPs, and their own routes around them.

The API knows addresses without prefix lengths, so the network comes from the node's connected
routes (no gateway), read through a running hostNetwork kube-proxy pod, and is not shown without.
The same routes show which pod range a bridge really has: one that equals the node's podCIDR.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from ..model.address import Family, IPAddress, family_of
from ..model.capture import Capture, Request
from ..model.commands import Command
from ..model.iprange import Census, Confidence, RangeClaim, RangeKind
from ..model.nodeview import Route
from ..model.service import Pod
from ..parse.proc_net import parse_ipv6_route, parse_route
from ._base import Place, Reading, joined, missed, pod_object, typed
from ._pods import exec_in
from .kube_proxy import kube_proxy_container

_Parse: TypeAlias = Callable[[str], Sequence[Route]]

_ROUTES: dict[Family, tuple[Command, _Parse]] = {
    Family.IPV4: (Command("cat", ("/proc/net/route",)), parse_route),
    Family.IPV6: (Command("cat", ("/proc/net/ipv6_route",)), parse_ipv6_route),
}


class _NodeNetwork:
    name = "node routes"
    kinds = frozenset({RangeKind.NODE})
    trust = 8

    def recognise(self, census: Census) -> tuple[Place, ...]:
        ways = {pod.node: pod for pod in census.pods or () if _may_be_asked(pod)}
        places = []
        for node in census.nodes or ():
            pod = ways.get(node.name)
            container = kube_proxy_container(pod) if pod else None
            places.append(
                Place(
                    object=f"node {node.name}",
                    node=node.name,
                    about=node,
                    pod=pod,
                    container=container.name if container else "",
                )
            )
        return tuple(places)

    def requests(self, place: Place) -> tuple[Request, ...]:
        return exec_in(place, *(_ROUTES[family][0] for family in _families(place)))

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        readings = []
        for capture in captures:
            for command, parse in _ROUTES.values():
                if capture.command == command and capture.ok:
                    read = partial(_claims, place, parse, capture.text())
                    readings.append(typed(read, what=self.name, place=place))
            if not capture.ok:
                readings.append(Reading(gaps=(missed(capture, self.name, place.node),)))
        return joined(*readings)


def _may_be_asked(pod: Pod) -> bool:
    container = kube_proxy_container(pod)
    return pod.host_network and container is not None and container.running


def _families(place: Place) -> tuple[Family, ...]:
    """Those that the node has an address or a podCIDR of."""
    node = place.about
    if node is None or node.virtual or node.os != "linux":
        return ()
    wanted = {family_of(value) for value in (*node.addresses, *node.pod_cidrs)}
    return tuple(family for family in _ROUTES if family in wanted)


def _claims(place: Place, parse: _Parse, text: str) -> tuple[RangeClaim, ...]:
    node = place.about
    if node is None:
        return ()
    connected = [
        route
        for route in parse(text)
        if route.gateway is None and route.kind == "unicast" and route.destination.prefixlen
    ]
    claims = []
    for address in node.addresses:
        around = [route for route in connected if _covers(route, address)]
        if around:
            best = max(around, key=lambda route: route.destination.prefixlen)
            claims.append(_claim(place, RangeKind.NODE, best, address))
    for route in connected:
        if route.destination in node.pod_cidrs:
            claims.append(_claim(place, RangeKind.POD, route, None))
    return tuple(claims)


def _covers(route: Route, address: IPAddress) -> bool:
    """A host route says nothing of the network's size."""
    network = route.destination
    return (
        network.version == address.version
        and address in network
        and network.prefixlen < network.max_prefixlen
    )


def _claim(place: Place, kind: RangeKind, route: Route, address: IPAddress | None) -> RangeClaim:
    """A node's network is the cluster's, not the node's: nodes share it."""
    via = f" through {pod_object(place.pod)}" if place.pod else ""
    return RangeClaim(
        kind=kind,
        source="node routes",
        object=f"{place.object}{via}",
        confidence=Confidence.OBSERVED,
        network=route.destination,
        address=address,
        node=place.node if kind is RangeKind.POD else "",
        evidence=f"{route.destination} dev {route.interface}",
    )


SOURCE = _NodeNetwork()
