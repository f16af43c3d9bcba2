from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from kubectl_svcnet.model.capture import (
    ApiRequest,
    Capture,
    ExecRequest,
    Failure,
    ForwardRequest,
    LogRequest,
    Reason,
    Request,
)
from kubectl_svcnet.model.commands import Command
from kubectl_svcnet.pipeline.collect import Collector, command_line, gap_of


class Echo:
    """Answers everything with three bytes; its clock moves only by waiting."""

    context = "echo"

    def __init__(self) -> None:
        self.clock, self.active, self.most = 100.0, 0, 0
        self.lock = threading.Lock()

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        many = len(request.commands) if isinstance(request, ExecRequest) else 1
        return tuple(Capture(request=request, size=3) for _ in range(many))

    def now(self) -> float:
        return self.clock

    def wait(self, seconds: float) -> None:
        self.clock += seconds


CAT = Command("cat", ("/proc/net/route",))
EXEC = ExecRequest(node="n1", namespace="kube-system", pod="p", container="c", commands=(CAT, CAT))
LOG = LogRequest(namespace="kube-system", pod="p", container="c")
LIST = ApiRequest(path="/api/v1/nodes")


def test_what_is_counted() -> None:
    collector = Collector(Echo())
    collector.fetch(LIST)
    collector.fetch(LOG)
    collector.fetch(EXEC)
    collector.fetch(replace(EXEC, shell=False))  # an exec a command
    collector.wait(5)
    found = collector.collected(nodes=3, nodes_read=2, reread=("n3",))
    assert (found.context, found.execs, found.bytes) == ("echo", 3, 15)
    assert (found.nodes, found.nodes_read, found.reread) == (3, 2, ("n3",))
    assert (found.started_at, found.seconds, found.waited) == (100.0, 5.0, 5.0)


def test_many_at_once_in_order() -> None:
    echo = Echo()
    barrier = threading.Barrier(4, timeout=60)

    def work(item: int) -> int:
        barrier.wait()  # all four must be here at the same time
        return item * 10

    assert Collector(echo, max_parallel=4).map(work, range(4)) == [0, 10, 20, 30]
    assert Collector(echo).map(lambda item: item, []) == []
    assert Collector(echo).map(lambda item: threading.current_thread(), [1]) == [
        threading.current_thread()
    ]


def test_never_more_than_allowed() -> None:
    active, most, lock = 0, 0, threading.Lock()
    gate = threading.Event()

    def work(item: int) -> None:
        nonlocal active, most
        with lock:
            active += 1
            most = max(most, active)
            if active == 2:
                gate.set()
        gate.wait(5)
        with lock:
            active -= 1

    Collector(Echo(), max_parallel=2).map(work, range(8))
    assert most == 2


def test_an_exception_ends_the_run() -> None:
    def work(item: int) -> None:
        raise KeyError(item)

    with pytest.raises(KeyError):
        Collector(Echo()).map(work, range(3))


@pytest.mark.parametrize(
    ("request_", "reason", "next"),
    [
        (EXEC, Reason.FORBIDDEN, "can-i create pods --subresource=exec -n kube-system"),
        (EXEC, Reason.UNAUTHORIZED, "can-i create pods --subresource=exec -n kube-system"),
        (LOG, Reason.FORBIDDEN, "can-i get pods --subresource=log -n kube-system"),
        (LIST, Reason.FORBIDDEN, "can-i list nodes"),
        (
            ApiRequest(path="/api/v1/namespaces/pay/services"),
            Reason.FORBIDDEN,
            "can-i list services -n pay",
        ),
        (
            ApiRequest(path="/api/v1/namespaces/pay/services/db", many=False),
            Reason.FORBIDDEN,
            "can-i get services/db -n pay",
        ),
        (
            ForwardRequest(node="n1", namespace="x", pod="p", port=10249, path="/proxyMode"),
            Reason.FORBIDDEN,
            "can-i create pods --subresource=portforward -n x",
        ),
        (EXEC, Reason.TIMEOUT, "kubectl describe node n1"),
        (EXEC, Reason.UNREACHABLE, "kubectl describe node n1"),
        (LOG, Reason.BROKEN, "kubectl describe node n1"),
        (LIST, Reason.TIMEOUT, ""),
        (EXEC, Reason.TOO_LARGE, ""),
        (EXEC, Reason.NOT_RECORDED, ""),
    ],
)
def test_what_to_do_about_a_failure(request_: Request, reason: Reason, next: str) -> None:
    failure = Failure(reason=reason, message="it says no")
    gap = gap_of(request_, failure, what="rules", node="n1", blocking=True)
    late = request_ is EXEC and reason is Reason.TIMEOUT
    more = "; a busy node may need a longer --exec-timeout" if late else ""
    assert (gap.what, gap.node, gap.blocking) == ("rules", "n1", True)
    assert gap.why == f"it says no{more}"
    assert gap.next.endswith(next)
    assert bool(gap.next) == bool(next)


def test_without_a_node_there_is_none_to_describe() -> None:
    failure = Failure(reason=Reason.TIMEOUT, message="late")
    assert gap_of(EXEC, failure, what="rules", blocking=False).next == ""


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (CAT, "cat /proc/net/route"),
        (
            Command("iptables-nft-chain-filtered", ("nat", "KUBE-SERVICES", "^x")),
            "iptables-nft -t nat -S KUBE-SERVICES | grep -nvE …",
        ),
        (
            Command("iptables-legacy-first-rule", ("nat", "KUBE-SERVICES")),
            "iptables-legacy-save | grep -n …",
        ),
    ],
)
def test_commands_in_words(command: Command, line: str) -> None:
    assert command_line(command) == line


def test_an_empty_word_is_quoted() -> None:
    assert command_line(Command("sysctls")).startswith("grep -sH '' /proc/sys/")
