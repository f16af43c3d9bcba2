"""A Source that answers from what was saved: a bundle, or captures made of the user's files.

Answered is what is wanted, not how it was asked: the same request's recorded answers in turn, of
which the last repeats; else a recorded answer that contains it, whole (`contains`); else
`not recorded`, which is unread. Its clock shows the end of the last answer given, and never waits.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from copy import copy
from dataclasses import replace

from ..errors import ParseError
from ..model.capture import (
    ApiRequest,
    Capture,
    ExecRequest,
    Failure,
    ForwardRequest,
    LogRequest,
    Reason,
    Request,
)
from ..model.commands import Command, checked
from .bundle import Stored, read_bundle, store
from .contains import collection_of, list_contains, log_contains, select, wider_commands

_PAGE = 500  # objects of a list in parts, as a live source has them


class ReplaySource:
    """Opens a bundle. Raises ParseError where it cannot be read."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._name = os.fspath(path)
        context, stored = read_bundle(path)
        self._fill(context, stored)

    @classmethod
    def of(cls, captures: Iterable[Capture], *, context: str = "") -> ReplaySource:
        """A source of captures in hand: files that the user named, or a test's."""
        source = cls.__new__(cls)
        source._name = ""
        source._fill(context, [store(capture) for capture in captures])
        return source

    def _fill(self, context: str, stored: Iterable[Stored]) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._turns: dict[Hashable, int] = defaultdict(int)
        self._answers: dict[Hashable, list[Stored]] = defaultdict(list)
        self._lists: list[Stored] = []
        self._logs: list[Stored] = []
        starts = []
        for one in stored:
            head = one.head
            if head.started:  # not where the time is missing
                starts.append(head.started)
            self._answers[_key(head.request, head.command)].append(one)
            if isinstance(head.request, ApiRequest):
                self._lists.append(one)
            elif isinstance(head.request, LogRequest):
                self._logs.append(one)
        self._now = min(starts, default=0.0)

    @property
    def context(self) -> str:
        return self._context

    def now(self) -> float:
        return self._now

    def wait(self, seconds: float) -> None:
        return None

    def apart(self) -> ReplaySource:
        """The same answers, each from its first turn on."""
        other = copy(self)
        other._lock, other._turns = threading.Lock(), defaultdict(int)
        return other

    def readings(self, request: Request) -> int:
        """How often it was read: with one, no difference can be seen to settle."""
        if isinstance(request, ExecRequest):
            counts = (len(self._of_command(request, c)) for c in request.commands)
            return min(counts, default=0)
        return len(self._of_request(request))

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        if isinstance(request, ExecRequest):
            return tuple(self._fetch_commands(request))
        found = self._of_request(request)
        if not found:
            return (self._not_recorded(request, None),)
        capture = self._next(_key(request, None), found)
        if isinstance(request, ApiRequest) and _key(capture.request, None) != _key(request, None):
            capture = _selected(capture, request)
        return (replace(capture, request=request),)

    def pages(self, request: ApiRequest) -> Iterator[Capture]:
        """A list that was recorded as it is wanted is unpacked in parts."""
        found = self._of_request(request)
        key = _key(request, None)
        if not found or _key(found[0].head.request, None) != key:
            yield from self.fetch(request)
            return
        try:
            for capture in self._turn(key, found).pages(_PAGE):
                yield replace(capture, request=request)
        except (ValueError, RecursionError) as error:
            raise self._damaged(error) from error

    def _fetch_commands(self, request: ExecRequest) -> Iterator[Capture]:
        """A command that stands twice in one request was recorded twice, or is in a dump that
        was taken once: then both have the same answer, and the next reading its own."""
        answered: dict[Command, Capture] = {}
        for command in request.commands:
            if command not in answered or self._recorded(request, command):
                answered[command] = self._fetch_command(request, command)
            yield answered[command]

    def _fetch_command(self, request: ExecRequest, command: Command) -> Capture:
        checked(command)
        found = self._of_command(request, command)
        if not found:
            return self._not_recorded(request, command)
        capture = self._next(_key(request, command), found)
        return replace(capture, request=request)

    def _of_command(self, request: ExecRequest, command: Command) -> list[Stored]:
        for candidate in (command, *wider_commands(command)):
            if found := self._recorded(request, candidate):
                return found
        return []

    def _recorded(self, request: ExecRequest, command: Command) -> list[Stored]:
        for key in (_key(request, command), ("exec", request.node, "", "", "", command)):
            if self._answers.get(key):
                return self._answers[key]
        return []

    def _of_request(self, request: Request) -> list[Stored]:
        exact = self._answers.get(_key(request, None))
        if exact:
            return exact
        if isinstance(request, ApiRequest):
            return _best([one for one in self._lists if _list_has(one.head, request)])
        if isinstance(request, LogRequest):
            return [one for one in self._logs if _log_has(one.head, request)]
        return []

    def _next(self, key: Hashable, found: list[Stored]) -> Capture:
        try:
            return self._turn(key, found).capture()
        except (ValueError, RecursionError) as error:
            raise self._damaged(error) from error

    def _turn(self, key: Hashable, found: list[Stored]) -> Stored:
        with self._lock:
            turn = self._turns[key]
            self._turns[key] += 1
            stored = found[min(turn, len(found) - 1)]
            self._now = max(self._now, stored.head.started + stored.head.seconds)
        return stored

    def _damaged(self, error: Exception) -> ParseError:
        return ParseError(f"a capture is damaged ({error})", file=self._name)

    def _not_recorded(self, request: Request, command: Command | None) -> Capture:
        what = command.name if command else _words(request)
        failure = Failure(reason=Reason.NOT_RECORDED, message=f"{what}: not in the bundle")
        return Capture(request=request, command=command, started=self._now, failure=failure)


