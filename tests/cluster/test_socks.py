from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from kubectl_svcnet.cluster import socks
from kubectl_svcnet.cluster.deadline import Deadline
from kubectl_svcnet.cluster.faults import Fault
from kubectl_svcnet.model.capture import ApiRequest, Reason
from tests.cluster import relays

REPLY = b"\x05\x00\x00"
V4, V6, NAME = b"\x01" + bytes(6), b"\x04" + bytes(18), b"\x03\x02ab" + bytes(2)


def asked(answers: bytes, host: str = "api.test", proxy: str = "socks5://p") -> bytes:
    """What is sent to a proxy that answers so, whatever it is asked."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(answers)
        theirs.shutdown(socket.SHUT_WR)
        socks.connect(ours, urlsplit(proxy), host, 443, Deadline(2))
        return theirs.recv(4096)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("api.test", b"\x03\x08api.test"),
        ("10.0.0.1", b"\x01\x0a\x00\x00\x01"),
        ("fd00::1", b"\x04\xfd" + bytes(14) + b"\x01"),
        ("bücher.test", b"\x03\x13xn--bcher-kva.test"[:2] + b"xn--bcher-kva.test"),
    ],
)
def test_addresses(host: str, address: bytes) -> None:
    if address[:1] == b"\x03":
        address = bytes((3, len(address) - 2)) + address[2:]
    sent = asked(b"\x05\x00" + REPLY + V4, host)
    assert sent == b"\x05\x01\x00" + b"\x05\x01\x00" + address + b"\x01\xbb"


@pytest.mark.parametrize("bound", [V4, V6, NAME])
def test_nothing_of_the_answer_is_left(bound: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"\x05\x00" + REPLY + bound + b"TLS")
        socks.connect(ours, urlsplit("socks5://p"), "api.test", 443, Deadline(2))
        assert ours.recv(10) == b"TLS"


def test_a_name_and_a_password() -> None:
    sent = asked(b"\x05\x02\x01\x00" + REPLY + V4, proxy="socks5://me:p%40ss@p")
    assert sent.startswith(b"\x05\x02\x00\x02\x01\x02me\x04p@ss\x05\x01")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (b"", "closed the connection"),
        (b"\x05", "closed the connection"),
        (b"HTTP/1.1 400", "does not speak SOCKS5"),
        (b"\x05\xff", "another way to say who asks"),
        (b"\x05\x02", "another way to say who asks"),
        (b"\x05\x00\x05\x05\x00\x01", "connection refused"),
        (b"\x05\x00\x05\x63\x00\x01", "code 99"),
        (b"\x05\x00\x05\x00\x00\x03\xffabc", "closed the connection"),
    ],
)
def test_refusals(answers: bytes, words: str) -> None:
    with pytest.raises(Fault, match=words) as caught:
        asked(answers)
    assert caught.value.failure.reason is Reason.UNREACHABLE


def test_a_wrong_password() -> None:
    with pytest.raises(Fault, match="wrong name or password"):
        asked(b"\x05\x02\x01\x01", proxy="socks5://me:x@p")


def test_a_silent_proxy() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(TimeoutError):
        socks.connect(ours, urlsplit("socks5://p"), "api.test", 443, Deadline(0.1))


@pytest.fixture
def proxy(api: Any) -> Iterator[relays.Relay]:
    found = relays.Relay(api.port, relays.socks(password=True))
    yield found
    found.close()


def test_many_requests_at_once(api: Any, proxy: relays.Relay) -> None:
    api.routes["/api/v1/services"] = lambda exchange: exchange.json({"items": []})
    config = api.config(
        server="http://api.test:8080", proxy=f"socks5://me:x@127.0.0.1:{proxy.port}"
    )
    source = api.source(config=config)
    captures: list[Any] = []
    threads = [
        threading.Thread(
            target=lambda: captures.extend(source.fetch(ApiRequest(path="/api/v1/services")))
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [capture.failure for capture in captures] == [None] * 8
    assert set(proxy.asked) == {"api.test:8080 as me:x"}
