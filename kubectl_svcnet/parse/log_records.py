"""A container's log as records: the time of each, its level, and lines that belong together.

The API's `timestamps=true` puts the time at which the runtime got it before each line, RFC 3339
with nanoseconds; that time alone orders lines of several nodes, for klog writes neither year nor
zone. A record of klog goes on over lines that begin with a tab, and ` >` ends it (klog
internal/serialize `writeStringValue`). Lines of other writers are records of their own: those of
Weave, Calico, logrus and OVN have a level, any other is text without one. Nothing is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ._text import split_lines
from .klog import LogRecord, parse_line
from .rfc3339 import split_time

#: Lines of one record: a listing that failed is short, the rules of a failed sync are not.
_MOST_LINES = 400

#: What the kubelet writes with status 200 where it has no log (pkg/kubelet/kuberuntime).
_NO_LOG = re.compile(
    r"unable to retrieve container logs for|failed to (?:try resolving symlinks|open log file)"
)

_FORMATS = (
    # weave common/logging.go
    re.compile(r"(?P<level>[A-Z]{4}): \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d+ (?P<message>.*)"),
    # calico libcalico-go/lib/logutils
    re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \[(?P<level>[A-Z]+)\]\[\d+\] (?P<message>.*)"),
    # logrus and slog's text handler: Cilium, modprobe within kube-proxy
    re.compile(r"(?:time=\S+ )?level=(?P<level>\w+) (?P<message>.*)"),
    # Open vSwitch lib/vlog.c
    re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z\|\d+\|[^|]*\|(?P<level>[A-Z]+)\|(?P<message>.*)"),
)
_LEVELS = {
    **dict.fromkeys(("debu", "debug", "dbg", "trace", "info", "notice"), "I"),
    **dict.fromkeys(("warn", "warning"), "W"),
    **dict.fromkeys(("erro", "error", "err"), "E"),
    **dict.fromkeys(("fata", "fatal", "panic", "emer"), "F"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record of one or more lines. `time`: seconds since the epoch, when the runtime got its
    first line, or as a JSON line says; None where nothing tells. A record that is `open` may go
    on in what is yet to come."""

    record: LogRecord
    lines: tuple[str, ...]
    time: float | None = None
    open: bool = False


def split_records(text: str) -> tuple[Entry, ...]:
    """The records of a log, with or without the API's timestamps, in its order."""
    return tuple(_entry(time, lines) for time, lines in _joined(split_lines(text)))


def no_log(text: str) -> str:
    """The kubelet's sentence, where that is all there is instead of a log."""
    line = text.strip()
    return line if "\n" not in line and _NO_LOG.match(line) else ""


def _joined(lines: Iterable[str]) -> Iterator[tuple[float | None, list[str]]]:
    current: list[str] = []
    time: float | None = None
    for line in lines:
        stamp, bare = split_time(line)
        if current and bare.startswith(("\t", " >")) and _goes_on(current):
            current.append(bare)
            continue
        if current:
            yield time, current
        current, time = [bare], stamp
    if current:
        yield time, current


def _goes_on(lines: list[str]) -> bool:
    """Whether the last line leaves a value open, or is inside of one."""
    return len(lines) < _MOST_LINES and (
        lines[-1].endswith("=<") or (len(lines) > 1 and lines[-1].startswith("\t"))
    )


def _entry(time: float | None, lines: list[str]) -> Entry:
    record = parse_line("\n".join(lines))
    if not record.level or record.raw.startswith("{"):
        record = _levelled(record)
    return Entry(
        record=record,
        lines=tuple(lines),
        time=record.epoch if time is None else time,
        open=_goes_on(lines),
    )


def _levelled(record: LogRecord) -> LogRecord:
    if named := _LEVELS.get(record.values.get("level", "").lower()):
        return replace(record, level=named)
    for form in _FORMATS:
        found = form.fullmatch(record.raw)
        if found and (level := _LEVELS.get(found["level"].lower())):
            return replace(record, level=level, message=found["message"], said=found["message"])
    return record
