"""One run of a command against a source: open it, run, show, and say how it ended.

Ctrl-C once makes every fetch end at once, so the pipeline finishes with what it has; twice kills.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Any

from ..cluster.kubeconfig import load_config
from ..cluster.live import LiveSource
from ..errors import UsageError
from ..model.capture import ApiRequest, Capture, ExecRequest, Request, Source, Streaming
from ..model.counted import counted
from ..model.options import Options
from .options import to_limits, to_options, to_overrides
from .progress import Progress

if TYPE_CHECKING:  # what renders is not needed before there is something to say
    from ..render.document import Report
    from ..render.style import Style

Work = Callable[[Source, Options], "Report"]
FollowWork = Callable[[Streaming, Options, Callable[["Report"], None]], None]


def run(given: argparse.Namespace, load: Callable[[], Work], *, timeout: float = 60.0) -> int:
    """The exit status. Errors of the run itself are raised, for `main` to say.

    `load` imports the command's pipeline; the first request is under way meanwhile.
    """
    options, source, live = open_source(given, timeout)
    interrupted = _interruptible(live)
    try:
        report = _read(source, options, _loaded(load, live))
    except Exception as error:
        if interrupted():  # before there was anything to show
            raise KeyboardInterrupt from error
        raise
    status = show(report, options, cost=True)
    if interrupted():
        from .status import INTERRUPTED

        return INTERRUPTED
    return status


def follow(given: argparse.Namespace, work: FollowWork) -> int:
    """Shows each report as it comes, until Ctrl-C: as a table, or a JSON document a line."""
    for flag, name in (("bundle", "--bundle"), ("record", "--record")):
        if flag in vars(given):
            raise UsageError(f"{name} cannot be used with -f or -w, which follow a cluster")
    options, _, live = open_source(given, 0.0)
    assert live is not None
    options = replace(options, output={"json": "jsonl"}.get(options.output, options.output))
    interrupted = _interruptible(live)
    ends: list[int] = []
    try:
        live.check()
        work(live, options, lambda report: ends.append(show(report, options)))
    except Exception as error:
        if interrupted():  # before there was anything to show
            raise KeyboardInterrupt from error
        raise
    from .status import INTERRUPTED

    return INTERRUPTED if interrupted() else max(ends, default=0)


def _read(source: Source, options: Options, work: Work) -> Report:
    recording = _recording(source, options)
    try:
        report = work(recording or source, options)
    except BaseException:
        if recording is not None:
            recording.discard()
        raise
    if recording is not None:
        recording.finish()
    return report


def show(report: Report, options: Options, *, cost: bool = False) -> int:
    """The report on stdout, `cost` of reading it on stderr; the exit status.

    Names alone and manifests have no room for gaps, which stand on stderr then (law 2)."""
    from ..render import render
    from ..render.escape import escape
    from ..render.table.statements import closing, gap_lines
    from . import status

    report = replace(report, gaps=status.accept(report.gaps, options.accept_gaps))
    style = style_of(options)
    sys.stdout.write(render(report, options.output, style))
    sys.stdout.flush()
    for line in gap_lines(report.gaps, style) if options.output in ("name", "role") else ():
        print(line, file=sys.stderr)
    if nothing := _nothing(report, options):
        print(nothing, file=sys.stderr)
    elif cost and options.output in ("table", "wide") and _reads_nodes(report):
        print(closing(report.collected), file=sys.stderr)
    for sentence in report.missing:
        print(f"Error from server (NotFound): {escape(sentence)}", file=sys.stderr)
    return status.status_of(report, fail_on=options.fail_on)


def _reads_nodes(report: Report) -> bool:
    from ..model.report import PermissionsReport

    return not isinstance(report, PermissionsReport)


def _nothing(report: Report, options: Options) -> str:
    """kubectl's sentence where all Services were asked for and there is none."""
    from ..model.report import CheckReport, TraceReport
    from ..render.escape import escape

    if not isinstance(report, TraceReport | CheckReport) or report.services or options.services:
        return ""
    if options.output in ("json", "yaml"):
        return ""
    where = "" if options.all_namespaces else f" in {escape(options.namespace)} namespace."
    return f"No resources found{where}"