def _key(request: Request, command: Command | None) -> Hashable:
    """What is wanted, without how: the same for shell and plain, for any order of a query."""
    if isinstance(request, ExecRequest):
        place = (request.node, request.namespace, request.pod, request.container)
        return ("exec", *place, command)
    if isinstance(request, ApiRequest):
        return ("api", request.path, tuple(sorted(request.query)), request.many, request.limit)
    if isinstance(request, LogRequest):
        return replace(request, node="")
    return request


def _words(request: Request) -> str:
    if isinstance(request, ApiRequest):
        return f"GET {request.path}"
    if isinstance(request, LogRequest):
        return f"log of {request.namespace}/{request.pod}"
    if isinstance(request, ForwardRequest):
        return f"GET 127.0.0.1:{request.port}{request.path}"
    return type(request).__name__


def _best(found: list[Stored]) -> list[Stored]:
    """All readings of the first recorded list, so that readings of different lists do not mix."""
    if not found:
        return []
    return [one for one in found if one.head.request == found[0].head.request]


def _list_has(recorded: Capture, wanted: ApiRequest) -> bool:
    request = recorded.request
    whole = recorded.failure is None and not recorded.truncated
    return whole and isinstance(request, ApiRequest) and list_contains(request, wanted)


def _log_has(recorded: Capture, wanted: LogRequest) -> bool:
    request = recorded.request
    if recorded.failure is not None or not isinstance(request, LogRequest):
        return False
    return log_contains(request, recorded.truncated, wanted)


def _selected(capture: Capture, request: ApiRequest) -> Capture:
    """The part of a recorded list that was asked for."""
    doing = f"GET {request.path}"
    try:
        items = select(capture.objects, request)
    except ValueError as error:
        refused = Failure(reason=Reason.REFUSED, message=f"{doing}: {error}")
        return replace(capture, objects=(), failure=refused)
    if items is None:
        message = f"{doing}: its selector cannot be answered from a bundle"
        return replace(
            capture, objects=(), failure=Failure(reason=Reason.NOT_RECORDED, message=message)
        )
    if request.many:
        limit = len(items) if request.limit is None else request.limit
        return replace(capture, objects=tuple(items[:limit]), truncated=len(items) > limit)
    if items:
        return replace(capture, objects=(items[0],))
    where = collection_of(request.path)
    named = f'{where.resource} "{where.name}"' if where else request.path
    message = f"{doing}: {named} not found"
    return replace(capture, objects=(), failure=Failure(reason=Reason.NOT_FOUND, message=message))
