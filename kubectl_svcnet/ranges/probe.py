"""With --probe: the API server's refusal of a Service outside every range, which names the range.

A server-side dry-run (dryRun=All), which stores nothing. The addresses are of documentation
(RFC 5737, RFC 3849). Where there are several ServiceCIDRs it names any one of them, so what it says
is seen, not the whole. Node ports cannot be asked so: a dry-run takes any (seen with 1.36).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from ..model.address import Family, family_of
from ..model.capture import Capture, ProbeRequest, Request
from ..model.finding import Gap
from ..model.iprange import Census, Confidence, RangeClaim, RangeKind
from ..parse.cidr import parse_networks
from ..parse.fields import text_at
from ._base import Place, Reading, claims_of, joined, missed, typed

_ADDRESSES = {Family.IPV4: "192.0.2.1", Family.IPV6: "2001:db8::1"}
_RANGE = re.compile(r"The range of valid IPs is ([0-9A-Fa-f:.]{1,64}/\d{1,3})")
_NO_SUCH_FAMILY = "not configured on this cluster"
_OBJECT = "service dry-run"


class _Probe:
    name = "Service dry-run"
    kinds = frozenset({RangeKind.SERVICE})
    trust = 2

    def recognise(self, census: Census) -> tuple[Place, ...]:
        """One place for each family that nodes have addresses of."""
        has = {family_of(ip) for node in census.nodes or () for ip in node.addresses}
        return tuple(
            Place(object=_OBJECT, key=address)
            for family, address in _ADDRESSES.items()
            if family in has
        )

    def requests(self, place: Place) -> tuple[Request, ...]:
        return (ProbeRequest(address=place.key),)

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        return joined(*(self._answer(place, capture) for capture in captures))

    def _answer(self, place: Place, capture: Capture) -> Reading:
        if not capture.ok:
            return Reading(gaps=(missed(capture, self.name),))
        said = text_at(capture.objects[0] if capture.objects else {}, "message")
        found = _RANGE.search(said)
        if found is not None:
            return typed(partial(_claims, place, found), what=self.name, place=place)
        if _NO_SUCH_FAMILY in said:
            return Reading()
        why = said or f"a Service at {place.key} would be accepted"
        return Reading(gaps=(Gap(what=self.name, why=why),))


def _claims(place: Place, found: re.Match[str]) -> tuple[RangeClaim, ...]:
    return claims_of(
        parse_networks(found[1]),
        kind=RangeKind.SERVICE,
        source="Service dry-run",
        object=f"{place.object} at {place.key}",
        evidence=found[0],
        confidence=Confidence.OBSERVED,
    )


SOURCE = _Probe()