def open_source(
    given: argparse.Namespace, timeout: float
) -> tuple[Options, Source, LiveSource | None]:
    """What the flags ask for and of whom; the third is the cluster, where it is one."""
    if "bundle" in vars(given):
        options = to_options(given, namespace="default", timeout=timeout)
        return options, open_bundle(options.bundle), None
    config = load_config(to_overrides(given))
    options = to_options(given, namespace=config.namespace, timeout=timeout)
    live = LiveSource(config, to_limits(options), warn=_warn, progress=Progress().tell)
    return options, _Telling(live) if options.verbosity else live, live


def _loaded(load: Callable[[], Work], live: LiveSource | None) -> Work:
    with ThreadPoolExecutor(max_workers=1) as pool:
        checked = pool.submit(live.check) if live is not None else None
        work = load()
        if checked is not None:
            checked.result()
    return work


def open_bundle(name: str) -> Source:
    """A saved bundle; `demo` is the one inside the package."""
    from importlib import resources

    from ..cluster.replay import ReplaySource

    if name == "demo":
        with resources.as_file(resources.files("kubectl_svcnet") / "bundles/demo.tar.gz") as path:
            return ReplaySource(path)
    return ReplaySource(name)


def _recording(source: Source, options: Options) -> Any:
    if not options.record:
        return None
    if options.bundle:
        raise UsageError("--record saves what a cluster answers; it cannot be used with --bundle")
    if options.record == "-":
        raise UsageError("--record writes a file, and none to stdout")
    from ..cluster.record import RecordingSource

    return RecordingSource(source, options.record)


def _warn(text: str) -> None:
    _tell(f"Warning: {text}")


def _tell(line: str) -> None:
    from ..render.escape import escape

    print(escape(line), file=sys.stderr)


def _interruptible(live: LiveSource | None) -> Callable[[], bool]:
    pressed: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if pressed or live is None:
            raise KeyboardInterrupt
        pressed.append(number)
        live.interrupt()

    signal.signal(signal.SIGINT, stop)
    return lambda: bool(pressed)


def style_of(options: Options) -> Style:
    from ..render.style import Style

    terminal = sys.stdout.isatty()
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    colour = options.color == "always" or (options.color == "auto" and terminal and not plain)
    width = shutil.get_terminal_size((80, 24)).columns if terminal else 80
    return Style(
        width=max(width, 60),
        wide=options.output == "wide",
        headers=options.headers,
        colour=colour,
        explain=options.explain,
        bars=terminal and not plain and (sys.stdout.encoding or "").lower().startswith("utf"),
    )


class _Telling:
    """-v: says on stderr what is asked, how long it took and how much came."""

    def __init__(self, inner: LiveSource) -> None:
        self.inner = inner

    @property
    def context(self) -> str:
        return self.inner.context

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        started = self.now()
        captures = self.inner.fetch(request)
        words = type(request).__name__.removesuffix("Request").lower()
        where = (
            getattr(request, "path", "")
            or f"{getattr(request, 'namespace', '')}/{getattr(request, 'pod', '')}"
        )
        took, came = self.now() - started, sum(c.size for c in captures)
        _tell(f"{words} {where}: {took:.3f}s, {counted(came, 'byte')}")
        if isinstance(request, ExecRequest):
            for capture in captures:
                said = capture.failure.message if capture.failure else f"exit {capture.exit_code}"
                name = " ".join(capture.command.argv()) if capture.command else ""
                _tell(f"  {name}: {counted(len(capture.data), 'byte')}, {said}")
        return captures

    def pages(self, request: ApiRequest) -> Iterator[Capture]:
        started = self.now()
        for capture in self.inner.pages(request):
            came = counted(capture.size, "byte")
            _tell(f"api {request.path}: {self.now() - started:.3f}s, {came}")
            yield capture

    def now(self) -> float:
        return self.inner.now()

    def wait(self, seconds: float) -> None:
        self.inner.wait(seconds)
