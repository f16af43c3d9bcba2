"""Where the time of one `trace` goes, from the start of Python to its end.

`python -m benchmarks.parts START ARGUMENT…` is `kubectl svcnet ARGUMENT…` with a clock around each
fetch; START is the time before it was started. Its last line on stderr is the marks.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from .figures import median_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One fetch: what for, and when, in seconds since the start."""

    kind: str
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    importing: float  # Python and what is imported before the first request
    asking: float  # the API, until the first exec
    nodes: float  # from the first exec's start to the last one's end
    answering: float  # the API again, judging, the answer, Python's end

    def rows(self) -> list[list[str]]:
        return [
            ["until the first request", f"{self.importing:.3f} s"],
            ["until the first exec", f"{self.asking:.3f} s"],
            ["execs, all nodes at once", f"{self.nodes:.3f} s"],
            ["from the last exec to the end", f"{self.answering:.3f} s"],
        ]


def parts_of(marks: Sequence[Mark], whole: float) -> Parts:
    execs = [mark for mark in marks if mark.kind == "ExecRequest"]
    first = min(mark.start for mark in marks)
    begun = min(mark.start for mark in execs)
    ended = max(mark.end for mark in execs)
    return Parts(
        importing=first, asking=begun - first, nodes=ended - begun, answering=whole - ended
    )


def measure(arguments: Sequence[str], environment: dict[str, str], times: int) -> Parts:
    """Medians, part by part."""
    found = [once(arguments, environment) for _ in range(times)]
    return Parts(
        importing=median_of(found, lambda each: each.importing),
        asking=median_of(found, lambda each: each.asking),
        nodes=median_of(found, lambda each: each.nodes),
        answering=median_of(found, lambda each: each.answering),
    )


def once(arguments: Sequence[str], environment: dict[str, str]) -> Parts:
    started = time.time()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.parts", repr(started), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment,
        timeout=600,
        check=False,
    )
    whole = time.time() - started
    marks = json.loads(done.stderr.strip().splitlines()[-1])
    return parts_of([Mark(kind=kind, start=a, end=b) for kind, a, b in marks], whole)


def main(start: float, arguments: Sequence[str]) -> int:
    from kubectl_svcnet.cli.main import main as svcnet
    from kubectl_svcnet.cluster.live import LiveSource
    from kubectl_svcnet.model.capture import Capture, Request

    marks: list[tuple[str, float, float]] = []
    fetch = LiveSource.fetch

    def timed(source: LiveSource, request: Request) -> tuple[Capture, ...]:
        begun = time.time()
        try:
            return fetch(source, request)
        finally:
            marks.append((type(request).__name__, begun - start, time.time() - start))

    LiveSource.fetch = timed  # type: ignore[method-assign,assignment]
    status = svcnet(arguments)
    print(json.dumps(marks), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
