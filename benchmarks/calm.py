"""Waiting until the machine has nothing else to do: all nodes of the lab share its processors."""

from __future__ import annotations

import time
from pathlib import Path

ENOUGH = 0.15  # of all processors, busy with something else
LOOK = 0.3
PATIENCE = 60.0


def parse_stat(text: str) -> tuple[int, int]:
    """Busy and all ticks of all processors, from the first line of /proc/stat (proc(5))."""
    ticks = [int(word) for word in text.splitlines()[0].split()[1:9]]
    idle = ticks[3] + ticks[4]  # idle, iowait
    return sum(ticks) - idle, sum(ticks)


def busy() -> float:
    """The share of all processors that is busy now."""
    before = parse_stat(Path("/proc/stat").read_text())
    time.sleep(LOOK)
    after = parse_stat(Path("/proc/stat").read_text())
    return (after[0] - before[0]) / max(1, after[1] - before[1])


def wait_for_rest(seconds: float = PATIENCE) -> bool:
    """False where it does not come to rest in time."""
    deadline = time.monotonic() + seconds
    while busy() > ENOUGH:
        if time.monotonic() > deadline:
            return False
    return True
