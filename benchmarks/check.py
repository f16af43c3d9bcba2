"""`check` of a large cluster, from recorded answers: no lab.

`python -m benchmarks --only check` writes bundles of three nodes (the recorded lab, with so many
more Services in its lists and its dumps), runs `kubectl svcnet check -A` on each in a process of
its own, and prints the wall time, the processor time and the most memory that it took.
"""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

from kubectl_svcnet.cluster.bundle import BundleWriter
from kubectl_svcnet.model.capture import Capture
from tests.saved import Saved, of_resource

from .figures import median_of, table
from .ranges import cost
from .rulesets import iptables, service_address
from .sizes import NAMESPACE, Object, Size, endpoint_slice, service

NODES = ("n1", "n2", "n3")
WALL_GOAL, MEMORY_GOAL = 10.0, 400.0  # seconds, MiB
GOAL = Size(1000, 10)
SIZES = (Size(250, 10), Size(500, 10), GOAL, Size(1000, 20), Size(2000, 10))
_TIMES = 3
_SEEN = "Services ok on 3 of 3 nodes"


def services(size: Size) -> tuple[Object, ...]:
    made = []
    for number in range(size.services):
        one = service(number)
        one["metadata"]["namespace"] = NAMESPACE
        one["spec"] |= {"type": "ClusterIP", "clusterIPs": [str(service_address(number))]}
        made.append(one)
    return tuple(made)


def slices(size: Size) -> tuple[Object, ...]:
    made = [endpoint_slice(size, number) for number in range(size.services)]
    for one in made:
        one["metadata"]["namespace"] = NAMESPACE
    return tuple(made)


def more_rules(size: Size, dump: str) -> str:
    """A dump with the Services' own chains, and their dispatch before all others'."""
    nat, first = dump.find("*nat\n"), dump.find("-A KUBE-SERVICES ", dump.find("*nat\n"))
    if nat < 0 or first < 0:
        return dump
    own = [line for line in iptables(size) if re.match(r"(:|-A )KUBE-(SVC|SEP)-", line)]
    dispatch = [line for line in iptables(size) if line.startswith("-A KUBE-SERVICES -d ")]
    names = "".join(f"{line}\n" for line in own if line.startswith(":"))
    rules = "".join(f"{line}\n" for line in (*own, *dispatch) if line.startswith("-A "))
    head = nat + len("*nat\n")
    return dump[:head] + names + dump[head:first] + rules + dump[first:]


def _of(resource: str, capture: Capture) -> bool:
    return of_resource(capture.request, resource)


def _longer(more: tuple[Object, ...], capture: Capture) -> Capture:
    return replace(capture, objects=(*capture.objects, *more))


def big(size: Size) -> Saved:
    """The recorded lab, healthy, with so many Services beside its own."""
    saved = Saved()
    more = {"services": services(size), "endpointslices": slices(size)}
    for resource, objects in more.items():
        saved.change(partial(_of, resource), partial(_longer, objects))
    for node in NODES:
        saved.rules(node, lambda dump: more_rules(size, dump))
    return saved


def write(file: Path, saved: Saved) -> None:
    writer = BundleWriter(file, context="bench")
    for capture in saved.captures:
        writer.add((capture,))
    writer.finish()


def bench(*, markdown: bool = False) -> bool:
    """Whether the goal was met."""
    rows = [["check -A, 3 nodes", "wall time", "processor time", "memory", "goal"]]
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            file = Path(folder) / f"{size}.tar.gz"
            write(file, big(size))
            runs = [cost(["check", "-A", "--bundle", str(file)], says=_SEEN) for _ in range(_TIMES)]
            wall = median_of(runs, lambda run: run.wall)
            seconds = median_of(runs, lambda run: run.seconds)
            memory = max(run.memory for run in runs)
            goal = ""
            if size == GOAL:
                missed = wall > WALL_GOAL or memory > MEMORY_GOAL
                goal = "missed" if missed else "met"
            name = f"{size.services:,} Services x {size.endpoints} endpoints"
            rows.append([name, f"{wall:.1f} s", f"{seconds:.1f} s", f"{memory:.0f} MiB", goal])
    print(table(rows, markdown=markdown), flush=True)
    return not missed


if __name__ == "__main__":
    sys.exit(0 if bench() else 1)
