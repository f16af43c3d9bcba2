"""`make bench`: the simulator against the node's own tools, then `kubectl svcnet trace SERVICE`
against the loop by hand, on the running lab.

On the lab both are timed in turn in the same run, and medians are compared. It is left as it was
found, unless --keep says otherwise. `--only simulator` needs no lab, only root; `--only ranges`,
`--only check` and `--only nodes`, which ask recorded answers of a large cluster, neither.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from tests.lab import cluster, kube, node
from tests.lab.shell import LabError
from tests.lab.topology import Node

from . import check, nodes, parts, proxies, ranges, simulator, texts
from .calm import wait_for_rest
from .figures import (
    Run,
    compare,
    median_of,
    middle,
    show_seconds,
    table,
)
from .load import Loaded, load, unload
from .runs import ByHand, Ours, environment
from .sizes import NAMESPACE, Size, parse_size

PAUSE = 120.0  # at most, after loading, for controllers to come to rest
PART_TIMES = 3
HELP_TIMES = 20


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    made.add_argument(
        "--sizes",
        type=lambda text: [parse_size(word) for word in text.split(",")],
        default="1000x4,5000x10",
        help="Services x endpoints of each (default: %(default)s; the larger takes up to hours)",
    )
    made.add_argument(
        "--only",
        choices=("simulator", "ranges", "check", "nodes", "lab"),
        help="one part of it",
    )
    made.add_argument("--times", type=int, default=7, help="runs of each (default: %(default)s)")
    made.add_argument("--keep", action="store_true", help="leave the last size loaded")
    made.add_argument("--markdown", action="store_true", help="print tables for a README")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # and unload
    try:
        if options.only in (None, "ranges"):
            ranges.bench(markdown=options.markdown)
        if options.only in (None, "check"):
            check.bench(markdown=options.markdown)
        if options.only in (None, "nodes"):
            nodes.bench(markdown=options.markdown)
        if options.only in (None, "simulator"):
            simulator.bench(markdown=options.markdown)
        if options.only in ("ranges", "check", "nodes", "simulator"):
            return 0
        if not cluster.is_up():
            raise LabError("The lab is not up: make lab-up")
        proxies.require_all()
        say(help_cost(), options.markdown)
        try:
            for size in options.sizes:
                measure(size, options.times, options.markdown)
        finally:
            if not options.keep:
                print(f"unloaded in {show_seconds(unload())}", flush=True)
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def say(rows: Sequence[Sequence[str]], markdown: bool) -> None:
    print(f"\n{table(rows, markdown=markdown)}", flush=True)


def measure(size: Size, times: int, markdown: bool) -> None:
    print(f"\n== {size.services:,} Services x {size.endpoints} endpoints", flush=True)
    done = load(size)
    print("\n".join(loading(done)), flush=True)
    if not done.nodes:
        raise LabError("No node holds the rules: nothing can be measured.")
    wait_for_rest(PAUSE)
    service = size.middle
    say(comparison(done.nodes, service, times), markdown)
    chosen = [f"--node={one.name}" for one in done.nodes]
    words = ("trace", service, "-n", NAMESPACE, *chosen, "-o", "json")
    found = parts.measure(words, environment(), PART_TIMES)
    say([["part of one trace", "time"], *found.rows()], markdown)
    say(text_speed(done, times=PART_TIMES), markdown)


def loading(done: Loaded) -> list[str]:
    """What holds the rules, and how long that took."""
    lines = []
    if done.creating:
        lines.append(f"objects created in {show_seconds(done.creating)}")
    for one in done.nodes:
        took = done.seconds.get(one.name)
        said = f"loaded in {show_seconds(took)}" if took is not None else "loaded already"
        lines.append(f"{one.name} ({node.backend(one)}) {said}")
    for one in done.left_out:
        lines.append(f"{one.name} ({node.backend(one)}) left out: not loaded in time")
    return lines


def comparison(nodes: Sequence[Node], service: str, times: int) -> list[list[str]]:
    rows = [["", "loop by hand", "svcnet", "ratio"]]
    names = ",".join(f"{one.name} {node.backend(one)}" for one in nodes)
    rows += compare(f"{len(nodes)} nodes ({names})", *in_turn(nodes, service, times))
    for one in nodes:
        if any(node.backend(o) == node.backend(one) for o in nodes[: nodes.index(one)]):
            continue
        theirs, ours = in_turn([one], service, times)
        rows += compare(f"{one.name} {node.backend(one)}", theirs, ours)[:2]
    return rows


def in_turn(nodes: Sequence[Node], service: str, times: int) -> tuple[Run, Run]:
    """Medians of both ways, alternating, after one run of each that does not count."""
    by_hand, ours = ByHand(nodes, service), Ours(nodes, service)
    by_hand.run()
    ours.run()
    pairs = [(at_rest(by_hand.run), at_rest(ours.run)) for _ in range(times)]
    return middle([pair[0] for pair in pairs]), middle([pair[1] for pair in pairs])


def at_rest(run: Callable[[], Run]) -> Run:
    if not wait_for_rest():
        print("the machine does not come to rest: figures are those of a busy one", flush=True)
    return run()


def text_speed(done: Loaded, times: int) -> list[list[str]]:
    rows = [["one Service from a saved dump", "lines", "node prints", "we read", "we walk"]]
    address = kube.get("service", done.size.middle, "-n", NAMESPACE)["spec"]["clusterIP"]
    for backend in dict.fromkeys(map(node.backend, done.nodes)):
        one = next(each for each in done.nodes if node.backend(each) == backend)
        found = texts.measure(one, done.size, address, times)
        seconds = (found.printing, found.parsing, found.walking)
        rows.append([backend, f"{found.lines:,}", *map(show_seconds, seconds)])
    return rows


def help_cost() -> list[list[str]]:
    """`--help` beside a Python that does nothing."""
    empty = [sys.executable, "-c", "pass"]
    help = ["kubectl-svcnet", "--help"]
    timed(help)
    pairs = [(timed(empty), timed(help)) for _ in range(HELP_TIMES)]
    bare, full = median_of(pairs, lambda pair: pair[0]), median_of(pairs, lambda pair: pair[1])
    return [
        ["", "python -c pass", "kubectl-svcnet --help", "more"],
        ["start", f"{bare:.3f} s", f"{full:.3f} s", f"{full - bare:.3f} s"],
    ]


def timed(argv: Sequence[str]) -> float:
    started = time.monotonic()
    subprocess.run(argv, env=environment(), stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - started


if __name__ == "__main__":
    sys.exit(main())
