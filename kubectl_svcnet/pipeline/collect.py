"""Asking a source many things at once, and keeping count of what came back.

The thinking packages only name what they want; here it is fetched, in threads, and whatever was
not answered is remembered. A deadline lives in the source; this file never waits without it.
"""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from ..model.capture import (
    ApiRequest,
    Capture,
    ExecRequest,
    Failure,
    LogRequest,
    Reason,
    Request,
    Source,
    pages_of,
)
from ..model.commands import COMMANDS, Command
from ..model.finding import Gap
from ..model.rights import rights_of
from ..parse.refusals import parse_refusal

if TYPE_CHECKING:  # a report is made in the end
    from ..model.report import Collected

Item = TypeVar("Item")
Result = TypeVar("Result")


class Collector:
    """One run's conversation with a source. Safe to use from many threads."""

    def __init__(self, source: Source, *, max_parallel: int = 16) -> None:
        self.source = source
        self.started = source.now()
        self.waited = 0.0
        self._parallel = max_parallel
        self._lock = threading.Lock()
        self._execs = self._bytes = 0

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        captures = self.source.fetch(request)
        with self._lock:
            if isinstance(request, ExecRequest):
                self._execs += 1 if request.shell else len(request.commands)
            if isinstance(request, (ExecRequest, LogRequest)):
                self._bytes += sum(capture.size for capture in captures)
        return captures

    def fetch_one(self, request: Request) -> Capture:
        return self.fetch(request)[0]

    def pages(self, request: ApiRequest) -> Generator[Capture, None, None]:
        yield from pages_of(self.source, request)

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """`work` on all items at once, results in their order; an exception ends the run."""
        todo: Sequence[Item] = list(items)
        if len(todo) < 2:
            return [work(item) for item in todo]
        with ThreadPoolExecutor(max_workers=min(self._parallel, len(todo))) as pool:
            return list(pool.map(work, todo))

    def wait(self, seconds: float) -> None:
        self.waited += seconds
        self.source.wait(seconds)

    def collected(
        self, *, nodes: int = 0, nodes_read: int = 0, reread: tuple[str, ...] = ()
    ) -> Collected:
        from ..model.report import Collected

        return Collected(
            context=self.source.context,
            started_at=self.started,
            seconds=max(0.0, self.source.now() - self.started),
            nodes=nodes,
            nodes_read=nodes_read,
            execs=self._execs,
            bytes=self._bytes,
            reread=reread,
            waited=self.waited,
        )


def gap_of(request: Request, failure: Failure, *, what: str, node: str = "", blocking: bool) -> Gap:
    """The gap that a failed request leaves, with the missing right where that is the reason."""
    next = ""
    if failure.reason in (Reason.FORBIDDEN, Reason.UNAUTHORIZED):
        next = next_right(request)
    elif isinstance(request, (ExecRequest, LogRequest)) and failure.reason in (
        Reason.UNREACHABLE,
        Reason.TIMEOUT,
        Reason.BROKEN,
    ):
        next = f"kubectl describe node {node}" if node else ""
    why = parse_refusal(failure.message)
    if isinstance(request, ExecRequest) and failure.reason is Reason.TIMEOUT:
        why += "; a busy node may need a longer --exec-timeout"
    return Gap(what=what, node=node, why=why, next=next, blocking=blocking)


def next_right(request: Request) -> str:
    """The command that asks for the right; of several the one that was asked for last."""
    rights = rights_of(request)
    return rights[-1].can_i() if rights else "kubectl auth can-i --list"


def command_line(command: Command) -> str:
    """A command of the table as a person would type it; of a filter only that there is one."""
    spec = COMMANDS[command.name]
    grep = " | grep -nvE …" if spec.filtered else " | grep -n …" if spec.first else ""
    return shlex.join(command.argv()) + grep
