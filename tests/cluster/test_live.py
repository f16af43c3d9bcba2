"""The live Source as a whole: its clock, its end, its counts, and what it never raises."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kubectl_svcnet.cluster.config import Auth, Tls
from kubectl_svcnet.cluster.kubeconfig import parse_timeout
from kubectl_svcnet.cluster.live import LiveSource
from kubectl_svcnet.errors import ClusterError
from kubectl_svcnet.model.capture import (
    ApiRequest,
    ExecRequest,
    ForwardRequest,
    LogRequest,
    Reason,
    Request,
    ReviewRequest,
    Source,
)
from kubectl_svcnet.model.commands import Command

STATUS = Command("cat", ("/proc/1/status",))
EXEC = ExecRequest(
    node="n1", namespace="kube-system", pod="x", container="c", commands=(STATUS, STATUS)
)
POD = "/api/v1/namespaces/kube-system/pods/x"
REQUESTS: tuple[Request, ...] = (
    ApiRequest(path="/api/v1/services"),
    ApiRequest(path="/version", many=False),
    LogRequest(namespace="kube-system", pod="x", container="c"),
    ReviewRequest(verb="get", resource="pods"),
    EXEC,
    ForwardRequest(node="n1", namespace="kube-system", pod="x", port=10249, path="/proxyMode"),
)


def hang_everywhere(api: Any) -> None:
    api.routes = Everywhere(lambda exchange: exchange.hang())


class Everywhere(dict[str, Any]):
    def __init__(self, route: Callable[[Any], None]) -> None:
        super().__init__()
        self.route = route

    def get(self, key: str, default: Any = None) -> Any:
        return self.route


def test_it_is_a_source(api: Any) -> None:
    source: Source = LiveSource(api.config())
    assert source.context == "loopback"
    assert abs(source.now() - time.time()) < 5


def test_check(api: Any) -> None:
    api.routes["/version"] = lambda e: e.json({"gitVersion": "v1.36.3"})
    assert api.source().check()["gitVersion"] == "v1.36.3"


def test_a_server_without_version_is_a_server(api: Any) -> None:
    assert api.source().check() == {}
    api.routes["/version"] = lambda e: e.refuse(403, "forbidden")
    assert api.source().check() == {}


def test_check_says_why_there_is_no_cluster(api: Any) -> None:
    refused = api.config(server="http://127.0.0.1:1")
    with pytest.raises(ClusterError, match=r"server 127\.0\.0\.1:1 was refused"):
        api.source(config=refused).check()
    api.routes["/version"] = lambda e: e.refuse(401, "Unauthorized")
    with pytest.raises(ClusterError, match=r"must be logged in to the server \(Unauthorized\)"):
        api.source().check()
    hang_everywhere(api)
    with pytest.raises(ClusterError, match="Unable to connect to the server: GET /version"):
        api.source(request_timeout=0.2).check()


def test_a_failing_plugin_is_an_error_of_check_and_a_failure_of_fetch(api: Any) -> None:
    plugin = {"command": "no-such-login", "apiVersion": "client.authentication.k8s.io/v1"}
    source = api.source(config=api.config(auth=Auth(exec=plugin)))
    with pytest.raises(ClusterError, match="getting credentials"):
        source.check()
    for request in REQUESTS:
        for capture in source.fetch(request):
            assert capture.failure is not None
            assert capture.failure.reason is Reason.UNAUTHORIZED
            assert "getting credentials" in capture.failure.message
    assert not api.asked


def test_the_end_of_the_run(api: Any) -> None:
    """Running fetches end at the total deadline, later ones at once."""
    hang_everywhere(api)
    source = api.source(timeout=0.6, exec_timeout=600)
    with ThreadPoolExecutor(len(REQUESTS)) as threads:
        answers = list(threads.map(source.fetch, REQUESTS))
    answers += [source.fetch(request) for request in REQUESTS]
    for captures in answers:
        assert {c.failure.reason for c in captures} == {Reason.TIMEOUT}
    assert len(answers[4]) == 2  # one capture per command, also then


def test_a_handshake_that_never_ends(api: Any) -> None:
    """`--request-timeout 0` is none for a request, and the run's own holds."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = api.config(
            server=f"https://127.0.0.1:{silent.getsockname()[1]}",
            tls=Tls(verify=False),
            request_timeout=parse_timeout("0"),
        )
        source = api.source(config=config, timeout=0.6, exec_timeout=600)
        with ThreadPoolExecutor(len(REQUESTS)) as threads:
            answers = list(threads.map(source.fetch, REQUESTS))
    for captures in answers:
        assert {c.failure.reason for c in captures} == {Reason.TIMEOUT}


def test_waiting_for_a_free_place_ends_too(api: Any) -> None:
    hang_everywhere(api)
    source = api.source(timeout=0.5, max_parallel=1)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(source.fetch, REQUESTS[:4]))
    assert {c.failure.reason for captures in answers for c in captures} == {Reason.TIMEOUT}
    assert len(api.asked) <= 1


def test_an_interrupt_is_quick(api: Any) -> None:
    hang_everywhere(api)
    source = api.source(timeout=None, exec_timeout=600)
    threading.Timer(0.3, source.interrupt).start()
    with ThreadPoolExecutor(len(REQUESTS)) as threads:
        answers = list(threads.map(source.fetch, REQUESTS))
    source.wait(3600)
    for captures in answers:
        assert {c.failure.reason for c in captures} == {Reason.INTERRUPTED}


def test_a_wait_is_no_longer_than_the_run(api: Any) -> None:
    api.source(timeout=0.2).wait(3600)
    api.source(timeout=None).wait(0.01)


def test_counts_and_progress(api: Any) -> None:
    api.routes["/api/v1/services"] = lambda e: e.json({"items": []})
    api.routes[f"{POD}/exec"] = lambda e: e.upgrade().exit(0)
    seen: list[Request] = []
    source = LiveSource(api.config(), progress=seen.append)
    source.fetch(REQUESTS[0])
    source.fetch(EXEC)
    assert seen == [REQUESTS[0], EXEC]
    assert (source.stats.requests, source.stats.execs) == (1, 1)
    assert source.stats.bytes == len('{"items": []}')


def test_times(api: Any) -> None:
    def late(exchange: Any) -> None:
        time.sleep(0.05)
        exchange.json({"items": []})

    api.routes["/api/v1/services"] = late
    (capture,) = api.source().fetch(REQUESTS[0])
    assert capture.seconds >= 0.05
    assert capture.request is REQUESTS[0]
    assert abs(capture.started - time.time()) < 5


def test_importing_loads_no_client() -> None:
    code = (
        "import sys; import kubectl_svcnet.cluster.live, kubectl_svcnet.cluster.kubeconfig,"
        "kubectl_svcnet.cluster.replay, kubectl_svcnet.cluster.record;"
        "print([m for m in ('kubernetes', 'urllib3', 'websocket', 'yaml') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
