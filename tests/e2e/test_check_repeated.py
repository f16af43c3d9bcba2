"""`check --wait` and `check -w` while a kube-proxy is stopped and goes on, a Service is made, and
endpoints come and go."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import STRUCK
from tests.e2e.test_check import MADE_TO_SHOW
from tests.e2e.tool import ONLY, Process, Svcnet
from tests.lab.client import Lab

pytestmark = [pytest.mark.e2e, pytest.mark.full]

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: e2e-repeated}
spec:
  selector: {app: db}
  ports: [{name: mysql, port: 3306, targetPort: mysql}]
"""


@pytest.fixture
def unknown_to_one(stopped: str, lab: Lab, svcnet: Svcnet) -> Iterator[str]:
    """The node whose kube-proxy was stopped when the Service was made."""
    lab.kubectl("apply", "-f", "-", stdin=SERVICE)
    try:
        yield stopped
    finally:
        lab.kubectl("delete", "service", "e2e-repeated", "--ignore-not-found")


def go_on(lab: Lab) -> None:
    for pid in lab.processes(STRUCK, "kube-proxy"):
        os.kill(pid, signal.SIGCONT)


def codes(document: dict[str, Any], key: str = "findings") -> set[tuple[str, str]]:
    return {
        (one["code"], one["node"] or "")
        for one in document.get(key) or ()
        if (one["code"], one["service"]) not in MADE_TO_SHOW
    }


def test_wait_tells_what_is_wrong_when_time_is_up(unknown_to_one: str, svcnet: Svcnet) -> None:
    answer = svcnet("check", "--wait", "--timeout", "20s", "--settle", "1s", *ONLY)
    assert answer.code == 1, answer.told()
    assert codes(answer.document) >= {("SVN301", unknown_to_one)}, answer.told()
    assert answer.seconds > 10


def test_wait_ends_when_kube_proxy_goes_on(unknown_to_one: str, lab: Lab, svcnet: Svcnet) -> None:
    done: list[Process] = []
    words = ("check", "e2e-repeated", "--wait", "--timeout", "100s", "--settle", "1s", *ONLY)
    waiting = threading.Thread(target=lambda: done.append(svcnet.raw(*words)))
    waiting.start()
    waiting.join(15)
    assert waiting.is_alive(), done
    go_on(lab)
    waiting.join(60)
    assert not waiting.is_alive()
    [answer] = done
    assert answer.code == 0, answer


def test_watch_tells_what_comes_and_what_is_over(lab: Lab, stopped: str, svcnet: Svcnet) -> None:
    cause = ("SVN301", stopped)
    with svcnet.following("check", "-w", "--settle", "1s", *ONLY) as watched:
        first = watched.document(60)
        assert (first["kind"], cause in codes(first)) == ("Check", True)
        go_on(lab)
        watched.until(lambda told: cause in codes(told, "gone"), within=60)
        lab.kubectl("scale", "deployment/db", "--replicas=0")
        try:
            watched.until(lambda told: ("SVN401", "") in codes(told), within=60)
        finally:
            lab.kubectl("scale", "deployment/db", "--replicas=3")
        watched.until(lambda told: ("SVN401", "") in codes(told, "gone"), within=90)
        assert watched.interrupt() == 130
    svcnet.healthy(within=120)
