from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_svcnet.engine.judge.findings import NodeFacts
from kubectl_svcnet.engine.judge.running import halted, not_running, unfollowed_of
from kubectl_svcnet.model.finding import Level
from kubectl_svcnet.model.proxystate import Down
from kubectl_svcnet.model.report import FrontendTrace, NodeTrace, ServiceTrace, Verdict
from kubectl_svcnet.model.service import ServiceName
from tests.samples import frontend, service

PROXY = "kube-system/kube-proxy-x7k2p"
RUNS = NodeFacts(proxy=PROXY, state="S")
STOPPED = replace(RUNS, state="T")
CRASHED = replace(RUNS, state="", down=Down(why="CrashLoopBackOff", restarts=9))


def trace(*problems: Verdict) -> NodeTrace:
    return NodeTrace(
        node="n3",
        dataplane="kube-proxy/iptables",
        verdict=problems[0] if problems else Verdict.OK,
        problems=problems,
    )


MISSING = trace(Verdict.MISSING)


def of(node: NodeTrace, name: str = "db") -> ServiceTrace:
    return ServiceTrace(
        service=service(name=ServiceName("default", name)),
        frontends=(FrontendTrace(frontend=frontend(), endpoints=(), nodes=(node,)),),
    )


BOTH = [of(MISSING), of(trace(Verdict.STALE), name="web")]


def test_one_that_is_stopped_is_stated_once() -> None:
    (found,) = unfollowed_of(BOTH, {"n3": STOPPED})
    assert (found.code, found.level, found.node) == ("SVN301", Level.ERROR, "n3")
    assert found.message == (
        "kube-proxy is stopped and follows nothing; 2 Services differ (first: default/db)"
    )
    assert found.evidence == (f"/proc/1/status of {PROXY} says State: T",)
    assert found.next == "kubectl -n kube-system delete pod kube-proxy-x7k2p"


@pytest.mark.parametrize(("state", "word"), [("T", "stopped"), ("t", "traced"), ("Z", "zombie")])
def test_states(state: str, word: str) -> None:
    (found,) = unfollowed_of([of(MISSING)], {"n3": replace(RUNS, state=state)})
    assert found.message == f"kube-proxy is {word} and follows nothing; default/db differs"
    assert halted("n3", PROXY, state).message == f"kube-proxy is {word} and follows nothing"


def test_one_that_does_not_start_is_stated_once() -> None:
    (found,) = unfollowed_of(BOTH, {"n3": CRASHED})
    assert (found.code, found.level, found.node) == ("SVN317", Level.ERROR, "n3")
    assert found.message == (
        "kube-proxy does not run on this node (CrashLoopBackOff, 9 restarts); "
        "2 Services differ (first: default/db)"
    )
    assert found.next == "kubectl -n kube-system logs kube-proxy-x7k2p --previous"


@pytest.mark.parametrize(
    ("node", "facts"),
    [
        (trace(), {"n3": STOPPED}),  # its rules are right all the same
        (trace(), {"n3": CRASHED}),
        (replace(MISSING, settled=False), {"n3": STOPPED}),
        (replace(MISSING, settled=False), {"n3": CRASHED}),
        (MISSING, {"n3": RUNS}),
        (MISSING, {"n3": replace(RUNS, state="D")}),
        (MISSING, {"n3": replace(RUNS, state="")}),
        (MISSING, {"n1": STOPPED}),
        (trace(Verdict.UNREAD), {"n3": STOPPED}),
    ],
)
def test_one_that_is_not_worth_a_word(node: NodeTrace, facts: dict[str, NodeFacts]) -> None:
    assert unfollowed_of([of(node)], facts) == ()


LOGS = "kubectl -n kube-system logs kube-proxy-x7k2p"


@pytest.mark.parametrize(
    ("down", "level", "next"),
    [
        (Down(why="CrashLoopBackOff", restarts=9), Level.ERROR, f"{LOGS} --previous"),
        (Down(why="CrashLoopBackOff", starting=True), Level.ERROR, LOGS),
        (Down(why="ImagePullBackOff"), Level.ERROR, LOGS),
        (Down(why="ContainerCreating"), Level.WARNING, LOGS),
        (Down(why="ContainerCreating", starting=True), Level.INFO, LOGS),  # as in every rollout
        (Down(why="phase Pending", starting=True), Level.INFO, LOGS),
    ],
)
def test_how_grave_it_is(down: Down, level: Level, next: str) -> None:
    found = not_running("n3", PROXY, down)
    assert (found.code, found.level, found.next) == ("SVN317", level, next)
    assert found.message == f"kube-proxy does not run on this node ({down})"
