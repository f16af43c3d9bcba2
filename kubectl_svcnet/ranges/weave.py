"""Weave Net's allocation range: the head of its log, its status, IPALLOC_RANGE of its container.

The log prints the range once at the start and gives the node's own bridge address and parts; the
status says with which one the allocator works now, and the environment is what the container was
told. Where nothing says anything it is 10.32.0.0/12, the default of launch.sh, and only assumed.
Weave pays no heed to node.spec.podCIDRs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from ..model.capture import Capture, Request
from ..model.commands import Command
from ..model.iprange import Census, Confidence, RangeClaim, RangeKind
from ..parse.cidr import parse_networks
from ..parse.weave_log import WeaveLog, parse_weave_log
from ..parse.weave_status import parse_weave_status
from ._base import Place, Reading, claims_of, joined, missed, pod_object, typed
from ._pods import exec_in, head_of_log

_ALLOCATOR = _CONTAINER = "weave"
_VARIABLE = "IPALLOC_RANGE"
_DEFAULT = "10.32.0.0/12"
_STATUS = Command("weave-status")


class _Weave:
    name = "weave"
    kinds = frozenset({RangeKind.POD})
    trust = 1

    def recognise(self, census: Census) -> tuple[Place, ...]:
        """One that runs is asked for its status too: all have the same range."""
        places = [
            Place(object=pod_object(pod), node=pod.node, pod=pod, container=_CONTAINER)
            for pod in census.pods or ()
            if pod.labels.get("name") == "weave-net" and pod.container(_CONTAINER)
        ]
        asked = next((place for place in places if _runs(place)), None)
        return (*places, *((replace(asked, node="", key=_STATUS.name),) if asked else ()))

    def requests(self, place: Place) -> tuple[Request, ...]:
        return exec_in(place, _STATUS) if place.key else head_of_log(place)

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        if place.key:
            return joined(*(_status(place, capture) for capture in captures))
        log, gaps = WeaveLog(), []
        for capture in captures:
            if capture.ok:
                log = parse_weave_log(capture.text())
            else:
                gaps.append(missed(capture, "weave log", place.node))
        environment = typed(
            partial(_environment, place, said=log.range is not None),
            what=f"weave {_VARIABLE}",
            place=place,
        )
        return joined(Reading(_logged(place, log), tuple(gaps)), environment)


def _runs(place: Place) -> bool:
    container = place.pod.container(place.container) if place.pod else None
    return container is not None and container.running


def _status(place: Place, capture: Capture) -> Reading:
    if not capture.ok:
        return Reading(gaps=(missed(capture, "weave status"),))

    def claims() -> tuple[RangeClaim, ...]:
        networks, line = parse_weave_status(capture.text())
        return claims_of(
            networks,
            kind=RangeKind.POD,
            source="weave status Range",
            object=place.object,
            evidence=line,
            allocator=_ALLOCATOR,
        )

    return typed(claims, what="weave status", place=place)


def _logged(place: Place, log: WeaveLog) -> tuple[RangeClaim, ...]:
    claims: tuple[RangeClaim, ...] = ()
    if log.range is not None:
        claims += claims_of(
            (log.range.network,),
            kind=RangeKind.POD,
            source="weave log ipalloc-range",
            object=place.object,
            evidence=log.range.line,
            allocator=_ALLOCATOR,
        )
    if log.bridge is not None:
        claims += (
            RangeClaim(
                kind=RangeKind.POD,
                source="weave bridge",
                object=place.object,
                confidence=Confidence.OBSERVED,
                network=log.bridge.interface.network,
                address=log.bridge.interface.ip,
                node=place.node,
                evidence="\n".join(log.bridge.lines),
            ),
        )
    return claims + tuple(
        RangeClaim(
            kind=RangeKind.POD,
            source="weave owned range",
            object=place.object,
            confidence=Confidence.OBSERVED,
            network=part.network,
            node=place.node,
            evidence=part.line,
            allocator=_ALLOCATOR,
        )
        for part in log.owned
    )


def _environment(place: Place, *, said: bool) -> tuple[RangeClaim, ...]:
    container = place.pod.container(place.container) if place.pod else None
    value = container.environment.get(_VARIABLE, "") if container else ""
    if not value and said:
        return ()
    return claims_of(
        parse_networks(value or _DEFAULT),
        kind=RangeKind.POD,
        source=f"weave {_VARIABLE}" if value else "weave default (stated nowhere)",
        object=place.object,
        evidence=f"{_VARIABLE}={value}" if value else f"{_VARIABLE} is not set",
        confidence=Confidence.STATED if value else Confidence.ASSUMED,
        allocator=_ALLOCATOR,
    )


SOURCE = _Weave()
