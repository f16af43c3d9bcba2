"""One WebSocket to a pod's subresource, with a deadline on everything, as messages of bytes.

websocket-client does the framing on a socket that `transport` has opened, so that its own proxy
handling, redirects and environment variables play no part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..model.capture import Reason
from .deadline import Deadline
from .faults import Fault, fault, of_exception, of_http
from .transport import Transport


class Channel:
    """Messages of one open WebSocket."""

    def __init__(self, socket: Any, deadline: Deadline, doing: str) -> None:
        self._socket, self._deadline, self._doing = socket, deadline, doing

    def receive(self) -> bytes | None:
        """The next message with data; None when the server has closed. Raises Fault."""
        from websocket import ABNF, WebSocketException

        try:
            self._socket.settimeout(self._deadline.socket_timeout())
            code, data = self._socket.recv_data()
        except (WebSocketException, OSError) as error:
            raise Fault(of_exception(error, self._doing)) from error
        except Exception as error:  # garbage on the wire breaks the library in many ways
            raise fault(Reason.BROKEN, f"{self._doing}: not WebSocket frames: {error}") from error
        if code == ABNF.OPCODE_CLOSE:
            return None
        return data if isinstance(data, bytes) else str(data).encode()

    def send(self, message: bytes) -> None:
        from websocket import WebSocketException

        try:
            self._socket.settimeout(self._deadline.socket_timeout())
            self._socket.send_binary(message)
        except (WebSocketException, OSError) as error:
            raise Fault(of_exception(error, self._doing)) from error


@contextmanager
def open_channel(
    transport: Transport,
    path: str,
    query: Sequence[tuple[str, str]],
    protocols: Sequence[str],
    deadline: Deadline,
    doing: str,
    *,
    needs: str,
) -> Iterator[Channel]:
    """`needs` is the right to name where the server answers 403."""
    from websocket import WebSocket, WebSocketBadStatusException, WebSocketException

    socket = WebSocket(skip_utf8_validation=True)
    try:
        raw = transport.open_socket(deadline)
        try:
            raw.settimeout(deadline.socket_timeout())
            socket.connect(
                transport.url(path, query, websocket=True),
                socket=raw,
                header=[f"{name}: {value}" for name, value in transport.headers()],
                subprotocols=list(protocols),
                suppress_origin=True,
                redirect_limit=0,
                timeout=deadline.socket_timeout(),
            )
        except BaseException:
            raw.close()
            raise
    except WebSocketBadStatusException as error:
        body = error.resp_body or str(error.status_code).encode()
        body = body if isinstance(body, bytes) else str(body).encode()
        raise Fault(of_http(int(error.status_code), body, doing, needs=needs)) from None
    except WebSocketException as error:
        if "Invalid WebSocket Header" in str(error):
            said = f"{doing}: the server speaks none of {', '.join(protocols)}"
            raise fault(Reason.REFUSED, said) from error
        raise Fault(of_exception(error, doing)) from error
    except (OSError, ValueError) as error:
        raise Fault(of_exception(error, doing)) from error
    try:
        yield Channel(socket, deadline, doing)
    finally:
        socket.shutdown()
        raw.close()  # the library closes the system's own kinds of socket only
