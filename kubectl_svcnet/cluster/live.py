"""The Source that is a running cluster.

`fetch` answers every request with captures, from many threads at once, and raises only for what
the tables of `model.commands` and `model.rights` do not allow. Rights, silence, size and the end
of the run's time are failures in the captures. `check` is for the start: it raises ClusterError
where there is nothing to talk to.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..errors import ClusterError, SvcnetError
from ..model.capture import (
    ApiRequest,
    Capture,
    ExecRequest,
    Failure,
    ForwardRequest,
    LogRequest,
    ProbeRequest,
    Reason,
    Request,
    ReviewRequest,
)
from ..model.rights import checked
from . import portforward
from .config import ClusterConfig
from .deadline import Deadline, Gate, Stop, run_bounded
from .exec import Executor, PlainRunner, Ran, failed, run_batch
from .faults import Fault, of_exception
from .follow import Follower
from .limits import Limits
from .rest import Pages, Reply, Rest
from .transport import Transport

#: What is answered by one capture.
_Single: TypeAlias = ApiRequest | LogRequest | ForwardRequest | ReviewRequest | ProbeRequest


@dataclass(slots=True)
class Stats:
    """What this run has cost so far."""

    execs: int = 0
    requests: int = 0
    bytes: int = 0


class LiveSource:
    """`warn` gets each `Warning:` header of the API server once; `progress` each finished fetch."""

    def __init__(
        self,
        config: ClusterConfig,
        limits: Limits | None = None,
        *,
        warn: Callable[[str], None] | None = None,
        progress: Callable[[Request], None] | None = None,
    ) -> None:
        self.config = config
        self.limits = limits or Limits()
        self.stats = Stats()
        self.warnings: list[str] = []
        self._deadline = Deadline(self.limits.timeout)
        self._stop = Stop()
        self._lock = threading.Lock()
        self._gate = Gate(self.limits.max_parallel, self._stop)
        self._transport = Transport(
            config, connections=self.limits.max_parallel, warn=self._note_warning
        )
        self._rest = Rest(self._transport, self.limits, self._stop, warn=self._note_warning)
        self._follower = Follower(self._transport, self._stop)
        self._executor = Executor(self._transport, self.limits, self._stop)
        self._plain = PlainRunner(self.limits)
        self._tell_warning, self._tell_progress = warn, progress

    @property
    def context(self) -> str:
        return self.config.context

    def now(self) -> float:
        return time.time()

    def wait(self, seconds: float) -> None:
        """Sleeps, but no longer than the run may last or until it is interrupted."""
        self._stop.wait(self._deadline.capped(seconds).remaining() or 0.0)

    def interrupt(self) -> None:
        """Makes all fetches, running and to come, end at once with INTERRUPTED."""
        self._stop.set()

    @property
    def ended(self) -> bool:
        """It was interrupted, or the run's time is over."""
        return self._stop.is_set() or self._deadline.expired()

    def follow(self, request: LogRequest | ApiRequest) -> Iterator[Capture]:
        """Each part as it comes (`follow`); no place among `max_parallel` is taken for it."""
        checked(request, follow=True)
        self._count(requests=1)
        for capture in self._follower.follow(request, _doing(request)):
            self._count(size=capture.size)
            yield capture

    def check(self) -> Mapping[str, Any]:
        """Gets credentials (a plugin may ask for a login: no deadline) and asks for /version.

        Raises ClusterError where the server cannot be reached or does not know who asks.
        """
        self._transport.headers()
        capture = self.fetch(ApiRequest(path="/version", many=False))[0]
        failure = capture.failure
        fatal = (Reason.UNAUTHORIZED, Reason.UNREACHABLE, Reason.TIMEOUT, Reason.BROKEN)
        if failure is not None and failure.reason in fatal:
            raise ClusterError(_first_sentence(failure, self.config.server))
        return capture.objects[0] if capture.objects else {}

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        checked(request)
        try:
            if isinstance(request, ExecRequest):
                return self._fetch_exec(request)
            return (self._timed(request, lambda deadline: self._answer(request, deadline)),)
        finally:
            if self._tell_progress is not None:
                self._tell_progress(request)

    def pages(self, request: ApiRequest) -> Iterator[Capture]:
        """Each by its own request, with its own time."""
        checked(request)
        pages = Pages(request, self.limits)
        going = True
        while going:
            capture = self._timed(request, lambda deadline: self._rest.page(pages, deadline))
            going = capture.failure is None and not pages.finished
            yield capture
        if self._tell_progress is not None:
            self._tell_progress(request)

    def _fetch_exec(self, request: ExecRequest) -> tuple[Capture, ...]:
        try:
            if request.shell:
                return run_batch(request, self.limits, self._run)
            return self._plain.run_all(request, self._run)
        except (Fault, SvcnetError) as error:
            return failed(request, error)

    def _run(self, request: ExecRequest, argv: Sequence[str], limit: int) -> Ran:
        """One exec when there is a free place; its own time starts then."""
        self._gate.enter(self._deadline, f"exec in {request.namespace}/{request.pod}")
        try:
            self._count(execs=1)
            deadline = self._deadline.capped(self.limits.exec_timeout)
            ran = self._executor.run(request, argv, limit, deadline)
            self._count(size=len(ran.stdout) + len(ran.stderr))
            return ran
        finally:
            self._gate.leave()

    def _timed(self, request: _Single, ask: Callable[[Deadline], Reply]) -> Capture:
        started, clock = time.time(), time.monotonic()
        doing = _doing(request)
        try:
            reply = self._ask(request, ask, doing)
        except (Fault, SvcnetError) as error:
            reply = Reply(failure=of_exception(error, doing))
        self._count(size=reply.size)
        return Capture(
            request=request,
            started=started,
            seconds=time.monotonic() - clock,
            data=reply.data,
            exit_code=reply.status,
            objects=reply.objects,
            size=reply.size,
            truncated=reply.truncated,
            remaining=reply.remaining,
            version=reply.version,
            failure=reply.failure,
        )

    def _ask(self, request: _Single, ask: Callable[[Deadline], Reply], doing: str) -> Reply:
        self._gate.enter(self._deadline, doing)
        try:
            self._count(requests=1)
            deadline = self._deadline.capped(self._seconds_for(request))
            return run_bounded(lambda: ask(deadline), deadline, self._stop, doing)
        finally:
            self._gate.leave()

    def _seconds_for(self, request: Request) -> float:
        if isinstance(request, ForwardRequest):
            return self.limits.exec_timeout
        return self.config.request_timeout or self.limits.request_timeout

    def _answer(self, request: _Single, deadline: Deadline) -> Reply:
        match request:
            case ApiRequest(many=True):
                return self._rest.list(request, deadline)
            case ApiRequest():
                return self._rest.get(request, deadline)
            case LogRequest():
                return self._rest.log(request, deadline)
            case ReviewRequest():
                return self._rest.review(request, deadline)
            case ProbeRequest():
                return self._rest.probe(request, deadline)
            case ForwardRequest():
                limit = self.limits.max_answer
                return portforward.get(self._transport, request, deadline, limit)

    def _count(self, *, execs: int = 0, requests: int = 0, size: int = 0) -> None:
        with self._lock:
            self.stats.execs += execs
            self.stats.requests += requests
            self.stats.bytes += size

    def _note_warning(self, text: str) -> None:
        with self._lock:
            if text in self.warnings:
                return
            self.warnings.append(text)
        if self._tell_warning is not None:
            self._tell_warning(text)


def _doing(request: _Single) -> str:
    match request:
        case ApiRequest():
            return f"GET {request.path}"
        case LogRequest():
            return f"log of {request.namespace}/{request.pod}"
        case ReviewRequest():
            return f"may I {request.verb} {request.resource}"
        case ProbeRequest():
            return f"dry-run of a Service at {request.address}"
        case ForwardRequest():
            return (
                f"GET 127.0.0.1:{request.port}{request.path} in {request.namespace}/{request.pod}"
            )


def _first_sentence(failure: Failure, server: str) -> str:
    """kubectl's own words, where it has some."""
    if failure.reason is Reason.UNAUTHORIZED:
        return "You must be logged in to the server (Unauthorized)"
    if "connection refused" in failure.message:
        host = server.partition("://")[2]
        return (
            f"The connection to the server {host} was refused - did you specify the right host"
            " or port?"
        )
    return f"Unable to connect to the server: {failure.message}"
