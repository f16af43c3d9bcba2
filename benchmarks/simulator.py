"""The simulator against the node's own tools, without a cluster: `python -m benchmarks --only
simulator`.

Rulesets as kube-proxy writes them are loaded into a network namespace. What the node's own save
command costs there is measured beside what it costs to answer from its text: seconds of processor
time on both sides, which a machine that does other things too changes little. Needs root.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.lab.shell import LabError

from . import rulesets
from .answering import NODE, Answered
from .figures import show_bytes, show_ratio, table
from .in_part import Cost, in_part
from .sizes import Size

NAMESPACE = f"svcnet-bench-{os.getpid()}"  # several may run at once
LARGE, HUGE = Size(5000, 10), Size(5000, 34)
TIMEOUT = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """At most: seconds for one Service, seconds for all and their clients, MiB."""

    one: float
    all: float | None
    memory: float

    def missed(self, found: Answered) -> str:
        """In words; "met" if none is."""
        over = [f"one Service in {self.one:g} s"] if found.one > self.one else []
        if self.all is not None and found.all is not None and found.all > self.all:
            over.append(f"all in {self.all:g} s")
        if found.memory > self.memory:
            over.append(f"{self.memory:g} MiB")
        return f"missed: {', '.join(over)}" if over else "met"


TEXT = Goal(one=0.4, all=20, memory=300)
JSON = Goal(one=2, all=None, memory=700)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A ruleset that is written, loaded with one command, and saved with others."""

    name: str
    size: Size
    lines: Callable[[Size], Iterator[str]]
    load: tuple[str, ...]
    saves: tuple[tuple[tuple[str, ...], Goal | None], ...]


_LIST = ("list", "table", "ip", "kube-proxy")
_NFT = ((("nft", *_LIST), TEXT), (("nft", "-j", *_LIST), JSON))
_LEGACY, _RESTORE = (("iptables-legacy-save",), TEXT), ("iptables-legacy-restore",)
CASES = (
    Case(
        name="iptables-legacy",
        size=LARGE,
        lines=rulesets.iptables,
        load=_RESTORE,
        saves=(_LEGACY,),
    ),
    Case(
        name="iptables-legacy",
        size=HUGE,
        lines=rulesets.iptables,
        load=_RESTORE,
        saves=((("iptables-legacy-save",), None),),
    ),
    Case(
        name="iptables-nft",
        size=LARGE,
        lines=rulesets.iptables,
        load=("iptables-nft-restore",),
        saves=((("iptables-nft-save",), TEXT),),
    ),
    Case(
        name="nftables of 1.36",
        size=LARGE,
        lines=partial(rulesets.nftables, chain_per_endpoint=False),
        load=("nft", "-f", "-"),
        saves=_NFT,
    ),
    Case(
        name="nftables of 1.35",
        size=LARGE,
        lines=partial(rulesets.nftables, chain_per_endpoint=True),
        load=("nft", "-f", "-"),
        saves=_NFT,
    ),
)


@contextmanager
def namespace() -> Iterator[None]:
    if os.geteuid():
        raise LabError("Namespaces need root.")
    subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "netns", "del", NAMESPACE], check=False)


