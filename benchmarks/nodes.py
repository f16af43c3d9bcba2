"""`trace` of one Service on many nodes, over a loopback API server: no lab.

`python -m benchmarks --only nodes` starts `tests.fleet` in a process of its own, so its time is in
the wall time alone, and asks it as a user would. With a fifth of the nodes dead, silent, slow, cut
off or talking garbage, waiting for them (--exec-timeout, 16 at a time) is most of the wall time.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.fleet import fleet

from .figures import median_of, table
from .ranges import Cost, cost

WALL_GOAL, NODES = 8.0, 300
SIZES = (30, 100, NODES, 600)
MOST_AT_ONCE = 16
_TIMES = 3


def measured(nodes: int, spoilt: int, words: Sequence[str] = ()) -> Cost:
    """SystemExit if it was not one exec a node, or more than 16 at once of nodes that answer."""
    sound = nodes - spoilt
    with tempfile.TemporaryDirectory() as folder, fleet(nodes, spoilt, Path(folder)) as serving:
        asked = ["trace", "db-service", "--kubeconfig", str(serving.kubeconfig), *words]
        found = cost(asked, says=f"{sound} nodes")
        came = serving.stop()
    if set(came.execs.values()) != {1} or len(came.execs) != nodes:
        raise SystemExit(f"not one exec for each of {nodes} nodes: {came.execs}")
    if not spoilt and came.most > MOST_AT_ONCE:
        raise SystemExit(f"{came.most} execs at once")
    return found


def bench(*, markdown: bool = False) -> bool:
    """Whether the goal was met."""
    rows = [["trace db-service", "wall time", "processor time", "memory", "goal"]]
    missed = False
    for nodes, spoilt in (*((size, 0) for size in SIZES), (NODES, NODES // 5)):
        runs = [measured(nodes, spoilt) for _ in range(1 if spoilt else _TIMES)]
        wall = median_of(runs, lambda run: run.wall)
        seconds = median_of(runs, lambda run: run.seconds)
        memory = max(run.memory for run in runs)
        goal = ""
        if (nodes, spoilt) == (NODES, 0):
            missed = wall > WALL_GOAL
            goal = "missed" if missed else "met"
        name = f"{nodes} nodes" + (f", {spoilt} of them spoilt" if spoilt else "")
        rows.append([name, f"{wall:.1f} s", f"{seconds:.1f} s", f"{memory:.0f} MiB", goal])
    print(table(rows, markdown=markdown), flush=True)
    return not missed


if __name__ == "__main__":
    sys.exit(0 if bench() else 1)
