"""`logs -f`: what is there by now, then what is written and what changes from now on.

One thread for each log and each watched list hands its parts to a queue; what came within a beat
is put in order and told. A stream that ends is asked again from where it was (`tails`). Where a
pod is gone, the API is asked who is there instead.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from ..errors import SvcnetError, UsageError
from ..logs import Place, Scene
from ..logs.mentions import Mentions
from ..logs.timeline import merge
from ..model.capture import ApiRequest, Capture, LogRequest, Reason, Streaming
from ..model.finding import Gap
from ..model.logline import LogLine
from ..model.options import Options
from ..model.report import LogsReport
from ..model.service import Endpoint, ServiceName, Slice
from .collect import Collector
from .logs import Answers, Asked, ask, first_part
from .tails import LogTail, SliceTail, Tail, WatchTail

BEAT = 0.3  # seconds; lines of one moment arrive within it
_RESCAN = (5.0, 10.0, 20.0, 60.0)
_PAUSES = (1.0, 2.0, 5.0, 10.0)
_MOST = 200  # logs at once
_REMEMBERED = 1000  # endpoints that are gone, and may still be spoken of

Tell = Callable[[LogsReport], None]
Key = tuple[object, ...]


def follow(source: Streaming, options: Options, tell: Tell) -> None:
    """Tells until the source is interrupted. Raises as `logs` does, and UsageError where more
    logs would be followed than anybody can read."""
    collector = Collector(source, max_parallel=options.max_parallel)
    report, asked, answers = first_part(collector, options)
    run = _Follow(source, collector, options, report)
    run.watch(asked, answers)
    tell(report)
    run.run(tell)


class _Follow:
    """Everything but `_listen` runs in the thread of the caller."""

    def __init__(
        self, source: Streaming, collector: Collector, options: Options, report: LogsReport
    ) -> None:
        self._source, self._collector, self._options = source, collector, options
        self._report = report
        self._scene: Scene | None = None
        self._queue: queue.Queue[tuple[Key, Capture | None]] = queue.Queue(maxsize=1000)
        self._tails: dict[Key, Tail] = {}
        self._told: set[tuple[Key, str]] = set()
        self._lost: set[tuple[str, str]] = set()
        self._scans, self._scan_at = 0, 0.0

    def watch(self, asked: Asked, answers: Answers) -> None:
        """Follows what is there and not followed yet."""
        began = self._scene.now if self._scene is not None else asked.scene.now
        self._scene = self._remembering(replace(asked.scene, now=began))
        for source, place in asked.places:
            for request in place.requests:
                read = answers.get(request, ())
                if isinstance(request, LogRequest) and not request.previous:
                    key: Key = (request.namespace, request.pod, request.container)
                    self._start(key, LogTail(source, place, request, read))
                elif isinstance(request, ApiRequest):
                    kind = SliceTail if request.path.endswith("/endpointslices") else WatchTail
                    self._start((request,), kind(source, place, request, read))

    def _start(self, key: Key, tail: Tail) -> None:
        if key in self._tails:
            return
        if len(self._tails) >= _MOST:
            raise UsageError(
                f"more than {_MOST} logs would be followed at once",
                next="choose nodes with --node or --node-selector",
            )
        self._tails[key] = tail
        self._lost.discard((tail.place.node, tail.place.source))
        name = f"svcnet: {tail.place.what}"
        threading.Thread(target=self._listen, args=(key, tail), name=name, daemon=True).start()

    def _listen(self, key: Key, tail: Tail) -> None:
        """One stream after the other, until its object is gone or the run ends."""
        failures = 0
        while not self._source.ended:
            failure = None
            for capture in self._source.follow(tail.request()):
                self._queue.put((key, capture))
                failure = capture.failure
                failures = failures + 1 if failure else 0
            gone = failure is not None and failure.reason is Reason.NOT_FOUND
            self._queue.put((key, None))
            if gone and isinstance(tail, LogTail):
                return
            self._source.wait(_PAUSES[min(failures, len(_PAUSES) - 1)])

    def run(self, tell: Tell) -> None:
        while not self._source.ended:
            lines, gaps = self._beat()
            if self._lost and self._source.now() >= self._scan_at:
                gaps += self._rescan()
            if lines or gaps:
                tell(self._part(lines, gaps))

    def _part(self, lines: list[LogLine], gaps: list[Gap]) -> LogsReport:
        """What is new; it starts where the part before it ended."""
        ordered = merge(lines)
        part = replace(
            self._report, lines=ordered, gaps=tuple(dict.fromkeys(gaps)), continued=True, missing=()
        )
        times = [line.time for line in ordered if line.time is not None]
        if times:
            collected = replace(self._report.collected, started_at=times[-1])
            self._report = replace(self._report, collected=collected)
        return part

    def _beat(self) -> tuple[list[LogLine], list[Gap]]:
        lines: list[LogLine] = []
        gaps: list[Gap] = []
        idle = set(self._tails)
        until = time.monotonic() + BEAT
        while (rest := until - time.monotonic()) > 0:
            try:
                key, capture = self._queue.get(timeout=rest)
            except queue.Empty:
                break
            idle.discard(key)
            lines += self._take(key, capture, gaps)
        for key in idle & set(self._tails):
            lines += self._tails[key].flush(self._here)
        return lines, gaps

    @property
    def _here(self) -> Scene:
        assert self._scene is not None
        return self._scene

    def _take(self, key: Key, capture: Capture | None, gaps: list[Gap]) -> tuple[LogLine, ...]:
        tail = self._tails.get(key)
        if tail is None:
            return ()
        if capture is None:
            tail.ended()
            return tail.flush(self._here)
        if capture.failure is not None:
            gaps += self._missed(key, tail.place, capture)
            return ()
        self._told = {told for told in self._told if told[0] != key}
        lines = tail.take(capture, self._here, self._source.now())
        if lines and isinstance(tail, SliceTail):
            self._scene = self._remembering(self._here, tail)
        return lines

    def _missed(self, key: Key, place: Place, capture: Capture) -> list[Gap]:
        """Once for each reason, until it answers again."""
        failure = capture.failure
        if failure is None or failure.reason is Reason.INTERRUPTED:
            return []
        then = "it is asked again"
        if failure.reason is Reason.NOT_FOUND and isinstance(capture.request, LogRequest):
            then = "whoever comes instead is looked for"
            self._tails.pop(key, None)
            self._lost.add((place.node, place.source))
            self._scans, self._scan_at = 0, self._source.now() + _RESCAN[0]
        if (key, failure.message) in self._told:
            return []
        self._told.add((key, failure.message))
        what = f"{place.source} log" if place.node else place.what
        return [Gap(what=what, node=place.node, why=f"{failure.message}; {then}")]

    def _rescan(self) -> list[Gap]:
        """Who writes now where a pod is gone."""
        self._scans = min(self._scans + 1, len(_RESCAN) - 1)
        self._scan_at = self._source.now() + _RESCAN[self._scans]
        try:
            self.watch(ask(self._collector, self._options), {})
        except SvcnetError as error:
            return [Gap(what="logs", why=str(error))]
        return []

    def _remembering(self, scene: Scene, tail: SliceTail | None = None) -> Scene:
        """Endpoints and slices that are gone are still spoken of for a while."""
        subject = scene.subject
        before = self._scene.subject if self._scene is not None else subject
        now, names = dict(subject.endpoints), subject.slices | before.slices
        if tail is not None:
            now |= _endpoints(tail.slices.values())
            names |= tail.slices.keys()
        endpoints = {
            name: tuple(dict.fromkeys((*found, *before.endpoints.get(name, ()))))[
                : len(found) + _REMEMBERED
            ]
            for name, found in now.items()
        }
        changed = replace(subject, endpoints=endpoints, slices=names)
        return replace(scene, mentions=Mentions(changed))


def _endpoints(slices: Iterable[Slice]) -> dict[ServiceName, tuple[Endpoint, ...]]:
    found: dict[ServiceName, tuple[Endpoint, ...]] = {}
    for one in slices:
        if one.service is not None:
            found[one.service] = (*found.get(one.service, ()), *one.endpoints)
    return found
