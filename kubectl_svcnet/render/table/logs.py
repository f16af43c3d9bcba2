"""`logs` as a table: when, where, who wrote it, what it says.

The same line of several nodes within a few seconds is one row that names them, or counts them;
`(3 times)` where one node repeats it. Times are UTC; `~` marks one of which the zone or the year
was inferred. A day other than that of the run gets a row of its own. `-o wide` folds and cuts
nothing. Widths do not depend on the lines, so that what follows with -f stands below.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

from ...model.finding import Level
from ...model.logline import LogLine
from ...model.report import LogsReport
from ..columns import columns
from ..escape import escape
from ..nodes import names
from ..style import Style
from .statements import page

_SECONDS = 5.0  # between the first and the last of a folded row
_NODE, _SOURCE, _TIME = 24, 14, 13
_ROWS = 4  # of a message, before it is cut
_WIDE = ("TIME", "NODE", "SOURCE", "LEVEL", "ABOUT", "MESSAGE")


@dataclass(slots=True)
class _Row:
    line: LogLine
    text: str
    nodes: list[str] = field(default_factory=list)
    count: int = 0


def render(report: LogsReport, style: Style) -> str:
    lines = _wide(report, style) if style.wide else _narrow(report, style)
    return page(lines, report, style)


def _wide(report: LogsReport, style: Style) -> list[str]:
    rows: list[Sequence[str]] = [_WIDE] if style.headers and not report.continued else []
    for line in report.lines:
        time = "-" if line.time is None else f"{_day(line.time)}T{_clock(line.time)}Z"
        level = line.level.value if line.level else "-"
        rows.append(
            (
                f"~{time}" if line.assumed else time,
                line.node or "-",
                line.source,
                level,
                str(line.about),
                _text(line),
            )
        )
    return columns(rows)


def _narrow(report: LogsReport, style: Style) -> list[str]:
    width = min(max(map(len, (*report.nodes, "99 nodes"))), _NODE)
    head = f"{'TIME (UTC)':{_TIME}}  {'NODE':{width}}  {'SOURCE':{_SOURCE}}  "
    lines = [f"{head}MESSAGE"] if style.headers and not report.continued else []
    day = _day(report.collected.started_at)
    for row in _folded(report.lines):
        if row.line.time is not None and _day(row.line.time) != day:
            day = _day(row.line.time)
            lines.append(day)
        lines += _cells(row, width, len(head), style)
    return lines


def _cells(row: _Row, width: int, room: int, style: Style) -> list[str]:
    line, nodes = row.line, [node for node in row.nodes if node]
    time = "-" if line.time is None else _clock(line.time)
    where = escape(_named(nodes, width))
    source = escape(line.source)[:_SOURCE]
    head = (
        f"{'~' if line.assumed else ' '}{time:{_TIME - 1}}  {where:{width}}  {source:{_SOURCE}}  "
    )
    often = f" ({row.count} times)" if row.count > len(row.nodes) else ""
    mark = {Level.ERROR: "E ", Level.WARNING: "W "}.get(line.level or Level.INFO, "")
    text = f"{mark}{escape(row.text)}{often}"
    parts = _wrapped(text, style.width - room if style.width else 0) or [""]
    painted = [style.paint(part, line.level.value if mark and line.level else "") for part in parts]
    blank = " " * len(head)
    return [f"{head}{painted[0]}".rstrip(), *(f"{blank}{part}" for part in painted[1:])]


def _wrapped(text: str, room: int) -> list[str]:
    if not room:
        return [text]
    room = max(room, 20)
    whole = textwrap.wrap(text, width=room, break_on_hyphens=False, break_long_words=False)
    parts = [part[at : at + room] for part in whole for at in range(0, len(part), room)]
    if len(parts) > _ROWS:
        parts = parts[:_ROWS]
        parts[-1] = parts[-1][: room - 1] + "…"
    return parts


def _named(nodes: Sequence[str], width: int) -> str:
    if not nodes:
        return "-"
    joined = names(nodes)
    if len(joined) > width and len(nodes) > 1:
        joined = f"{len(nodes)} nodes"
    return joined if len(joined) <= width else joined[: width - 1] + "…"


def _folded(lines: Iterable[LogLine]) -> list[_Row]:
    rows: list[_Row] = []
    known: dict[object, _Row] = {}
    for line in lines:
        text = _text(line)
        key = (line.source, line.level, text, str(line.about), line.assumed)
        row = known.get(key)
        near = (
            row is not None
            and row.line.time is not None
            and line.time is not None
            and line.time - row.line.time <= _SECONDS
        )
        if row is None or not (near or row is rows[-1]):
            row = known[key] = _Row(line, text)
            rows.append(row)
        row.count += 1
        if line.node not in row.nodes:
            row.nodes.append(line.node)
    return rows


def _text(line: LogLine) -> str:
    """A record of several lines is one here."""
    return " ".join(line.message.split())


def _moment(time: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(time, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return None


def _clock(time: float) -> str:
    moment = _moment(time)
    return moment.strftime("%H:%M:%S.%f")[:-3] if moment else "?"


def _day(time: float) -> str:
    moment = _moment(time)
    return moment.strftime("%Y-%m-%d") if moment else "?"
