"""Kube-OVN's northbound database: the subnets that OVN works with, whatever Subnet objects say.

The router of the cluster's own VPC has a port in each subnet, named after both, with the gateway's
address (pkg/ovs/ovn-nb-logical_switch.go of kubeovn/kube-ovn). Other VPCs' subnets may overlap
anything, also those of a VPC that is called `ovn-cluster-a`: a port is the own router's if what
follows that router's name is the whole name of a switch. Underlay subnets may have no port. Read
in one container of `ovn-central`, the leader's where it is known, as `kubectl ko nbctl` does
(dist/images/kubectl-ko).
"""

from __future__ import annotations

from collections.abc import Sequence

from ..model.capture import Capture, Request
from ..model.commands import Command
from ..model.iprange import Census, Confidence, RangeClaim, RangeKind
from ..parse.ovn_northbound import OVNNetwork, parse_ovn_northbound, parse_ovn_switches
from ._base import Place, Reading, pod_object, read_answers
from ._pods import exec_in, pods_of

_CONTAINER = "ovn-central"
_LEADER = ("ovn-nb-leader", "true")
_ROUTER = "ovn-cluster-"  # --cluster-router of kube-ovn-controller; everybody leaves it so
_JOIN = "join"


class _KubeOVNNorthbound:
    name = "Kube-OVN northbound"
    kinds = frozenset({RangeKind.POD})
    trust = 1

    def recognise(self, census: Census) -> tuple[Place, ...]:
        running = [
            pod
            for pod in pods_of(census, ("app", _CONTAINER))
            if (container := pod.container(_CONTAINER)) and container.running
        ]
        running.sort(key=lambda pod: _LEADER not in pod.labels.items())
        return tuple(
            Place(object=pod_object(pod), pod=pod, container=_CONTAINER) for pod in running[:1]
        )

    def requests(self, place: Place) -> tuple[Request, ...]:
        return exec_in(place, Command("ovn-networks"))

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        return read_answers(_claims, place, captures, what=self.name)


def _claims(place: Place, text: str) -> tuple[RangeClaim, ...]:
    ours = {f"{_ROUTER}{switch}" for switch in parse_ovn_switches(text)}
    ports = (network for network in parse_ovn_northbound(text) if not network.switch)
    return tuple(_claim(place, port) for port in ports if port.name in ours)


def _claim(place: Place, port: OVNNetwork) -> RangeClaim:
    subnet = port.name.removeprefix(_ROUTER)
    return RangeClaim(
        kind=RangeKind.TUNNEL if subnet == _JOIN else RangeKind.POD,
        source="OVN Logical_Router_Port",
        object=f"Logical_Router_Port {port.name} in {place.object}",
        confidence=Confidence.STATED,
        network=port.interface.network,
        address=port.interface.ip,
        evidence=port.text,
        statement="OVN northbound",
    )


SOURCE = _KubeOVNNorthbound()
