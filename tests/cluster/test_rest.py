"""Lists, objects, logs and reviews against the loopback server."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from kubectl_svcnet.cluster.rest import warning_text
from kubectl_svcnet.model.capture import (
    ApiRequest,
    Capture,
    LogRequest,
    ProbeRequest,
    Reason,
    ReviewRequest,
)

SERVICES = "/api/v1/services"
LOG = "/api/v1/namespaces/kube-system/pods/kube-proxy-x/log"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def items(first: int, last: int) -> list[dict[str, Any]]:
    return [{"metadata": {"name": f"s{n}"}} for n in range(first, last)]


def paged(total: int, *, gone_at: int = 0, times: int = 0) -> Callable[[Any], None]:
    """A list in pages; its continue token for `gone_at` has expired so many times."""
    left = [times]

    def route(exchange: Any) -> None:
        query = dict(exchange.asked.query)
        start, limit = int(query.get("continue", 0)), int(query["limit"])
        if start and start == gone_at and left[0]:
            left[0] -= 1
            exchange.refuse(410, "The provided continue parameter is too old")
            return
        end = min(start + limit, total)
        metadata: dict[str, object] = {"resourceVersion": "7"}
        if end < total:
            metadata = {"continue": str(end), "remainingItemCount": total - end}
        exchange.json({"metadata": metadata, "items": items(start, end)})

    return route


def fetch(api: Any, path: str = SERVICES, **fields: Any) -> Capture:
    limits = fields.pop("limits", {})
    (capture,) = api.source(**limits).fetch(ApiRequest(path=path, **fields))
    assert isinstance(capture, Capture)
    return capture


def names(capture: Capture) -> list[str]:
    return [item["metadata"]["name"] for item in capture.objects]


def test_pages(api: Any) -> None:
    api.routes[SERVICES] = paged(1201)
    capture = fetch(api, query=(("labelSelector", "a in (b,c)"),))
    assert names(capture) == [f"s{n}" for n in range(1201)]
    assert not capture.truncated
    assert [dict(a.query).get("continue") for a in api.asked] == [None, "500", "1000"]
    assert {dict(a.query)["labelSelector"] for a in api.asked} == {"a in (b,c)"}
    assert capture.version == "7"
    assert capture.size > 0


@pytest.mark.parametrize(
    ("total", "limit", "kept", "truncated", "requests"),
    [
        (1201, 50, 50, True, 1),
        (50, 50, 50, False, 1),
        (3, 50, 3, False, 1),
        (1201, 700, 700, True, 2),
    ],
)
def test_limits(
    api: Any, total: int, limit: int, kept: int, truncated: bool, requests: int
) -> None:
    api.routes[SERVICES] = paged(total)
    capture = fetch(api, limit=limit)
    assert (len(capture.objects), capture.truncated) == (kept, truncated)
    assert len(api.asked) == requests
    assert capture.failure is None


def test_a_server_that_ignores_limits(api: Any) -> None:
    api.routes[SERVICES] = lambda exchange: exchange.json({"items": items(0, 80)})
    capture = fetch(api, limit=50)
    assert (len(capture.objects), capture.truncated) == (50, True)


def test_an_expired_token_restarts_the_list_once(api: Any) -> None:
    api.routes[SERVICES] = paged(1201, gone_at=1000, times=1)
    assert len(fetch(api).objects) == 1201
    api.routes[SERVICES] = paged(1201, gone_at=1000, times=2)
    capture = fetch(api)
    assert capture.failure is not None
    assert (capture.failure.reason, capture.truncated) == (Reason.REFUSED, True)
    assert "too old" in capture.failure.message


def later(status: int, times: int, **headers: str) -> Callable[[Any], None]:
    left = [times]

    def route(exchange: Any) -> None:
        if left[0]:
            left[0] -= 1
            exchange.refuse(status, "too many requests", **headers)
        else:
            exchange.json({"items": items(0, 1)})

    return route


def test_later_is_honoured(api: Any) -> None:
    api.routes[SERVICES] = later(429, 2, Retry_After="0")
    assert fetch(api).ok
    assert len(api.asked) == 3
    api.routes[SERVICES] = later(503, 1, Retry_After="0")
    assert fetch(api).ok


def test_later_than_the_deadline_is_no_wait(api: Any) -> None:
    api.routes[SERVICES] = later(429, 5, Retry_After="600")
    failure = fetch(api).failure
    assert failure is not None
    assert (failure.reason, len(api.asked)) == (Reason.REFUSED, 1)
    api.routes[SERVICES] = later(503, 5)
    assert not fetch(api).ok


REFUSALS = {
    "403": (403, 'services is forbidden: User "jane" cannot list', Reason.FORBIDDEN),
    "401": (401, "Unauthorized", Reason.UNAUTHORIZED),
    "404": (404, "the server could not find the requested resource", Reason.NOT_FOUND),
    "500": (500, "etcdserver: leader changed", Reason.REFUSED),
    "503": (503, "the server is currently unable to handle the request", Reason.UNREACHABLE),
    "504": (504, "Timeout: request did not complete", Reason.TIMEOUT),
    "302": (302, "elsewhere", Reason.REFUSED),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_the_servers_own_words(api: Any, name: str) -> None:
    status, message, reason = REFUSALS[name]
    api.routes[SERVICES] = lambda exchange: exchange.refuse(status, message)
    failure = fetch(api).failure
    assert failure is not None
    assert (failure.reason, failure.message) == (reason, f"GET {SERVICES}: {message}")


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b'{"items": 3}', b'{"items": ["x"]}', b"\xff", b"[" * 100000, b""]
)
def test_answers_that_are_no_list(api: Any, body: bytes) -> None:
    api.routes[SERVICES] = lambda exchange: exchange.text(body)
    failure = fetch(api).failure
    assert failure is not None
    assert failure.reason is Reason.BROKEN


def test_null_items_are_an_empty_list(api: Any) -> None:
    api.routes[SERVICES] = lambda exchange: exchange.json({"items": None})
    capture = fetch(api)
    assert (capture.objects, capture.ok) == ((), True)


def test_a_list_without_end(api: Any) -> None:
    api.routes[SERVICES] = lambda e: e.json({"metadata": {"continue": "x"}, "items": items(0, 1)})
    failure = fetch(api).failure
    assert failure is not None
    assert "same page" in failure.message


def test_a_list_that_is_too_large(api: Any) -> None:
    api.routes[SERVICES] = paged(5000)
    capture = fetch(api, limits={"max_list": 40_000})
    assert capture.failure is not None
    assert capture.failure.reason is Reason.TOO_LARGE
    assert capture.truncated
    assert 0 < len(capture.objects) < 5000


def test_a_bomb(api: Any) -> None:
    packed = gzip.compress(b" " * (64 << 20))
    api.routes["/version"] = lambda e: e.text(packed, headers={"Content-Encoding": "gzip"})
    failure = fetch(api, "/version", many=False).failure
    assert failure is not None
    assert failure.reason is Reason.TOO_LARGE


def test_compressed_answers(api: Any) -> None:
    packed = gzip.compress(json.dumps({"gitVersion": "v1.36.3"}).encode())
    api.routes["/version"] = lambda e: e.text(packed, headers={"Content-Encoding": "gzip"})
    assert fetch(api, "/version", many=False).objects == ({"gitVersion": "v1.36.3"},)


def test_a_dropped_and_a_cut_answer(api: Any) -> None:
    def cut(exchange: Any) -> None:
        exchange.handler.send_response(200)
        exchange.handler.send_header("Content-Length", "100")
        exchange.handler.end_headers()
        exchange.handler.wfile.write(b'{"items": [')
        exchange.handler.close_connection = True

    def drop(exchange: Any) -> None:
        exchange.handler.close_connection = True

    for route in (cut, drop):
        api.routes[SERVICES] = route
        failure = fetch(api).failure
        assert failure is not None
        assert failure.reason is Reason.BROKEN


def test_warnings_are_kept_once(api: Any) -> None:
    header = '299 - "v1 Endpoints is deprecated in v1.33+; use \\"slices\\""'
    api.routes[SERVICES] = lambda e: e.json({"items": []}, headers={"Warning": header})
    source = api.source()
    for _ in range(2):
        source.fetch(ApiRequest(path=SERVICES))
    assert source.warnings == ['v1 Endpoints is deprecated in v1.33+; use "slices"']
    assert warning_text("nonsense") == "nonsense"


def test_logs(api: Any) -> None:
    text = b"I1124 server.go\n\xff\xfe\n" * 10
    api.routes[LOG] = lambda e: e.text(text[: int(dict(e.asked.query)["limitBytes"])])
    request = LogRequest(
        namespace="kube-system",
        pod="kube-proxy-x",
        container="kube-proxy",
        previous=True,
        timestamps=True,
        tail_lines=5,
        since_seconds=60,
    )
    (capture,) = api.source().fetch(request)
    assert (capture.data, capture.truncated) == (text, False)
    assert dict(api.asked[0].query) == {
        "container": "kube-proxy",
        "limitBytes": str(4 << 20),
        "previous": "true",
        "timestamps": "true",
        "tailLines": "5",
        "sinceSeconds": "60",
    }
    head = LogRequest(namespace="kube-system", pod="kube-proxy-x", container="", limit_bytes=20)
    (capture,) = api.source().fetch(head)
    assert (capture.data, capture.truncated) == (text[:20], True)
    assert dict(api.asked[1].query) == {"limitBytes": "20"}


def test_a_log_beyond_its_limit(api: Any) -> None:
    """A kubelet that ignores limitBytes."""
    api.routes[LOG] = lambda e: e.text(b"x" * 5000)
    request = LogRequest(namespace="kube-system", pod="kube-proxy-x", container="", limit_bytes=20)
    (capture,) = api.source().fetch(request)
    assert capture.failure is not None
    assert capture.failure.reason is Reason.TOO_LARGE


def test_reviews(api: Any) -> None:
    api.routes[REVIEWS] = lambda e: e.json({"status": {"allowed": True}}, status=201)
    request = ReviewRequest(verb="get", resource="pods", subresource="exec", namespace="x")
    (capture,) = api.source().fetch(request)
    assert capture.objects[0]["status"] == {"allowed": True}
    assert api.asked[0].method == "POST"
    assert json.loads(api.asked[0].body)["spec"] == {
        "resourceAttributes": {
            "verb": "get",
            "resource": "pods",
            "subresource": "exec",
            "namespace": "x",
        }
    }


def test_a_probe_is_a_dry_run_whose_refusal_is_the_answer(api: Any) -> None:
    said = {"kind": "Status", "message": "The range of valid IPs is 10.96.0.0/16"}
    api.routes["/api/v1/namespaces/default/services"] = lambda e: e.json(said, status=422)
    (capture,) = api.source().fetch(ProbeRequest(address="192.0.2.1"))
    assert capture.ok
    assert capture.objects == (said,)
    assert api.asked[0].method == "POST"
    assert ("dryRun", "All") in api.asked[0].query
    assert json.loads(api.asked[0].body)["spec"]["clusterIP"] == "192.0.2.1"


def test_odd_names_stay_in_their_place(api: Any) -> None:
    request = LogRequest(namespace="a/b", pod="../x?y", container="c&d=e")
    api.source().fetch(request)
    asked = api.asked[0]
    assert asked.path == "/api/v1/namespaces/a%2Fb/pods/..%2Fx%3Fy/log"
    assert ("container", "c&d=e") in asked.query


SILENT = {
    "silent": lambda e: e.hang(),
    "half a head": lambda e: (
        e.handler.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-"),
        e.hang(),
    ),
    "half a body": lambda e: (
        e.handler.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
        e.hang(),
    ),
}


@pytest.mark.parametrize("name", SILENT)
def test_a_silent_server(api: Any, name: str) -> None:
    api.routes[SERVICES] = SILENT[name]
    source = api.source(request_timeout=0.5)
    (capture,) = source.fetch(ApiRequest(path=SERVICES))
    assert capture.failure is not None
    assert capture.failure.reason is Reason.TIMEOUT
    assert len([a for a in api.asked if a.path == SERVICES]) == 1  # nothing is sent twice


def pages(api: Any, **limits: Any) -> list[Capture]:
    return list(api.source(**limits).pages(ApiRequest(path=SERVICES)))


def test_a_list_in_parts(api: Any) -> None:
    api.routes[SERVICES] = paged(1201)
    found = pages(api)
    assert [len(capture.objects) for capture in found] == [500, 500, 201]
    assert [name for capture in found for name in names(capture)] == [f"s{n}" for n in range(1201)]
    assert {capture.failure for capture in found} == {None}


def test_a_part_tells_how_many_are_still_to_come(api: Any) -> None:
    api.routes[SERVICES] = paged(1201)
    assert [capture.remaining for capture in pages(api)] == [701, 201, 0]
    metadata = {"remainingItemCount": "many"}
    api.routes[SERVICES] = lambda e: e.json({"metadata": metadata, "items": items(0, 1)})
    assert [capture.remaining for capture in pages(api)] == [0]


def test_a_part_that_is_too_large_ends_the_list(api: Any) -> None:
    api.routes[SERVICES] = paged(1201)
    assert len(pages(api, max_list=20_000)) == 3  # the limit is each part's
    (capture,) = pages(api, max_list=2_000)
    assert capture.failure is not None
    assert capture.failure.reason is Reason.TOO_LARGE


def test_a_list_in_parts_goes_on_where_its_token_expired(api: Any) -> None:
    def route(exchange: Any) -> None:
        if dict(exchange.asked.query).get("continue") == "500":
            body = {"kind": "Status", "message": "too old", "metadata": {"continue": "1000"}}
            exchange.json(body, status=410)
        else:
            whole(exchange)

    whole = paged(1201)
    api.routes[SERVICES] = route
    assert [len(capture.objects) for capture in pages(api)] == [500, 201]
    api.routes[SERVICES] = paged(1201, gone_at=500, times=1)  # without another token
    first, second = pages(api)
    assert len(first.objects) == 500
    assert second.failure is not None
    assert "too old" in second.failure.message
