"""Antrea's ExternalIPPools (crd.antrea.io): addresses for LoadBalancer Services and Egress."""

from __future__ import annotations

from ..parse.fields import spans_at
from ._objects import Resource
from ._pools import PoolSource

_VERSIONS = ("v1beta1", "v1alpha2")

SOURCE = PoolSource(
    name="antrea external IPs",
    labels=(("app", "antrea"),),
    resource=Resource(
        "ExternalIPPool",
        "externalippools.crd.antrea.io",
        tuple(f"/apis/crd.antrea.io/{version}/externalippools" for version in _VERSIONS),
    ),
    spans=lambda item: spans_at(item, "spec.ipRanges[]", "start", "end"),
)
