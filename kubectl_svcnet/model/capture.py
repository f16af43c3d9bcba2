"""Requests and captures: what is asked of a cluster, and one answer with who, when and how long.

`Source` is the one seam between thinking and I/O. Commands are data (`model.commands`), API
lists are captures too, and a failure to look is a value, never an exception and never empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, TypeAlias, runtime_checkable

from .commands import Command, Needs
from .service import Pod

#: What is wanted of a start stands within the first 8 KiB of every log seen.
LOG_HEAD = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """GET of an API path. `many`: a list, read in pages and answered as its items; else one
    object. `limit`: at most so many items, then the capture says `truncated`."""

    path: str
    query: tuple[tuple[str, str], ...] = ()
    many: bool = True
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRequest:
    """A container's log through the API. `limit_bytes` counts from the start of what is asked
    for, so without `tail_lines` or `since_seconds` it reads the head."""

    namespace: str
    pod: str
    container: str
    node: str = ""
    previous: bool = False
    timestamps: bool = False
    limit_bytes: int | None = None
    tail_lines: int | None = None
    since_seconds: int | None = None
    since_time: str = ""  # RFC 3339, whole seconds; instead of the seconds


def log_head(pod: Pod, container: str) -> LogRequest:
    """The part of a log in which whoever writes it says what it is."""
    return LogRequest(
        node=pod.node,
        namespace=pod.namespace,
        pod=pod.name,
        container=container,
        limit_bytes=LOG_HEAD,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecRequest:
    """Commands of the table, run in this order in one container. With `shell` they go as
    parameters of one constant script in one exec; without, each is an exec of plain argv.

    `in_use`: what kube-proxy on that node uses itself, so that reading it loads nothing new."""

    node: str
    namespace: str
    pod: str
    container: str
    commands: tuple[Command, ...]
    shell: bool = True
    in_use: frozenset[Needs] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardRequest:
    """HTTP GET of `path` on 127.0.0.1:`port` of a hostNetwork pod, through port-forward."""

    node: str
    namespace: str
    pod: str
    port: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRequest:
    """A SelfSubjectAccessReview: may I do this? Answered as one object."""

    verb: str
    resource: str
    subresource: str = ""
    group: str = ""
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRequest:
    """A server-side dry-run of a Service in namespace default with this ClusterIP, which lies in
    no range: nothing is stored, and the refusal, answered as one object, names the range."""

    address: str


Request: TypeAlias = (
    ApiRequest | LogRequest | ExecRequest | ForwardRequest | ReviewRequest | ProbeRequest
)


class Reason(str, Enum):
    """Why there is no answer, or only a part of it."""

    FORBIDDEN = "forbidden"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not found"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    NO_TOOL = "no such tool"
    NOT_PRESENT = "not in this kernel"  # the command's precondition does not hold: not run
    UNPROVEN = "not known to be in this kernel"  # nor the precondition: not run
    TOO_LARGE = "too large"
    NOT_RECORDED = "not recorded"
    BROKEN = "broken answer"
    INTERRUPTED = "interrupted"
    REFUSED = "refused"  # any other answer of the API server


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    reason: Reason
    message: str  # one sentence, the server's own words where it had some


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """One answer. Exactly one of `data` (text from a node) and `objects` (from the API) matters.

    `started` is in seconds since the epoch, by the clock of whoever asked. An exec request gives
    one capture per command, in order; the same command twice gives two. `exit_code` is None for
    what has none; of a GET through port-forward it is an HTTP status other than 200. With a
    `failure`, `data` is what came before it and proves nothing.
    """

    request: Request
    command: Command | None = None
    started: float = 0.0
    seconds: float = 0.0
    data: bytes = b""
    stderr: bytes = b""
    exit_code: int | None = None
    objects: tuple[Mapping[str, Any], ...] = ()
    size: int = 0  # bytes that travelled
    truncated: bool = False
    remaining: int = 0  # of a list in parts: how many more there are, where the server says
    version: str = ""  # of a list in whole: from here on it may be followed
    failure: Failure | None = None

    @property
    def ok(self) -> bool:
        """It was answered, and the command (if one) ended well."""
        return self.failure is None and self.exit_code in (None, 0)

    def failed(self, *reasons: Reason) -> bool:
        """It was not answered, for one of these reasons."""
        return self.failure is not None and self.failure.reason in reasons

    def text(self) -> str:
        return self.data.decode("utf-8", "replace")


class Source(Protocol):
    """Where answers come from: a live cluster, a recorded bundle, or saved files.

    `fetch` blocks until its own deadline, may be called from many threads at once, and never
    raises for what a node or a list would not answer. `now` and `wait` are the source's clock:
    a bundle is judged by its recorded times and never sleeps.
    """

    @property
    def context(self) -> str: ...

    def fetch(self, request: Request) -> tuple[Capture, ...]: ...

    def now(self) -> float: ...

    def wait(self, seconds: float) -> None: ...


class Streaming(Source, Protocol):
    """A Source whose logs and lists can be followed. `ended`: it was interrupted, or its time is
    over."""

    @property
    def ended(self) -> bool: ...

    def follow(self, request: LogRequest | ApiRequest) -> Iterator[Capture]:
        """Each part as it comes: of a log whole lines, of a list watch events (`type`, `object`).
        It ends where the stream does, the last capture with its failure; never raises."""


@runtime_checkable
class Paged(Protocol):
    """A Source that gives a list in parts, so that nobody need hold all of a long one."""

    def pages(self, request: ApiRequest) -> Iterator[Capture]:
        """Of a list without `limit`: one at least, in order, only the last with a failure."""


def pages_of(source: Source, request: ApiRequest) -> Iterator[Capture]:
    """The list in parts where the source can, else whole."""
    if isinstance(source, Paged):
        yield from source.pages(request)
    else:
        yield from source.fetch(request)


@runtime_checkable
class Recorded(Protocol):
    """What a Source of saved answers knows beside: how often it holds the answer to a request.
    With one, whether a difference lasts cannot be seen. `apart` answers a second question of the
    same run from the beginning."""

    def readings(self, request: Request) -> int: ...

    def apart(self) -> Source: ...
