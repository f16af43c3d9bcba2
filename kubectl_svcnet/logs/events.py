"""Events of the Service, and of the pods behind it: readiness, scheduling, killing.

Events live for an hour by default and know nothing of Services beyond their name. A pod that is
gone by now is in no slice any more; what it was named after tells: `db-c67bfd8dc-9sjs6` belongs to
the ReplicaSet of `db-c67bfd8dc-v4nf9`, `db-0` to the StatefulSet of `db-1`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ..model.capture import ApiRequest, Capture, Reason
from ..model.finding import Gap, Level
from ..model.logline import About, AboutKind, LogLine
from ..model.rights import rights_of
from ..model.service import Event
from ..parse.kube import parse_event
from ..parse.refusals import parse_refusal
from ..parse.rfc3339 import parse_time
from ._base import Place, Reading, Scene

#: Of one namespace's pods; the API hands them out by name, not by time.
_MOST = 2000
ASSUMED = "part of the second, by the Event before it"
_OF_SERVICE = ("Service", "Endpoints", "EndpointSlice")
_OWNED = re.compile(r"(.+)-([bcdfghjklmnpqrstvwxz2456789]{5}|\d+)")


class _Events:
    name = "events"

    def places(self, scene: Scene) -> tuple[Place, ...]:
        spaces = sorted({service.name.namespace for service in scene.subject.services})
        return tuple(
            Place(what="events", requests=self._requests(scene, space), source="event")
            for space in spaces
        )

    def _requests(self, scene: Scene, namespace: str) -> tuple[ApiRequest, ...]:
        names = [s.name.name for s in scene.subject.services if s.name.namespace == namespace]
        selectors = [f"involvedObject.name={name}" for name in names]
        return tuple(
            ApiRequest(
                path=f"/api/v1/namespaces/{namespace}/events",
                query=(("fieldSelector", selector),),
                limit=_MOST,
            )
            for selector in (*selectors, "involvedObject.kind=Pod")
        )

    def read(self, place: Place, captures: Sequence[Capture], scene: Scene) -> Reading:
        gaps = tuple(gap for capture in captures for gap in _missed(place, capture))
        events = {parse_event(item): None for capture in captures for item in capture.objects}
        owners = frozenset(filter(None, map(_owner, scene.subject.pods)))
        lines: list[LogLine] = []
        latest: dict[str, float] = {}
        for event in sorted(events, key=lambda event: event.version):
            about = _about(event.kind, event.namespace, event.name, scene, owners)
            if about is not None:
                line = _placed(_line(event, about), latest)
                lines += [line] if scene.recent(line.time) and scene.here(line.node) else []
        return Reading(tuple(lines), gaps)


def _missed(place: Place, capture: Capture) -> tuple[Gap, ...]:
    if capture.failure is not None:
        denied = capture.failure.reason in (Reason.FORBIDDEN, Reason.UNAUTHORIZED)
        next = rights_of(capture.request)[-1].can_i() if denied else "kubectl get events"
        return (Gap(what=place.what, why=parse_refusal(capture.failure.message), next=next),)
    if capture.truncated:
        why = f"only {len(capture.objects)} of the namespace's Events of pods were read"
        return (Gap(what=place.what, why=why, next="kubectl get events --sort-by=.lastTimestamp"),)
    return ()


def _line(event: Event, about: About) -> LogLine:
    time, first = parse_time(event.last), parse_time(event.first)
    often = f" ({event.count} times)" if event.count > 1 and first != time else ""
    return LogLine(
        time=time,
        node=event.node,
        source="event",
        message=f"{event.reason} {event.kind.lower()}/{event.name}: {event.message}{often}",
        about=about,
        level=Level.WARNING if event.type == "Warning" else Level.INFO,
    )


def _placed(line: LogLine, latest: dict[str, float]) -> LogLine:
    """Most Events have whole seconds, cut off: what was stored after another Event of the same
    object, within its second, did not happen before it."""
    if line.time is None:
        return line
    before = latest.get(line.about.what, 0.0)
    if line.time < before < line.time + 1 and line.time.is_integer():
        line = replace(line, time=before, assumed=ASSUMED)
    latest[line.about.what] = max(before, line.time or 0.0)
    return line


def _about(
    kind: str, namespace: str, name: str, scene: Scene, owners: frozenset[str]
) -> About | None:
    subject, full = scene.subject, f"{namespace}/{name}"
    if kind in _OF_SERVICE:
        for service in subject.services:
            if str(service.name) == full:
                return About(AboutKind.SERVICE, full)
        return About(AboutKind.SLICE, full) if full in subject.slices else None
    if kind == "Pod" and (full in subject.pods or _owner(full) in owners):
        return About(AboutKind.POD, full)
    return None


def _owner(pod: str) -> str:
    """What a generated name was made of, with the sort of its ending; "" for another name."""
    found = _OWNED.fullmatch(pod)
    return f"{found[1]}-{'N' if found[2].isdecimal() else 'X'}" if found else ""


SOURCE = _Events()
