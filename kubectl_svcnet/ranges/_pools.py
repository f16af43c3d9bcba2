"""Custom resources that are pools of load balancer addresses: products differ in names alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..model.capture import Capture, Request
from ..model.iprange import Census, RangeClaim, RangeKind
from ..parse.address_spans import parse_spans
from ..parse.fields import name_of
from ._base import DISABLED, LOAD_BALANCERS, Place, Reading, claims_of
from ._objects import Resource
from ._pods import pods_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSource:
    """Recognised by the product's pods. `spans` are an object's addresses as it writes them,
    of one that is `closed` nobody is given a further address."""

    name: str
    labels: tuple[tuple[str, str], ...]
    resource: Resource
    spans: Callable[[Mapping[str, Any]], Iterable[str]]
    closed: Callable[[Mapping[str, Any]], bool] = lambda item: False
    kinds: frozenset[RangeKind] = frozenset({RangeKind.LOAD_BALANCER})
    trust: int = 1

    def recognise(self, census: Census) -> tuple[Place, ...]:
        found = pods_of(census, *self.labels)
        return (Place(object=self.resource.kubectl),) if found else ()

    def requests(self, place: Place) -> tuple[Request, ...]:
        return self.resource.requests()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        return self.resource.read(captures, self._pool)

    def _pool(self, place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
        return pool_claims(
            self.spans(item),
            source=f"{self.resource.name}/{name_of(item)}",
            object=place.object,
            closed=self.closed(item),
        )


def pool_claims(
    spans: Iterable[str], *, source: str, object: str, note: str = "", closed: bool = False
) -> tuple[RangeClaim, ...]:
    """Of each span the networks that make it up, with the span itself as evidence."""
    return tuple(
        claim
        for span in spans
        for claim in claims_of(
            parse_spans(span),
            kind=RangeKind.LOAD_BALANCER,
            source=source,
            object=object,
            evidence=f"{span}{note}" + (DISABLED if closed else ""),
            statement=LOAD_BALANCERS,
            closed=closed,
        )
    )
