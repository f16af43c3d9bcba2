"""Port-forward: what a real kubelet sends, and each way it goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kubectl_svcnet.cluster.portforward import PORTS
from kubectl_svcnet.model.capture import Capture, ForwardRequest, Reason

PATH = "/api/v1/namespaces/kube-system/pods/x/portforward"
ANSWER = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\nnftables"


def fetch(api: Any, port: int = 10249, path: str = "/proxyMode", **limits: Any) -> Capture:
    request = ForwardRequest(node="n1", namespace="kube-system", pod="x", port=port, path=path)
    (capture,) = api.source(**{"exec_timeout": 0.5, **limits}).fetch(request)
    assert isinstance(capture, Capture)
    return capture


def answering(*messages: bytes, close: bool = False) -> Callable[[Any], None]:
    def route(exchange: Any) -> None:
        wire = exchange.upgrade()
        port = int(dict(exchange.asked.query)["ports"]).to_bytes(2, "little")
        wire.message(b"\x00" + port)
        wire.message(b"\x01" + port)
        exchange.asked.body = wire.receive()
        for message in messages:
            wire.message(message)
        if close:
            wire.close()
        else:
            exchange.hang()  # as the real one does for a second

    return route


@pytest.mark.parametrize("port", PORTS)
def test_an_answer(api: Any, port: int) -> None:
    api.routes[PATH] = answering(b"\x00" + ANSWER[:30], b"\x00" + ANSWER[30:])
    capture = fetch(api, port, exec_timeout=10)
    # the end is by Content-Length: the server does not close
    assert (capture.data, capture.failure) == (b"nftables", None)
    assert api.asked[0].query == [("ports", str(port))]
    assert api.asked[0].body == b"\x00GET /proxyMode HTTP/1.0\r\n\r\n"
    assert api.asked[0].header("Sec-WebSocket-Protocol") == ["v4.channel.k8s.io"]


def test_an_answer_without_a_length(api: Any) -> None:
    api.routes[PATH] = answering(b"\x00HTTP/1.0 200 OK\r\n\r\nipvs", close=True)
    assert fetch(api).data == b"ipvs"


def test_an_unhealthy_answer_is_an_answer(api: Any) -> None:
    """/healthz says why with its 503."""
    said = b"HTTP/1.0 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}"
    api.routes[PATH] = answering(b"\x00" + said)
    capture = fetch(api, 10256, "/healthz")
    assert (capture.data, capture.exit_code, capture.failure, capture.ok) == (
        b"{}",
        503,
        None,
        False,
    )


REFUSED = b"\x01error forwarding port 10249: dial tcp4 127.0.0.1:10249: connect: connection refused"
FAILURES = {
    "nobody listens": (answering(REFUSED), Reason.UNREACHABLE, "connection refused"),
    "stopped": (answering(), Reason.TIMEOUT, "no answer"),
    "closed": (answering(close=True), Reason.BROKEN, "closed before"),
    "not HTTP": (answering(b"\x00SSH-2.0-x"), Reason.BROKEN, "not an HTTP"),
    "too large": (
        answering(b"\x00HTTP/1.0 200 OK\r\n\r\n" + b"x" * 2000),
        Reason.TOO_LARGE,
        "1000 bytes",
    ),
    "another channel": (answering(b"\x07x"), Reason.BROKEN, "channel 7"),
    "forbidden": (lambda e: e.refuse(403, "forbidden"), Reason.FORBIDDEN, "pods/portforward"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures(api: Any, name: str) -> None:
    route, reason, words = FAILURES[name]
    api.routes[PATH] = route
    failure = fetch(api, max_answer=1000).failure
    assert failure is not None
    assert (failure.reason, words in failure.message) == (reason, True), failure


@pytest.mark.parametrize(
    ("port", "path"),
    [
        (22, "/"),
        (10250, "/pods"),
        (10249, "proxyMode"),
        (10249, "/x HTTP/1.0\r\nX: y"),
        (10249, "/ "),
    ],
)
def test_nothing_else_is_asked(api: Any, port: int, path: str) -> None:
    with pytest.raises(ValueError, match=r"not allowed|not a path"):
        fetch(api, port, path)
    assert not api.asked