def inside(argv: Sequence[str], stdin: str | None = None) -> tuple[str, float]:
    """What a command there prints, and its seconds of processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = ["ip", "netns", "exec", NAMESPACE, *argv]
    done = subprocess.run(
        whole, input=stdin, capture_output=True, text=True, check=False, timeout=TIMEOUT
    )
    if done.returncode:
        raise LabError(f"{' '.join(argv)} ended with status {done.returncode}: {done.stderr[:500]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def nearby(folder: Path) -> list[str]:
    """The addresses and routes of such a node, as `ip -j` prints them."""
    devices = (("lo", "127.0.0.1", 8), ("eth0", NODE, 24), ("cni0", "10.244.3.1", 24))
    entries = [
        {"ifname": name, "addr_info": [{"family": "inet", "local": local, "prefixlen": length}]}
        for name, local, length in devices
    ]
    routes = [{"dst": "default", "gateway": "172.18.0.1", "dev": "eth0", "table": "main"}]
    routes.append({"dst": "10.244.3.0/24", "dev": "cni0", "table": "main"})
    routes += [
        {"type": "local", "dst": local, "dev": name, "table": "local"} for name, local, _ in devices
    ]
    paths = [folder / "addresses.json", folder / "routes.json"]
    for path, content in zip(paths, (entries, routes), strict=True):
        path.write_text(json.dumps(content))
    return [str(path) for path in paths]


def answered(folder: Path, rules: str, size: Size, which: str) -> Answered:
    path = folder / "rules"
    path.write_text(rules)
    words = [str(path), *nearby(folder), str(size), which]
    run = [sys.executable, "-m", "benchmarks.answering", *words]
    done = subprocess.run(run, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    if done.returncode:
        raise LabError(f"no answer: {done.stderr[-2000:]}")
    return Answered(**json.loads(done.stdout))


HEAD = ["ruleset", "lines", "bytes", "node saves", "one Service", "ratio", "all", "memory", "goal"]


PARTS = [
    "one Service of a node",
    "table",
    "listed in",
    "read",
    "ratio",
    "judged in",
    "ratio",
    "goal",
]
SHARE, FASTER = 20, 2  # times fewer bytes, times faster than listing


def measure(case: Case, folder: Path, parts: list[list[str]]) -> Iterator[list[str]]:
    """Rows, one per save command; `parts` gets one where a table can be read in part."""
    with namespace():
        inside(case.load, "\n".join(case.lines(case.size)) + "\n")
        for argv, goal in case.saves:
            text, saving = inside(argv)
            if tuple(argv[1:]) == _LIST:
                whole = Cost(seconds=saving, bytes=len(text))
                parts.append(part_row(case, whole, in_part(case.size, inside)))
            which = "all" if goal is not None and goal.all is not None else "one"
            found = answered(folder, text, case.size, which)
            yield row(case, argv, text, saving, found, goal)


def row(
    case: Case, argv: Sequence[str], text: str, saving: float, found: Answered, goal: Goal | None
) -> list[str]:
    json_ = " JSON" if "-j" in argv else ""
    return [
        f"{case.name}{json_}, {case.size}",
        f"{text.count(chr(10)):,}",
        show_bytes(len(text)),
        f"{saving:.2f} s",
        beside(found.one, ".2f", "s", goal.one if goal else None),
        show_ratio(saving, found.one),
        beside(found.all, ".1f", "s", goal.all if goal else None),
        beside(found.memory, ".0f", "MiB", goal.memory if goal else None),
        goal.missed(found) if goal else "-",
    ]


def beside(measured: float | None, form: str, unit: str, goal: float | None) -> str:
    if measured is None:
        return "-"
    return f"{measured:{form}} {unit if goal is None else f'of {goal:g} {unit}'}"


def part_row(case: Case, whole: Cost, part: Cost) -> list[str]:
    missed = [f"{SHARE}x fewer bytes"] if whole.bytes < SHARE * part.bytes else []
    missed += [f"{FASTER}x faster"] if whole.seconds < FASTER * part.seconds else []
    return [
        f"{case.name}, {case.size}",
        show_bytes(whole.bytes),
        f"{whole.seconds:.2f} s",
        show_bytes(part.bytes),
        show_ratio(whole.bytes, part.bytes),
        f"{part.seconds:.2f} s",
        show_ratio(whole.seconds, part.seconds),
        f"missed: {', '.join(missed)}" if missed else "met",
    ]


def bench(*, markdown: bool = False) -> None:
    print("\n== the simulator, from saved rulesets (seconds of processor time)", flush=True)
    rows, parts = [HEAD], [PARTS]
    with tempfile.TemporaryDirectory() as name:
        for case in CASES:
            for found in measure(case, Path(name), parts):
                print("  ".join(found), flush=True)
                rows.append(found)
    for each in (rows, parts):
        print(f"\n{table(each, markdown=markdown)}", flush=True)
