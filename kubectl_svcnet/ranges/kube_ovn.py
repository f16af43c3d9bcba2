"""Kube-OVN's Subnets: each a range of pods, but `join`, through which nodes reach them.

Several are normal, also in VPCs of their own. node.spec.podCIDRs mean nothing here
(dist/images/install.sh and charts/kube-ovn of kubeovn/kube-ovn).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..model.capture import Capture, Request
from ..model.iprange import Census, RangeClaim, RangeKind
from ..parse.fields import name_of, text_at
from ._base import Place, Reading
from ._objects import Resource, field_claims
from ._pods import pods_of

_SUBNETS = Resource("Subnet", "subnets.kubeovn.io", ("/apis/kubeovn.io/v1/subnets",))
_JOIN = "join"  # --node-switch of kube-ovn-controller; everybody leaves it so


class _KubeOVN:
    name = "kube-ovn"
    kinds = frozenset({RangeKind.POD})
    trust = 1

    def recognise(self, census: Census) -> tuple[Place, ...]:
        there = pods_of(census, ("app", "kube-ovn-cni"))
        return (Place(object=_SUBNETS.kubectl),) if there else ()

    def requests(self, place: Place) -> tuple[Request, ...]:
        return _SUBNETS.requests()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        return _SUBNETS.read(captures, _claims)


def _claims(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    name, vpc = name_of(item), text_at(item, "spec.vpc")
    return field_claims(
        place,
        item,
        "spec.cidrBlock",
        kind=RangeKind.TUNNEL if name == _JOIN else RangeKind.POD,
        source=f"Subnet/{name}",
        statement="Subnet",
        note=f" (vpc {vpc})" if vpc not in ("", "ovn-cluster") else "",
    )


SOURCE = _KubeOVN()
