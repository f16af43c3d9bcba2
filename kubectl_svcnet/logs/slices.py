"""Changes of the Service's EndpointSlices: of the API as it is only the last one, when and by
whom, and what the slice holds since; of a slice that is followed what each change did.

The API keeps no history: what an earlier change was, and slices that are gone, cannot be seen
afterwards. Times are of whole seconds, cut off, so a change stands before what followed from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..errors import ParseError
from ..model.capture import ApiRequest, Capture
from ..model.finding import Gap, Level
from ..model.logline import About, AboutKind, LogLine
from ..model.service import Endpoint, Slice
from ..parse.kube import parse_slice
from ..parse.kube_fields import Json
from ..parse.rfc3339 import parse_time
from ._base import Place, Reading, Scene

_PATH = "/apis/discovery.k8s.io/v1/namespaces/{0.namespace}/endpointslices"


class _Slices:
    name = "slices"

    def places(self, scene: Scene) -> tuple[Place, ...]:
        return tuple(
            Place(
                what="endpointslices",
                requests=(
                    ApiRequest(
                        path=_PATH.format(service.name),
                        query=(
                            ("labelSelector", f"kubernetes.io/service-name={service.name.name}"),
                        ),
                    ),
                ),
                source="endpointslice",
            )
            for service in scene.subject.services
        )

    def read(self, place: Place, captures: Sequence[Capture], scene: Scene) -> Reading:
        failed = [c.failure for c in captures if c.failure is not None]
        gaps = tuple(Gap(what=place.what, why=f.message) for f in failed)
        slices = slices_of(item for capture in captures for item in capture.objects)
        lines = (line for one in slices for line in _history(one) if scene.recent(line.time))
        return Reading(tuple(lines), gaps)


def slices_of(items: Iterable[Json]) -> tuple[Slice, ...]:
    """Those that can be read; the inventory says of others why not."""
    found = []
    for item in items:
        try:
            found.append(parse_slice(item))
        except ParseError:
            continue
    return tuple(found)


def _history(one: Slice) -> Iterator[LogLine]:
    created, changed = parse_time(one.created), parse_time(one.changed)
    holds = f"now {_listed(one.endpoints)}"
    if created is not None:
        since = "" if changed is not None and changed > created else f", {holds}"
        yield line_of(one, created, f"{one.name} was created{since}")
    if changed is not None and (created is None or changed > created):
        by = f" by {one.changed_by}" if one.changed_by else ""
        yield line_of(one, changed, f"{one.name} was last changed{by}, {holds}")


def line_of(one: Slice, time: float | None, message: str, assumed: str = "") -> LogLine:
    return LogLine(
        time=time,
        node="",
        source="endpointslice",
        message=message,
        about=About(AboutKind.SLICE, str(one.name)),
        level=Level.INFO,
        assumed=assumed,
    )


def difference(before: Slice | None, after: Slice | None) -> str:
    """What a change did to the endpoints: `+10.244.1.9:3306 not ready (pod db-x)`; "" where
    nothing that matters to a packet did change."""
    old = {str(e.address): e for e in before.endpoints} if before else {}
    new = {str(e.address): e for e in after.endpoints} if after else {}
    parts = [f"-{address}{_pod(old[address])}" for address in old if address not in new]
    for address, endpoint in new.items():
        if address not in old:
            parts.append(f"+{address} {_state(endpoint)}{_pod(endpoint)}")
        elif _state(old[address]) != _state(endpoint):
            parts.append(f"{address} {_state(old[address])} -> {_state(endpoint)}{_pod(endpoint)}")
    return ", ".join(parts)


def _listed(endpoints: Sequence[Endpoint]) -> str:
    if not endpoints:
        return "without endpoints"
    return ", ".join(f"{endpoint.address} {_state(endpoint)}" for endpoint in endpoints)


def _state(endpoint: Endpoint) -> str:
    if endpoint.terminating:
        return "terminating, serving" if endpoint.serving else "terminating"
    return "ready" if endpoint.ready else "not ready"


def _pod(endpoint: Endpoint) -> str:
    return f" (pod {endpoint.pod})" if endpoint.pod else ""


SOURCE = _Slices()
