"""One order for lines of all places, each once.

Lines are ordered by their time; those of the same time, or without one, stay in the order in
which their place wrote them, and a line without a time stays behind the one before it. A log that
a pod and a file on its node both hold is shown once, as the pod's, whose times the API gives.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from ..model.logline import LogLine
from .node_file import ASSUMED

_QUARTER = 900.0  # zones are whole quarters of an hour


def merge(lines: Iterable[LogLine]) -> tuple[LogLine, ...]:
    """Nothing that two places do not share is left out."""
    known = list(lines)
    stated = {(line.node, line.raw): line for line in known if line.raw and not line.assumed}
    shifts = _shifts(known, stated)
    kept = [
        _shifted(line, shifts)
        for line in known
        if not (line.assumed == ASSUMED and (line.node, line.raw) in stated)
    ]
    return tuple(line for _, line in sorted(_placed(kept), key=lambda pair: pair[0]))


def _shifts(
    lines: Iterable[LogLine], stated: dict[tuple[str, str], LogLine]
) -> dict[str, tuple[float, int]]:
    """Per node: how far the clock of its file is from UTC, by how many lines that both have."""
    seen: dict[str, list[float]] = defaultdict(list)
    for line in lines:
        twin = stated.get((line.node, line.raw)) if line.assumed == ASSUMED else None
        if twin is not None and twin.time is not None and line.time is not None:
            seen[line.node].append(round((twin.time - line.time) / _QUARTER) * _QUARTER)
    return {node: (found[0], len(found)) for node, found in seen.items() if len(set(found)) == 1}


def _shifted(line: LogLine, shifts: dict[str, tuple[float, int]]) -> LogLine:
    if line.assumed != ASSUMED or line.node not in shifts or line.time is None:
        return line
    shift, count = shifts[line.node]
    how = f"year and zone, by {count} of its lines that the pod's log has too"
    return replace(line, time=line.time + shift, assumed=how)


def _placed(lines: Iterable[LogLine]) -> Iterable[tuple[float, LogLine]]:
    """A line without a time takes the place of the one before it from the same log."""
    last: dict[tuple[str, str], float] = {}
    for line in lines:
        log = (line.node, line.source)
        time = last.get(log, 0.0) if line.time is None else line.time
        last[log] = time
        yield time, line
