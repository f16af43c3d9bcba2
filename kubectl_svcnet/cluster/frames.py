"""Decodes the messages of exec and port-forward over WebSocket. Pure: bytes in, state out.

Each message is one channel byte and a payload (k8s.io/apimachinery `remotecommand/constants.go`,
kubelet `portforward/websocket.go`). Payloads are joined per channel before anything reads them,
so it does not matter where the sender cut. What breaks these rules is kept as `broken`, never
guessed at.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

#: Newest first; v5 adds a close signal that only a sender of stdin needs.
EXEC_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
FORWARD_PROTOCOLS = ("v4.channel.k8s.io",)

STDOUT, STDERR, ERROR, RESIZE, CLOSE = 1, 2, 3, 4, 255

_LONGEST_STATUS = 1 << 20


@dataclass(frozen=True, slots=True)
class ExecStatus:
    """How the command ended: an exit code, or None and why it never ran."""

    exit_code: int | None
    message: str = ""


def parse_status(text: bytes) -> ExecStatus | None:
    """The Status of the error channel; None while it is not yet a whole JSON object."""
    try:
        status = json.loads(text)
    except ValueError:
        return None
    if not isinstance(status, dict):
        return None
    message = str(status.get("message", ""))
    if status.get("status") == "Success":
        return ExecStatus(0, message)
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    for cause in causes if isinstance(causes, list) else ():
        if isinstance(cause, dict) and cause.get("reason") == "ExitCode":
            code = str(cause.get("message", ""))
            if re.fullmatch(r"-?\d{1,10}", code):
                return ExecStatus(int(code), message)
    return ExecStatus(None, message or str(status.get("reason", "")))


class ExecDecoder:
    """Collects one exec. `over` once the limit of bytes is passed; nothing more is kept then."""

    def __init__(self, limit: int) -> None:
        self.stdout, self.stderr = bytearray(), bytearray()
        self.status: ExecStatus | None = None
        self.broken = ""
        self.over = False
        self._limit = limit
        self._error = bytearray()

    @property
    def done(self) -> bool:
        return self.status is not None or self.over or bool(self.broken)

    @property
    def size(self) -> int:
        return len(self.stdout) + len(self.stderr)

    def feed(self, message: bytes) -> None:
        if self.done or not message:  # the API server opens with empty messages
            return
        channel, payload = message[0], message[1:]
        if channel == STDOUT:
            self._keep(self.stdout, payload)
        elif channel == STDERR:
            self._keep(self.stderr, payload)
        elif channel == ERROR:
            self._feed_error(payload)
        elif channel not in (0, RESIZE, CLOSE):
            self.broken = f"a message on channel {channel}, which exec does not have"

    def _keep(self, into: bytearray, payload: bytes) -> None:
        room = self._limit - self.size
        into += payload[:room]
        self.over = len(payload) > room

    def _feed_error(self, payload: bytes) -> None:
        self._error += payload[: _LONGEST_STATUS + 1]
        self.status = parse_status(bytes(self._error))
        if self.status is None and len(self._error) > _LONGEST_STATUS:
            self.broken = "the error channel holds no Status"


class ForwardDecoder:
    """Collects one port of a port-forward: channel 0 data, 1 errors, each opening with the port."""

    def __init__(self, port: int, limit: int) -> None:
        self.broken = ""
        self.over = False
        self._opening = port.to_bytes(2, "little")
        self._limit = limit
        self._channels = (bytearray(), bytearray())

    @property
    def data(self) -> bytes:
        return bytes(self._channels[0][2:])

    @property
    def error(self) -> str:
        return self._channels[1][2:].decode("utf-8", "replace")

    def feed(self, message: bytes) -> None:
        if not message or self.broken or self.over:
            return
        if message[0] > 1:
            self.broken = f"a message on channel {message[0]}, which one port does not have"
            return
        channel = self._channels[message[0]]
        room = self._limit + 2 - len(channel)
        self.over = len(message) - 1 > room
        channel += message[1 : 1 + room]
        if channel[:2] != self._opening[: len(channel)]:
            self.broken = "the port number that opens a channel is another"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    body: bytes
    whole: bool  # the body is as long as its Content-Length says; unknown without one


def parse_http(data: bytes) -> HttpAnswer | None:
    """An HTTP/1.0 answer as far as it came; None before its head is whole.

    Raises ValueError for what is not HTTP.
    """
    start = data[:5]
    if start != b"HTTP/"[: len(start)]:
        raise ValueError("not an HTTP answer")
    head, mark, body = data.partition(b"\r\n\r\n")
    if not mark:
        return None
    lines = head.decode("latin-1").split("\r\n")
    first = re.fullmatch(r"HTTP/1\.[01] (\d{3})(?: .*)?", lines[0])
    if first is None:
        raise ValueError("not an HTTP answer")
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-length" and value.strip().isdigit():
            length = int(value)
            return HttpAnswer(int(first[1]), body[:length], len(body) >= length)
    return HttpAnswer(int(first[1]), body, whole=False)
