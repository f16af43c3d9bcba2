"""Streams against the loopback server: whole lines as they come, ends, refusals, silence."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from kubectl_svcnet.cluster import follow
from kubectl_svcnet.cluster.live import LiveSource
from kubectl_svcnet.model.capture import ApiRequest, Capture, LogRequest, Reason, Streaming

LOG = "/api/v1/namespaces/kube-system/pods/x/log"
EVENTS = "/api/v1/namespaces/shop/events"
ASKED = LogRequest(
    namespace="kube-system",
    pod="x",
    container="c",
    timestamps=True,
    since_time="2026-11-24T23:36:03Z",
)
WATCHED = ApiRequest(path=EVENTS, query=(("fieldSelector", "a=b"),))


def streaming(*chunks: bytes, hang: bool = False) -> Callable[[Any], None]:
    """A chunked answer, as the API server gives to `follow` and `watch`."""

    def route(exchange: Any) -> None:
        exchange.handler.send_response(200)
        exchange.handler.send_header("Transfer-Encoding", "chunked")
        exchange.handler.end_headers()
        for chunk in chunks:
            exchange.handler.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            exchange.handler.wfile.flush()
        if hang:
            exchange.hang()
        exchange.handler.wfile.write(b"0\r\n\r\n")

    return route


def followed(api: Any, request: LogRequest | ApiRequest = ASKED) -> list[Capture]:
    source: Streaming = api.source()
    return list(source.follow(request))


def test_whole_lines_however_they_are_cut(api: Any) -> None:
    text = b"one\ntwo\nthree\n"
    for cut in range(1, len(text)):
        api.routes[LOG] = streaming(text[:cut], text[cut:])
        found = followed(api)
        assert b"".join(capture.data for capture in found) == text
        assert all(capture.data.endswith(b"\n") for capture in found)
        assert all(capture.failure is None for capture in found)


def test_a_last_line_without_its_end(api: Any) -> None:
    api.routes[LOG] = streaming(b"one\nend")
    assert b"".join(capture.data for capture in followed(api)) == b"one\nend\n"


def test_what_is_asked(api: Any) -> None:
    api.routes[LOG] = streaming()
    assert followed(api) == []
    assert dict(api.asked[0].query) == {
        "container": "c",
        "follow": "true",
        "timestamps": "true",
        "sinceTime": "2026-11-24T23:36:03Z",
    }
    api.routes[EVENTS] = streaming()
    followed(api, WATCHED)
    assert dict(api.asked[1].query) == {
        "fieldSelector": "a=b",
        "watch": "true",
        "allowWatchBookmarks": "true",
    }
    assert {asked.method for asked in api.asked} == {"GET"}


def test_lines_come_before_the_stream_ends(api: Any) -> None:
    api.routes[LOG] = streaming(b"now\n", hang=True)
    stream = api.source().follow(ASKED)
    assert next(stream).data == b"now\n"
    stream.close()


def test_watch_events(api: Any) -> None:
    events = [{"type": "ADDED", "object": {"n": n}} for n in range(3)]
    text = "".join(json.dumps(event) + "\n" for event in events).encode()
    api.routes[EVENTS] = streaming(text[:30], text[30:])
    found = followed(api, WATCHED)
    assert [event for capture in found for event in capture.objects] == events


def test_what_a_watch_refuses_is_a_failure(api: Any) -> None:
    """As an API server does that has an etcd too old for what is asked."""
    status = {"kind": "Status", "message": "the required storage feature is disabled"}
    text = json.dumps({"type": "ERROR", "object": status}).encode()
    api.routes[EVENTS] = streaming(text + b"\n")
    (capture,) = followed(api, WATCHED)
    assert capture.failure is not None
    assert "storage feature is disabled" in capture.failure.message


def test_a_version_that_is_gone_is_no_failure(api: Any) -> None:
    event = {"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}}
    api.routes[EVENTS] = streaming(json.dumps(event).encode() + b"\n")
    (capture,) = followed(api, WATCHED)
    assert (capture.failure, capture.objects) == (None, (event,))


@pytest.mark.parametrize("line", [b"no json", b"[]", b"{}", b'{"object":3}', b"[" * 9000, b"\xff"])
def test_hostile_watch_lines(api: Any, line: bytes) -> None:
    api.routes[EVENTS] = streaming(line + b'\n{"type":"ADDED","object":{}}\n')
    found = followed(api, WATCHED)
    assert [event["type"] for capture in found for event in capture.objects] == ["ADDED"]


def test_an_endless_line_is_cut(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_LONGEST", 100)
    api.routes[LOG] = streaming(*[b"x" * 60] * 10, b"\nafter\n")
    found = followed(api)
    assert max(len(line) for c in found for line in c.data.splitlines()) <= 180
    assert b"".join(c.data for c in found).endswith(b"\nafter\n")


@pytest.mark.parametrize(
    ("status", "reason"),
    [(403, Reason.FORBIDDEN), (404, Reason.NOT_FOUND), (500, Reason.REFUSED)],
)
def test_refusals(api: Any, status: int, reason: Reason) -> None:
    api.routes[LOG] = lambda exchange: exchange.refuse(status, "because")
    (capture,) = followed(api)
    assert capture.failure is not None
    assert (capture.failure.reason, capture.data) == (reason, b"")
    assert "because" in capture.failure.message


def test_a_broken_stream_keeps_what_came(api: Any) -> None:
    def route(exchange: Any) -> None:
        exchange.handler.send_response(200)
        exchange.handler.send_header("Transfer-Encoding", "chunked")
        exchange.handler.end_headers()
        exchange.handler.wfile.write(b"4\r\none\n\r\n5\r\ntw")
        exchange.handler.wfile.flush()
        exchange.handler.connection.close()
        exchange.handler.close_connection = True

    api.routes[LOG] = route
    first, last = followed(api)
    assert (first.data, first.failure) == (b"one\n", None)
    assert last.failure is not None


def test_silence_ends_it_like_any_other(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "QUIET", 0.3)
    api.routes[LOG] = streaming(b"one\n", hang=True)
    (capture,) = followed(api)
    assert (capture.data, capture.failure) == (b"one\n", None)


def test_a_server_that_is_gone(api: Any) -> None:
    config = api.config(server="http://127.0.0.1:9")
    (capture,) = LiveSource(config).follow(ASKED)
    assert capture.failure is not None
    assert capture.failure.reason is Reason.UNREACHABLE


def test_an_interrupt_ends_it_at_the_next_part(api: Any) -> None:
    api.routes[LOG] = streaming(b"one\n", b"two\n", hang=True)
    source = api.source()
    stream = source.follow(ASKED)
    assert next(stream).data.startswith(b"one\n")
    assert not source.ended
    source.interrupt()
    assert source.ended
    stream.close()


def test_many_at_once_take_no_place_of_the_others(api: Any) -> None:
    api.routes[LOG] = streaming(b"one\n", hang=True)
    api.routes["/version"] = lambda exchange: exchange.json({"major": "1"})
    source = api.source(max_parallel=1)
    came: list[bytes] = []
    streams = [source.follow(ASKED) for _ in range(4)]
    threads = [
        threading.Thread(target=lambda s=s: came.append(next(s).data), daemon=True) for s in streams
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(came) == 4
    assert source.check() == {"major": "1"}


def test_time_that_is_over(api: Any) -> None:
    source = api.source(timeout=0.05)
    time.sleep(0.06)
    assert source.ended
