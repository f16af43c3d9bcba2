"""The ServiceCIDR API: where the API server itself keeps its Service ranges.

networking.k8s.io/v1 since 1.33, v1beta1 behind a gate in 1.31 and 1.32; a cluster without it
answers 404, which is an answer. The object `kubernetes` comes from the API server's flags, others
add to it, and all of them together are the range (KEP-1880).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..model.capture import ApiRequest, Capture, Reason, Request
from ..model.iprange import Census, RangeClaim, RangeKind
from ..parse.service_cidr import parse_service_cidr
from ._base import Place, Reading, claims_of, joined, missed, typed

_VERSIONS = ("v1", "v1beta1")  # asked at once, the first that answers counts


class _ServiceCIDR:
    name = "ServiceCIDR"
    kinds = frozenset({RangeKind.SERVICE})
    trust = 1

    def recognise(self, census: Census) -> tuple[Place, ...]:
        return (Place(object="servicecidr"),)

    def requests(self, place: Place) -> tuple[Request, ...]:
        return tuple(
            ApiRequest(path=f"/apis/networking.k8s.io/{version}/servicecidrs")
            for version in _VERSIONS
        )

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        answered = next((capture for capture in captures if capture.ok), None)
        if answered is not None:
            return joined(
                *(
                    typed(partial(_claims, item), what="ServiceCIDR", place=place)
                    for item in answered.objects
                )
            )
        failed = [
            capture
            for capture in captures
            if capture.failure is None or capture.failure.reason is not Reason.NOT_FOUND
        ]
        return Reading(gaps=tuple(missed(capture, "ServiceCIDR") for capture in failed[:1]))


def _claims(item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    found = parse_service_cidr(item)
    return claims_of(
        found.networks,
        kind=RangeKind.SERVICE,
        source=f"ServiceCIDR/{found.name}",
        object=f"servicecidr {found.name}",
        evidence=f"spec.cidrs: {', '.join(map(str, found.networks))}"
        + (" (being deleted)" if found.deleting else ""),
        statement="ServiceCIDR",
    )


SOURCE = _ServiceCIDR()
