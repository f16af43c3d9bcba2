"""OVN's northbound database: the networks that OVN works with, whatever annotations say.

A node's switch has the node's part of the pod range; the ports of the routers have its gateway, and
addresses in the networks between routers (join, transit) and of the nodes. Read in the database's
own container, `nbdb` of OpenShift and `nb-ovsdb` upstream; with interconnect each node has one.
`ovn-nbctl` would write a row into an empty database even to list it, hence --dry-run.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..model.capture import Capture, Request
from ..model.commands import Command
from ..model.iprange import Census, Confidence, RangeClaim, RangeKind
from ..parse.ovn_northbound import OVNNetwork, parse_ovn_northbound
from ._base import Place, Reading, pod_object, read_answers
from ._pods import exec_in, pods_of

_CONTAINERS = ("nbdb", "nb-ovsdb")
_LABELS = (("app", "ovnkube-node"), ("name", "ovnkube-db"))
_ALLOCATOR = "ovn-kubernetes"
#: go-controller/pkg/types/const.go: to a node's switch, the join switch, the transit switch, and
#: out; the rest of the name is the node's, after GR_ where it is the node's gateway router's.
_PORTS = {
    "rtos-": RangeKind.POD,
    "rtoj-": RangeKind.TUNNEL,
    "rtots-": RangeKind.TUNNEL,
    "rtoe-": RangeKind.NODE,
}


class _OVNNorthbound:
    name = "OVN northbound"
    kinds = frozenset({RangeKind.POD})  # of nodes and tunnels it tells beside
    trust = 1

    def recognise(self, census: Census) -> tuple[Place, ...]:
        return tuple(
            Place(object=pod_object(pod), node=pod.node, pod=pod, container=container.name)
            for pod in pods_of(census, *_LABELS)
            for container in pod.containers
            if container.name in _CONTAINERS and container.running
        )

    def requests(self, place: Place) -> tuple[Request, ...]:
        return exec_in(place, Command("ovn-networks"))

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        return read_answers(_claims, place, captures, what=self.name)


def _claims(place: Place, text: str) -> tuple[RangeClaim, ...]:
    found = parse_ovn_northbound(text)
    return tuple(claim for network in found for claim in _claim(place, network))


def _claim(place: Place, told: OVNNetwork) -> tuple[RangeClaim, ...]:
    """None for ports that lead to another kind of network."""
    prefix = next((p for p in _PORTS if told.name.startswith(p)), "")
    if not told.switch and not prefix:
        return ()
    kind = RangeKind.POD if told.switch else _PORTS[prefix]
    pods = kind is RangeKind.POD
    table = "Logical_Switch" if told.switch else "Logical_Router_Port"
    return (
        RangeClaim(
            kind=kind,
            source=f"OVN {table}",
            object=f"{table} {told.name} in {place.object}",
            confidence=Confidence.OBSERVED,
            network=told.interface.network,
            address=None if told.switch else told.interface.ip,
            node=told.name.removeprefix(prefix) if pods else "",
            evidence=told.text,
            allocator=_ALLOCATOR if pods else "",
        ),
    )


SOURCE = _OVNNorthbound()
