"""Every exception that connecting and reading can raise has its sentence."""

from __future__ import annotations

import errno
import socket
import ssl
from typing import Any

import pytest
import urllib3.exceptions
import websocket

from kubectl_svcnet.cluster.faults import fault, of_exception, of_exec, of_http, status_message
from kubectl_svcnet.errors import ClusterError
from kubectl_svcnet.model.capture import Reason


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


UNTRUSTED = ssl.SSLCertVerificationError(1, "failed")
UNTRUSTED.verify_message = "unable to get local issuer certificate"
REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
NO_NAME = socket.gaierror(-2, "Name or service not known")

EXCEPTIONS = {
    "refused": (REFUSED, Reason.UNREACHABLE, "connection refused"),
    "no such name": (NO_NAME, Reason.UNREACHABLE, "name not resolved: Name or service not known"),
    "no route": (OSError(errno.EHOSTUNREACH, "No route to host"), Reason.UNREACHABLE, "No route"),
    "timed out": (TimeoutError(), Reason.TIMEOUT, "timed out"),
    "reset": (ConnectionResetError(104, "reset"), Reason.BROKEN, "dropped"),
    "broken pipe": (BrokenPipeError(32, "Broken pipe"), Reason.BROKEN, "dropped"),
    "untrusted": (UNTRUSTED, Reason.UNREACHABLE, "not trusted: unable to get local issuer"),
    "tls": (ssl.SSLError(1, "[SSL] wrong version number"), Reason.UNREACHABLE, "TLS: "),
    "end of tls": (ssl.SSLEOFError(8, "EOF occurred"), Reason.BROKEN, "dropped"),
    "urllib3 read timeout": (
        urllib3.exceptions.ReadTimeoutError(None, "/", "Read timed out."),  # type: ignore[arg-type]
        Reason.TIMEOUT,
        "timed out",
    ),
    "urllib3 connect timeout": (
        urllib3.exceptions.ConnectTimeoutError(None, "x"),
        Reason.TIMEOUT,
        "timed out",
    ),
    "urllib3 refused": (
        caused(urllib3.exceptions.HTTPError("Failed to establish"), REFUSED),
        Reason.UNREACHABLE,
        "connection refused",
    ),
    "urllib3 tls": (
        urllib3.exceptions.SSLError(UNTRUSTED),
        Reason.UNREACHABLE,
        "certificate not trusted",
    ),
    "urllib3 proxy": (
        urllib3.exceptions.ProxyError("Unable to connect to proxy", REFUSED),
        Reason.UNREACHABLE,
        "connection refused",
    ),
    "urllib3 dropped": (
        urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError(104, "x")),
        Reason.BROKEN,
        "dropped",
    ),
    "urllib3 other": (urllib3.exceptions.DecodeError("bad gzip"), Reason.BROKEN, "bad gzip"),
    "websocket closed": (
        websocket.WebSocketConnectionClosedException("lost"),
        Reason.BROKEN,
        "the connection was dropped",
    ),
    "websocket timeout": (websocket.WebSocketTimeoutException("x"), Reason.TIMEOUT, "timed out"),
    "websocket other": (websocket.WebSocketProtocolException("rsv"), Reason.BROKEN, "rsv"),
    "no credentials": (
        ClusterError("getting credentials: x"),
        Reason.UNAUTHORIZED,
        "getting credentials: x",
    ),
    "no cluster": (ClusterError("invalid server"), Reason.UNREACHABLE, "invalid server"),
    "a failure": (fault(Reason.TOO_LARGE, "big"), Reason.TOO_LARGE, "big"),
    "no words": (Exception(), Reason.BROKEN, "Exception"),
}


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_exceptions(name: str) -> None:
    error, reason, words = EXCEPTIONS[name]
    failure = of_exception(error, "GET /x")
    assert (failure.reason, words in failure.message) == (reason, True), failure
    assert "\n" not in failure.message


def leaves(kind: type[Exception]) -> list[type[Exception]]:
    below = [leaf for child in kind.__subclasses__() for leaf in leaves(child)]
    return [kind, *below]


def test_none_of_the_libraries_is_missed() -> None:
    for kind in leaves(websocket.WebSocketException) + leaves(urllib3.exceptions.HTTPError):
        error: Any = kind.__new__(kind)
        error.partial = error.expected = error.length = 0  # what some of them print
        failure = of_exception(error, "x")
        assert failure.message.startswith("x: ")


def test_a_circle_of_causes_ends() -> None:
    first, second = Exception("a"), Exception("b")
    first.__cause__, second.__cause__ = second, first
    assert of_exception(first, "x").message == "x: a"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ('exec: "sh": executable file not found in $PATH: unknown', Reason.NO_TOOL),
        (
            'OCI runtime exec failed: exec: "/bin/x": stat /bin/x: no such file or directory',
            Reason.NO_TOOL,
        ),
        ("error dialing backend: dial tcp 10.0.0.7:10250: i/o timeout", Reason.UNREACHABLE),
        ('container not found ("kube-proxy")', Reason.NOT_FOUND),
        ("container is not created or running", Reason.NOT_FOUND),
        ("context deadline exceeded", Reason.TIMEOUT),
        ("", Reason.BROKEN),
        ("anything else", Reason.BROKEN),
    ],
)
def test_sentences_of_runtimes(message: str, reason: Reason) -> None:
    assert of_exec(message, "exec").reason is reason


def test_foreign_text_is_one_short_line() -> None:
    failure = of_http(500, b"<html>\n" + b"x" * 5000 + b"\xff", "GET /x")
    assert "\n" not in failure.message
    assert len(failure.message) < 600
    assert status_message(b'{"message": 3}') == '{"message": 3}'
    assert of_http(418, b"", "x").message == "x: HTTP status 418"
