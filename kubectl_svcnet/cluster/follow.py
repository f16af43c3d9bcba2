"""Answers that go on: a container's log as it is written, a list as it changes. One GET each.

Connecting and a silent stream have deadlines, the stream itself has none: where nothing comes for
`QUIET` seconds it ends like any other, and whoever follows asks again from where it was. Only
whole lines are handed on; what a broken stream left of one comes again then.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..model.capture import ApiRequest, Capture, LogRequest
from .deadline import Stop
from .faults import Fault, of_exception, of_http
from .rest import log_query, pod_path
from .transport import Transport

QUIET = 90.0  # bookmarks come every minute
GONE = 410
_CONNECT = 10.0
_CHUNK = 1 << 16
_LONGEST = 1 << 20  # of one line; a slice of a thousand endpoints has 250 KiB
_MAX_ERROR = 1 << 16

Followed = LogRequest | ApiRequest


class Follower:
    """May be used from many threads; each follows in its own."""

    def __init__(self, transport: Transport, stop: Stop) -> None:
        self._transport, self._stop = transport, stop

    def follow(self, request: Followed, doing: str) -> Iterator[Capture]:
        """A capture for each part that came; the last one says what failed, if anything did.
        Of a list each object is a watch event, `{"type", "object"}`."""
        try:
            response = self._open(request, doing)
            yield from self._parts(request, response, doing)
        except (Fault, OSError) as error:
            yield Capture(request=request, failure=of_exception(error, doing))
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "urllib3":
                raise
            if type(error).__name__ != "ReadTimeoutError":
                yield Capture(request=request, failure=of_exception(error, doing))

    def _open(self, request: Followed, doing: str) -> Any:
        used = self._transport.generation
        response = self._send(request)
        if response.status == 401 and self._transport.renew(used):
            response.close()
            response = self._send(request)
        if 200 <= response.status < 300:
            return response
        body = response.read(_MAX_ERROR)
        response.close()
        raise Fault(of_http(response.status, body, doing))

    def _send(self, request: Followed) -> Any:
        from urllib3 import HTTPHeaderDict, Timeout

        headers = HTTPHeaderDict({"Accept": "*/*"})
        self._transport.sign(headers)
        return self._transport.pool().request(
            "GET",
            self._transport.url(*_target(request)),
            headers=headers,
            timeout=Timeout(connect=_CONNECT, read=QUIET),
            retries=False,
            redirect=False,
            preload_content=False,
        )

    def _parts(self, request: Followed, response: Any, doing: str) -> Iterator[Capture]:
        rest = b""
        try:
            for chunk in response.stream(_CHUNK, decode_content=True):
                self._stop.check(doing)
                whole, newline, rest = (rest + chunk).rpartition(b"\n")
                if len(rest) > _LONGEST:
                    whole, newline, rest = rest, b"\n", b""
                if newline:
                    yield _part(request, whole + newline, doing)
        finally:
            response.close()
        if rest and isinstance(request, LogRequest):  # a log need not end with a line feed
            yield _part(request, rest + b"\n", doing)


def _target(request: Followed) -> tuple[str, list[tuple[str, str]]]:
    if isinstance(request, LogRequest):
        query = [*log_query(request, None), ("follow", "true")]
        return pod_path(request.namespace, request.pod, "log"), query
    return request.path, [*request.query, ("watch", "true"), ("allowWatchBookmarks", "true")]


def _part(request: Followed, data: bytes, doing: str) -> Capture:
    if isinstance(request, LogRequest):
        return Capture(request=request, data=data, size=len(data))
    events = []
    for line in data.splitlines():
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue  # cut where it was too long; the object comes again with its next change
        if isinstance(event, dict) and isinstance(event.get("object"), dict):
            _check(event, doing)
            events.append(event)
    return Capture(request=request, objects=tuple(events), size=len(data))


def _check(event: dict[str, Any], doing: str) -> None:
    """Raises what an event of the kind ERROR says, but that a version is gone: whoever follows
    then asks without one."""
    status = event["object"]
    if event.get("type") == "ERROR" and status.get("code") != GONE:
        code = status.get("code")
        said = json.dumps(status).encode()
        raise Fault(of_http(code if isinstance(code, int) else 500, said, doing))
