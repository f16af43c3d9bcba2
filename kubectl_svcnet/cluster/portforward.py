"""HTTP GET inside a hostNetwork kube-proxy pod through port-forward; two ports, nothing else.

HTTP/1.0 and its Content-Length, because the server closes the WebSocket only a second after the
answer. A stopped kube-proxy accepts and never answers: the deadline ends that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..model.capture import ForwardRequest, Reason
from .channel import open_channel
from .deadline import Deadline
from .faults import Fault, fault, of_exec
from .frames import FORWARD_PROTOCOLS, ForwardDecoder, HttpAnswer, parse_http
from .rest import Reply, pod_path
from .transport import Transport

#: kube-proxy's metrics and its health server (law 3).
PORTS: Mapping[int, str] = {10249: "metrics", 10256: "healthz"}

_RIGHT = "get and create on pods/portforward"


def check_allowed(request: ForwardRequest) -> None:
    """Raises ValueError for a port or a path that law 3 does not allow."""
    if request.port not in PORTS:
        raise ValueError(f"port-forward to {request.port} is not allowed")
    if not re.fullmatch(r"/[A-Za-z0-9_./?=&-]*", request.path):
        raise ValueError(f"not a path: {request.path!r}")


def get(transport: Transport, request: ForwardRequest, deadline: Deadline, limit: int) -> Reply:
    check_allowed(request)
    doing = f"GET 127.0.0.1:{request.port}{request.path} in {request.namespace}/{request.pod}"
    path = pod_path(request.namespace, request.pod, "portforward")
    decoder = ForwardDecoder(request.port, limit)
    query = [("ports", str(request.port))]
    with open_channel(
        transport, path, query, FORWARD_PROTOCOLS, deadline, doing, needs=_RIGHT
    ) as channel:
        channel.send(b"\0" + f"GET {request.path} HTTP/1.0\r\n\r\n".encode())
        answer = None
        while answer is None or not answer.whole:
            message = channel.receive()
            if message is None:
                break
            decoder.feed(message)
            answer = _answer_of(decoder, doing, limit)
    if answer is None:
        raise fault(Reason.BROKEN, f"{doing}: closed before an answer")
    status = None if answer.status == 200 else answer.status
    return Reply(data=answer.body, size=len(answer.body), status=status)


def _answer_of(decoder: ForwardDecoder, doing: str, limit: int) -> HttpAnswer | None:
    if decoder.error:
        raise Fault(of_exec(decoder.error, doing))
    if decoder.broken:
        raise fault(Reason.BROKEN, f"{doing}: {decoder.broken}")
    if decoder.over:
        raise fault(Reason.TOO_LARGE, f"{doing}: more than {limit} bytes")
    try:
        return parse_http(decoder.data)
    except ValueError as error:
        raise fault(Reason.BROKEN, f"{doing}: {error}") from error
