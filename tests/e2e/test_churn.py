"""Endpoints that come and go are no fault: while kube-proxy follows, nothing is an error."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.tool import Answer, Svcnet
from tests.lab.client import Lab
from tests.lab.kube import KUBECTL

pytestmark = pytest.mark.e2e

DEPLOYMENT = "deployment/db"


@pytest.fixture
def restored(lab: Lab, svcnet: Svcnet) -> Iterator[None]:
    """Started anew, since scaling down may leave a node without a pod, and other tests want one on
    each."""
    yield
    lab.kubectl("scale", DEPLOYMENT, "--replicas=3")
    lab.kubectl("rollout", "restart", DEPLOYMENT)
    lab.kubectl("rollout", "status", DEPLOYMENT, "--timeout=60s")
    svcnet.healthy(within=120)


def watched(svcnet: Svcnet, change: Callable[[], None], *words: str) -> list[Answer]:
    """Traces one after the other while something changes; the last began when it was done."""
    thread = threading.Thread(target=change)
    thread.start()
    answers = []
    while True:
        running = thread.is_alive()
        answers.append(svcnet("trace", "db-service", *words))
        if not running:
            return answers


def calm(answers: list[Answer]) -> None:
    for answer in answers:
        assert answer.code == 0, answer.told()
        assert not answer.findings("error", "warning"), answer.told()
        assert not [gap for gap in answer.document["gaps"] if gap["blocking"]], answer.told()


def restarts(times: int) -> Callable[[], None]:
    def change() -> None:
        for _ in range(times):
            kubectl("rollout", "restart", DEPLOYMENT)
            kubectl("rollout", "status", DEPLOYMENT, "--timeout=60s")

    return change


def scalings(*sizes: int) -> Callable[[], None]:
    def change() -> None:
        for size in sizes:
            kubectl("scale", DEPLOYMENT, f"--replicas={size}")
            kubectl("rollout", "status", DEPLOYMENT, "--timeout=60s")

    return change


def kubectl(*words: str) -> None:
    subprocess.run([*KUBECTL, *words], check=True, capture_output=True, timeout=90)


@pytest.mark.usefixtures("restored")
def test_a_rolling_restart(svcnet: Svcnet) -> None:
    answers = watched(svcnet, restarts(2))
    calm(answers)
    assert len(answers) > 1


@pytest.mark.usefixtures("restored")
def test_scaling_down_and_up(svcnet: Svcnet) -> None:
    calm(watched(svcnet, scalings(1, 5, 3)))


@pytest.mark.usefixtures("restored")
def test_no_endpoint_for_a_while(svcnet: Svcnet) -> None:
    """The refusal that is asked for is there in time, too."""
    answers = watched(svcnet, scalings(0, 3))
    calm([answer for answer in answers if not answer.findings("warning")])
    assert not [f for answer in answers for f in answer.findings("error")]


@pytest.mark.full
@pytest.mark.usefixtures("restored")
def test_many_rolling_restarts(svcnet: Svcnet) -> None:
    answers = watched(svcnet, restarts(12))
    calm(answers)
    assert len(answers) > 5


@pytest.mark.full
@pytest.mark.usefixtures("restored")
def test_much_scaling(svcnet: Svcnet) -> None:
    calm(watched(svcnet, scalings(1, 4, 2, 6, 3, 1, 9, 2, 5, 3), "--settle", "4s"))
