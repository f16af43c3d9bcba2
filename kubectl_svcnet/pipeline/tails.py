"""Where a followed log or list stands: what is known of it, and how to ask for the rest.

A log is asked from the second of its last line on, since the API knows whole seconds only; the
lines of that second come again and are skipped. A list is asked from its own version, then
from that of the object that came last; where the API no longer has it, it sends all objects that
are there, and what is known of them shows which are news.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from ..logs import LogSource, Place, Scene
from ..logs.slices import difference, line_of, slices_of
from ..model.capture import ApiRequest, Capture, LogRequest
from ..model.logline import LogLine
from ..model.service import Slice
from ..parse.kube_fields import mapping, text
from ..parse.log_records import split_records

_STAMP = len("2026-11-24T23:36:03")
_ANY = "0"  # all that are there come first; without a version etcd 3.4 refuses


class Tail(Protocol):
    """`request` may be called from another thread than the rest."""

    @property
    def place(self) -> Place: ...

    def request(self) -> LogRequest | ApiRequest: ...

    def take(self, capture: Capture, scene: Scene, now: float) -> tuple[LogLine, ...]:
        """What a part of the stream says."""

    def flush(self, scene: Scene) -> tuple[LogLine, ...]:
        """What was held back, since it might have gone on."""

    def ended(self) -> None:
        """The stream did; what comes next may be known in part."""


class LogTail:
    """`read`: what came of the log before; of a pod that is new nothing was asked yet, and all
    of its log is news."""

    def __init__(
        self, source: LogSource, place: Place, request: LogRequest, read: Sequence[Capture]
    ) -> None:
        self.place = place
        self._source = source
        self._asked = request if read else replace(request, since_seconds=None)
        self._second = ""
        self._seen: set[str] = set()
        self._pending: list[str] = []
        self._again = False
        self._new("".join(capture.text() for capture in read))
        self.ended()

    def request(self) -> LogRequest:
        open_end = replace(self._asked, tail_lines=None, limit_bytes=None)
        if not self._second:
            return open_end
        return replace(open_end, since_seconds=None, since_time=f"{self._second}Z")

    def take(self, capture: Capture, scene: Scene, now: float) -> tuple[LogLine, ...]:
        self._pending += self._new(capture.text())
        if not self._pending:
            return ()
        last = split_records("\n".join(self._pending))[-1]
        ready = len(self._pending) - len(last.lines)
        lines, self._pending = self._pending[:ready], self._pending[ready:]
        return self._read(lines, scene)

    def flush(self, scene: Scene) -> tuple[LogLine, ...]:
        lines, self._pending = self._pending, []
        return self._read(lines, scene)

    def ended(self) -> None:
        self._again = True

    def _new(self, text: str) -> list[str]:
        """Lines that were not there before."""
        lines = []
        for line in text.split("\n"):
            second = line[:_STAMP]
            if self._again and (second < self._second or line in self._seen):
                continue
            if not line:
                continue
            self._again = False
            if second != self._second and second[:1].isdecimal():
                self._second, self._seen = second, set()
            self._seen.add(line)
            lines.append(line)
        return lines

    def _read(self, lines: Iterable[str], scene: Scene) -> tuple[LogLine, ...]:
        text = "".join(f"{line}\n" for line in lines)
        if not text:
            return ()
        part = Capture(request=replace(self._asked, tail_lines=None), data=text.encode())
        return self._source.read(self.place, (part,), scene).lines


class WatchTail:
    """Objects that come, as Events do: each once in each of its versions."""

    def __init__(
        self, source: LogSource, place: Place, request: ApiRequest, read: Iterable[Capture]
    ) -> None:
        self.place = place
        self._source, self._asked = source, replace(request, limit=None)
        self._version = _ANY
        self._known: dict[str, str] = {}
        for capture in read:
            self._version = _ANY if capture.truncated else capture.version or _ANY
            for item in capture.objects:
                self._news(item)

    def request(self) -> ApiRequest:
        return replace(self._asked, query=(*self._asked.query, ("resourceVersion", self._version)))

    def take(self, capture: Capture, scene: Scene, now: float) -> tuple[LogLine, ...]:
        lines: list[LogLine] = []
        for event in capture.objects:
            kind, item = str(event.get("type")), event["object"]
            if kind == "ERROR":
                self._version = _ANY  # the one that it had is gone
                continue
            self._version = text(mapping(item, "metadata"), "resourceVersion") or self._version
            if kind == "BOOKMARK":
                continue
            if kind == "DELETED":
                self._known.pop(text(mapping(item, "metadata"), "uid"), None)
            lines += self._told(kind, item, scene, now)
        return tuple(lines)

    def flush(self, scene: Scene) -> tuple[LogLine, ...]:
        return ()

    def ended(self) -> None:
        return None

    def _told(
        self, kind: str, item: Mapping[str, Any], scene: Scene, now: float
    ) -> tuple[LogLine, ...]:
        if kind == "DELETED" or not self._news(item):
            return ()
        part = Capture(request=self._asked, objects=(item,))
        return self._source.read(self.place, (part,), scene).lines

    def _news(self, item: Mapping[str, Any]) -> bool:
        meta = mapping(item, "metadata")
        uid, version = text(meta, "uid"), text(meta, "resourceVersion")
        if self._known.get(uid) == version:
            return False
        self._known[uid] = version
        return True


class SliceTail(WatchTail):
    """EndpointSlices: what each change did. `slices` are those there are."""

    def __init__(
        self, source: LogSource, place: Place, request: ApiRequest, read: Iterable[Capture]
    ) -> None:
        found = tuple(read)
        super().__init__(source, place, request, found)
        items = (item for capture in found for item in capture.objects)
        self.slices: dict[str, Slice] = {str(one.name): one for one in slices_of(items)}

    def _told(
        self, kind: str, item: Mapping[str, Any], scene: Scene, now: float
    ) -> tuple[LogLine, ...]:
        lines = []
        for one in slices_of((item,)):
            name = str(one.name)
            before = self.slices.pop(name, None)
            after = None if kind == "DELETED" else one
            if after is not None:
                self.slices[name] = after
            what = difference(before, after)
            verb = "was deleted" if after is None else "was created" if before is None else ""
            said = ", ".join(filter(None, (verb, what)))
            if said:
                lines.append(line_of(one, now, f"{name} {said}", assumed="when it was seen"))
        return tuple(lines)
