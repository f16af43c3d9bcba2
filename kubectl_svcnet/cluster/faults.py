"""The one place where what went wrong becomes a `Failure`: a reason and one sentence.

Foreign exceptions, HTTP answers and the Status of an exec all pass here. The server's own words
are kept where it had some; credentials never appear, for no header is ever quoted.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
from typing import Any

from ..errors import ClusterError
from ..model.capture import Failure, Reason

_LONGEST = 500  # characters of foreign text in one sentence


class Fault(Exception):
    """Carries a Failure through `cluster`; whoever answers a Request turns it into a Capture."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def fault(reason: Reason, message: str) -> Fault:
    return Fault(Failure(reason=reason, message=message))


_BY_STATUS = {
    401: Reason.UNAUTHORIZED,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    408: Reason.TIMEOUT,
    502: Reason.UNREACHABLE,
    503: Reason.UNREACHABLE,
    504: Reason.TIMEOUT,
}

# Sentences of the API server, the kubelet and the container runtimes that say more than the
# status: client-go and kubelet sources, containerd, CRI-O and runc as seen in public reports.
_BY_TEXT: tuple[tuple[str, Reason], ...] = (
    (r"error dialing backend|no route to host|connection refused", Reason.UNREACHABLE),
    (
        r"executable file .*not found|not found in \$PATH|stat \S+: no such file or directory"
        r"|exec format error|exec: .*: (no such file|permission denied)",
        Reason.NO_TOOL,
    ),
    (
        r"container not found|pod does not exist|container is not (created or )?running",
        Reason.NOT_FOUND,
    ),
    (r"i/o timeout|deadline exceeded|timed out", Reason.TIMEOUT),
)


def _sentence(text: str) -> str:
    """Foreign text on one line, not too long."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def reason_of_text(text: str, otherwise: Reason) -> Reason:
    for pattern, reason in _BY_TEXT:
        if re.search(pattern, text):
            return reason
    return otherwise


def status_message(body: bytes) -> str:
    """`message` of a Kubernetes Status, or the beginning of whatever else was sent."""
    try:
        status: Any = json.loads(body)
    except ValueError:
        return _sentence(body[:2000].decode("utf-8", "replace"))
    if isinstance(status, dict) and isinstance(status.get("message"), str):
        return _sentence(status["message"])
    return _sentence(body[:2000].decode("utf-8", "replace"))


def of_http(status: int, body: bytes, doing: str, *, needs: str = "") -> Failure:
    """An answer that is not 2xx. `needs` names the right, said only with a 403."""
    said = status_message(body) or f"HTTP status {status}"
    reason = _BY_STATUS.get(status, Reason.REFUSED)
    if status >= 500:
        reason = reason_of_text(said, reason)
    right = f" (needs {needs})" if status == 403 and needs else ""
    return Failure(reason=reason, message=f"{doing}: {said}{right}")


def of_exec(message: str, doing: str) -> Failure:
    """The error channel's Status without an exit code: the command never ran."""
    said = _sentence(message) or "ended without a status"
    return Failure(reason=reason_of_text(said, Reason.BROKEN), message=f"{doing}: {said}")


def of_exception(error: BaseException, doing: str) -> Failure:
    """Any exception that connecting or reading can raise."""
    if isinstance(error, Fault):
        return error.failure
    if isinstance(error, ClusterError):
        said = str(error)
        denied = said.startswith("getting credentials")
        reason = Reason.UNAUTHORIZED if denied else Reason.UNREACHABLE
        return Failure(reason=reason, message=said)
    reason, said = _reason_of(error)
    return Failure(reason=reason, message=f"{doing}: {_sentence(said)}")


def _reason_of(error: BaseException) -> tuple[Reason, str]:
    root = _root(error)
    name = type(error).__name__
    if isinstance(root, ssl.SSLCertVerificationError):
        return Reason.UNREACHABLE, f"certificate not trusted: {root.verify_message}"
    if isinstance(root, TimeoutError) or "Timeout" in name:
        return Reason.TIMEOUT, "timed out"
    if isinstance(root, socket.gaierror):
        return Reason.UNREACHABLE, f"name not resolved: {root.strerror}"
    if isinstance(root, ConnectionRefusedError):
        return Reason.UNREACHABLE, "connection refused"
    ended = (ConnectionError, EOFError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
    if isinstance(root, ssl.SSLError) and not isinstance(root, ended):
        return Reason.UNREACHABLE, f"TLS: {getattr(root, 'reason', None) or root}"
    if isinstance(root, ended) or "ConnectionClosed" in name:
        return Reason.BROKEN, "the connection was dropped"
    if isinstance(root, OSError):
        return Reason.UNREACHABLE, root.strerror or str(root)
    return Reason.BROKEN, str(error) or name


def _root(error: BaseException) -> BaseException:
    """The exception that says the cause: urllib3 and websocket-client wrap the system's own."""
    seen: list[BaseException] = []
    here: BaseException | None = error
    while here is not None and here not in seen:
        seen.append(here)
        inner = [a for a in here.args if isinstance(a, BaseException)]
        here = getattr(here, "reason", None) if not inner else inner[0]
        if not isinstance(here, BaseException):
            here = seen[-1].__cause__ or seen[-1].__context__
    known = (OSError, EOFError)
    return next((e for e in seen if isinstance(e, known)), error)
