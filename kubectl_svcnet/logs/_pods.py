"""The log of a pod: its records, and the gap where it was not read, or not whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from ..model.capture import Capture, LogRequest, Reason
from ..model.finding import Gap
from ..model.rights import rights_of
from ..parse.log_records import Entry, no_log, split_records
from ..parse.refusals import parse_refusal
from ._base import Place

#: The kubelet's answer to `previous=true` where there is nothing before.
_NO_PREVIOUS = "previous terminated container"


def read_log(capture: Capture, place: Place) -> tuple[tuple[Entry, ...], tuple[Gap, ...]]:
    request = capture.request
    if not isinstance(request, LogRequest):
        return (), ()
    failure = capture.failure
    if failure is not None:
        if request.previous and _NO_PREVIOUS in failure.message:
            return (), ()
        return (), (_unread(request, place, failure.message, failure.reason),)
    text = capture.text()
    if sentence := no_log(text):
        return (), (_unread(request, place, sentence, Reason.NOT_FOUND),)
    entries = split_records(text)
    return entries, _cut(capture, request, place, entries)


def _unread(request: LogRequest, place: Place, why: str, reason: Reason) -> Gap:
    by_hand = f"kubectl -n {request.namespace} logs {request.pod} -c {request.container}"
    if request.previous:
        by_hand += " --previous"
    if reason in (Reason.FORBIDDEN, Reason.UNAUTHORIZED):
        by_hand = rights_of(request)[-1].can_i()
    return Gap(what=f"{place.source} log", node=place.node, why=parse_refusal(why), next=by_hand)


def _cut(
    capture: Capture, request: LogRequest, place: Place, entries: Sequence[Entry]
) -> tuple[Gap, ...]:
    """Which part of the time asked for is missing."""
    times = [entry.time for entry in entries if entry.time is not None]
    lines = capture.data.count(b"\n")
    if capture.truncated and times:
        why = f"what it says after {_clock(times[-1])} was not read: it is larger than --max-answer"
    elif request.tail_lines is not None and lines >= request.tail_lines and times:
        last = "line was" if lines == 1 else f"{lines} lines were"
        why = f"only its last {last} read, from {_clock(times[0])} on"
    else:
        return ()
    next = "a shorter --since, or a larger --max-answer"
    return (Gap(what=f"{place.source} log", node=place.node, why=why, next=next),)


def _clock(time: float) -> str:
    return datetime.fromtimestamp(time, timezone.utc).strftime("%H:%M:%S UTC")
