"""kube-controller-manager's arguments, in the API's copy of its static pod.

With `--allocate-node-cidrs` it cuts node.spec.podCIDRs out of `--cluster-cidr`, each as long as
`--node-cidr-mask-size` says; without, both are only hints.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..model.capture import Capture, Request
from ..model.iprange import NODE_IPAM, Census, RangeKind
from ..parse.flags import find_flag
from ._base import Place, Reading, command_of, control_plane_pods, flag_claims, joined

_MASKS = ("node-cidr-mask-size", "node-cidr-mask-size-ipv4", "node-cidr-mask-size-ipv6")
_TRUE = ("", "1", "t", "T", "true", "True", "TRUE")  # a bare flag, or what strconv.ParseBool takes


class _ControllerManager:
    name = "kube-controller-manager"
    kinds = frozenset({RangeKind.SERVICE, RangeKind.POD})
    trust = 3

    def recognise(self, census: Census) -> tuple[Place, ...]:
        return control_plane_pods(census, "kube-controller-manager")

    def requests(self, place: Place) -> tuple[Request, ...]:
        return ()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        argv = command_of(place)
        masks = [f" --{flag}={size}" for flag in _MASKS if (size := find_flag(argv, flag))]
        return joined(
            flag_claims(place, self.name, "service-cluster-ip-range", RangeKind.SERVICE),
            flag_claims(
                place,
                self.name,
                "cluster-cidr",
                RangeKind.POD,
                note="".join(masks),
                allocator=NODE_IPAM if find_flag(argv, "allocate-node-cidrs") in _TRUE else "",
            ),
        )


SOURCE = _ControllerManager()
