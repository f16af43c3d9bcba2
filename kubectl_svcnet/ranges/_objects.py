"""Objects of CNIs: custom resources and node annotations.

Custom resources are listed only where a CNI's pods are there. Where an API group is not, the API
server answers 404: no such resource, which is an answer; a missing right is a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..errors import ParseError
from ..model.capture import ApiRequest, Capture, Reason, Request
from ..model.iprange import Census, Confidence, RangeClaim, RangeKind
from ..model.service import Node
from ..parse.fields import name_of, networks_at, text_at, texts_at
from ._base import DISABLED, Place, Reading, claims_of, joined, missed, typed

Claims = Callable[[Place, Mapping[str, Any]], tuple[RangeClaim, ...]]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource under each API version or group that may have it; `kubectl`: as that names it."""

    name: str
    kubectl: str
    paths: tuple[str, ...]

    def requests(self) -> tuple[Request, ...]:
        """All are asked at once."""
        return tuple(ApiRequest(path=path) for path in self.paths)

    def read(self, captures: Sequence[Capture], claims: Claims) -> Reading:
        """Of the first path that has objects: the others show the same ones, or nothing."""
        mine = [c for c in captures if _path(c) in self.paths]
        answered = [c for c in mine if c.ok]
        if answered:
            best = next((c for c in answered if c.objects), answered[0])
            return joined(*(self._typed(item, claims) for item in best.objects))
        failed = [c for c in mine if not c.failed(Reason.NOT_FOUND)]
        return Reading(gaps=tuple(missed(capture, self.name) for capture in failed[:1]))

    def _typed(self, item: Mapping[str, Any], claims: Claims) -> Reading:
        try:
            namespace = text_at(item, "metadata.namespace")
            name = f"{namespace}/{name_of(item)}" if namespace else name_of(item)
            place = Place(object=f"{self.kubectl} {name}")
        except ParseError:
            place = Place(object=self.kubectl)
        return typed(partial(claims, place, item), what=self.name, place=place)


def _path(capture: Capture) -> str:
    return capture.request.path if isinstance(capture.request, ApiRequest) else ""


def field_claims(
    place: Place,
    item: Mapping[str, Any],
    *paths: str,
    source: str,
    kind: RangeKind = RangeKind.POD,
    node: str = "",
    confidence: Confidence = Confidence.STATED,
    allocator: str = "",
    statement: str = "",
    note: str = "",
    closed: bool = False,
) -> tuple[RangeClaim, ...]:
    """The claims of an object's fields, each with the field as its evidence."""
    claims: tuple[RangeClaim, ...] = ()
    for path in paths:
        claims += claims_of(
            networks_at(item, path),
            kind=kind,
            source=source,
            object=place.object,
            node=node,
            confidence=confidence,
            evidence=f"{path.replace('[]', '')}: {', '.join(texts_at(item, path))}{note}"
            + (DISABLED if closed else ""),
            allocator=allocator,
            statement=statement,
            closed=closed,
        )
    return claims


def annotated(census: Census, *names: str) -> tuple[Place, ...]:
    """A place for each node that has one of the annotations."""
    return tuple(
        Place(object=f"node {node.name}", node=node.name, about=node)
        for node in census.nodes or ()
        if any(name in node.annotations for name in names)
    )


def annotations_of(node: Node | None, *names: str) -> Iterator[tuple[str, str]]:
    """Name and value of those that the node has, in the order of the names."""
    for name in names:
        if node is not None and (value := node.annotations.get(name)):
            yield name, value
