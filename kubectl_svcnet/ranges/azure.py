"""Azure CNI's NodeNetworkConfigs: of which subnet the pods of a node have their addresses.

One object per node, named as the node (crd/nodenetworkconfig of Azure/azure-container-networking).
With an overlay `primaryIP` is the node's own part, written as a network; else it is one address of
the subnet, which pods share with those of other nodes, and the nodes' own where they are not apart.
Clusters of the old node-subnet mode have no such object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..model.capture import Capture, Request
from ..model.iprange import CLOUD_NETWORK, Census, Confidence, RangeClaim, RangeKind
from ..parse.fields import name_of, networks_in, texts_at
from ._base import Place, Reading, claims_of
from ._objects import Resource, field_claims
from ._pods import pods_of

_CONFIGS = Resource(
    "NodeNetworkConfig",
    "nodenetworkconfigs.acn.azure.com",
    ("/apis/acn.azure.com/v1alpha/nodenetworkconfigs",),
)
_CONTAINERS = "status.networkContainers[]"
_SUBNETS = (f"{_CONTAINERS}.subnetAddressSpace", f"{_CONTAINERS}.subnetAddressSpaceV6")


class _Azure:
    name = "azure-cns"
    kinds = frozenset({RangeKind.POD})
    trust = 1

    def recognise(self, census: Census) -> tuple[Place, ...]:
        there = pods_of(census, ("k8s-app", "azure-cns"))
        return (Place(object=_CONFIGS.kubectl),) if there else ()

    def requests(self, place: Place) -> tuple[Request, ...]:
        return _CONFIGS.requests()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        return _CONFIGS.read(captures, _claims)


def _claims(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    claims = field_claims(
        place,
        item,
        *_SUBNETS,
        source="NodeNetworkConfig",
        allocator=CLOUD_NETWORK,
        statement="NodeNetworkConfig",
    )
    parts = [text for text in texts_at(item, f"{_CONTAINERS}.primaryIP") if "/" in text]
    return claims + claims_of(
        networks_in(parts),
        kind=RangeKind.POD,
        source="NodeNetworkConfig primaryIP",
        object=place.object,
        node=name_of(item),
        confidence=Confidence.OBSERVED,
        evidence=f"primaryIP: {', '.join(parts)}",
        allocator=CLOUD_NETWORK,
    )


SOURCE = _Azure()
