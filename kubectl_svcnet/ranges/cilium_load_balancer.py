"""Cilium's LB IPAM: CiliumLoadBalancerIPPool (cilium.io v2; until 1.17 v2alpha1).

`spec.blocks` since 1.15, `spec.cidrs` before; both may name a CIDR or a first and a last address,
and a first one alone is that address.
"""

from __future__ import annotations

from ..parse.fields import spans_at, text_at
from ._objects import Resource
from ._pools import PoolSource

_VERSIONS = ("v2", "v2alpha1")

SOURCE = PoolSource(
    name="cilium load balancer pools",
    labels=(("k8s-app", "cilium"),),
    resource=Resource(
        "CiliumLoadBalancerIPPool",
        "ciliumloadbalancerippools.cilium.io",
        tuple(f"/apis/cilium.io/{version}/ciliumloadbalancerippools" for version in _VERSIONS),
    ),
    spans=lambda item: (
        *spans_at(item, "spec.blocks[]", "start", "stop"),
        *spans_at(item, "spec.cidrs[]", "start", "stop"),
    ),
    closed=lambda item: text_at(item, "spec.disabled") == "true",
)
