"""The ServiceCIDR API: where the API server itself keeps its Service ranges.

networking.k8s.io/v1 since 1.33, v1beta1 behind a gate in 1.31 and 1.32; a cluster without it
answers 404, which is an answer. The object `kubernetes` comes from the API server's flags, others
add to it, and all of them together are the range (KEP-1880).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..model.capture import Capture, Request
from ..model.iprange import Census, RangeClaim, RangeKind
from ..parse.service_cidr import parse_service_cidr
from ._base import Place, Reading, claims_of
from ._objects import Resource

_RESOURCE = Resource(
    "ServiceCIDR",
    "servicecidr",
    tuple(f"/apis/networking.k8s.io/{version}/servicecidrs" for version in ("v1", "v1beta1")),
)


class _ServiceCIDR:
    name = "ServiceCIDR"
    kinds = frozenset({RangeKind.SERVICE})
    trust = 1

    def recognise(self, census: Census) -> tuple[Place, ...]:
        return (Place(object="servicecidr"),)

    def requests(self, place: Place) -> tuple[Request, ...]:
        return _RESOURCE.requests()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        return _RESOURCE.read(captures, _claims)


def _claims(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    found = parse_service_cidr(item)
    return claims_of(
        found.networks,
        kind=RangeKind.SERVICE,
        source=f"ServiceCIDR/{found.name}",
        object=place.object,
        evidence=f"spec.cidrs: {', '.join(map(str, found.networks))}"
        + (" (being deleted)" if found.deleting else ""),
        statement="ServiceCIDR",
        closed=found.closed,
    )


SOURCE = _ServiceCIDR()
