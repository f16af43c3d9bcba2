"""kube-apiserver's arguments, in the API's copy of its static pod.

`--service-cluster-ip-range` holds one or two CIDRs, `--service-node-port-range` the node ports.
Managed clusters and control planes that run no pods (k3s, k0s) do not show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..model.capture import Capture, Request
from ..model.iprange import Census, RangeClaim, RangeKind
from ..parse.flags import find_flag
from ._base import (
    Place,
    Reading,
    command_of,
    control_plane_pods,
    flag_claims,
    joined,
    port_claims,
    typed,
)

_NODE_PORTS = "service-node-port-range"


class _ApiServer:
    name = "kube-apiserver"
    kinds = frozenset({RangeKind.SERVICE})
    trust = 2

    def recognise(self, census: Census) -> tuple[Place, ...]:
        return control_plane_pods(census, "kube-apiserver")

    def requests(self, place: Place) -> tuple[Request, ...]:
        return ()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        return joined(
            flag_claims(place, self.name, "service-cluster-ip-range", RangeKind.SERVICE),
            typed(partial(_node_ports, place), what=f"{self.name} --{_NODE_PORTS}", place=place),
        )


def _node_ports(place: Place) -> tuple[RangeClaim, ...]:
    value = find_flag(command_of(place), _NODE_PORTS) or ""
    return port_claims(
        value,
        source=f"kube-apiserver --{_NODE_PORTS}",
        object=place.object,
        evidence=f"--{_NODE_PORTS}={value}",
    )


SOURCE = _ApiServer()
