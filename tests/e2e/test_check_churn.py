"""`check` in a loop while the cluster changes all the time: nothing is an error as long as
kube-proxy follows, and a warning is what the API says at that moment."""

from __future__ import annotations

import os
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.test_check import MADE_TO_SHOW, found
from tests.e2e.tool import ONLY, Answer, Svcnet
from tests.lab import kube
from tests.lab.client import Lab
from tests.lab.kube import KUBECTL
from tests.lab.topology import NODES

pytestmark = [pytest.mark.e2e, pytest.mark.full]

MINUTES = float(os.environ.get("SVCNET_CHURN_MINUTES", "15"))
DEPLOYMENT = "deployment/db"

#: What may be said of a Service of the pods that are scaled: no pod, or only such as are being
#: deleted; none on a node.
SCARCE = {"SVN401", "SVN402", "SVN412"}
#: What may be said of a node whose kube-proxy is being replaced.
REPLACED = {"SVN301", "SVN306"}


def kubectl(*words: str, stdin: str | None = None) -> None:
    subprocess.run(
        [*KUBECTL, *words], check=True, capture_output=True, timeout=120, text=True, input=stdin
    )


def restart() -> None:
    kubectl("rollout", "restart", DEPLOYMENT)
    kubectl("rollout", "status", DEPLOYMENT, "--timeout=90s")


def scale() -> None:
    for size in (0, 20, 3):
        kubectl("scale", DEPLOYMENT, f"--replicas={size}")
        kubectl("rollout", "status", DEPLOYMENT, "--timeout=90s")


def create_and_delete() -> None:
    manifest = "---\n".join(
        f"""\
apiVersion: v1
kind: Service
metadata: {{name: churn-{number}, labels: {{e2e: churn}}}}
spec:
  type: NodePort
  selector: {{app: db}}
  ports: [{{name: mysql, port: 3306, targetPort: mysql, nodePort: {30200 + number}}}]
"""
        for number in range(5)
    )
    kubectl("apply", "-f", "-", stdin=manifest)
    time.sleep(random.uniform(0, 8))
    kubectl(
        "patch", "service", "churn-0", "--type=json", "-p",
        '[{"op": "replace", "path": "/spec/ports/0/nodePort", "value": 30299}]',
    )  # fmt: skip
    time.sleep(random.uniform(0, 8))
    kubectl("delete", "service", "-l", "e2e=churn")


def replace_a_proxy() -> None:
    node = random.choice(NODES).name
    here = (
        "-n",
        "kube-system",
        "-l",
        "k8s-app=kube-proxy",
        f"--field-selector=spec.nodeName={node}",
    )
    kubectl("delete", "pod", *here)
    kubectl("wait", "pod", *here, "--for=condition=Ready", "--timeout=90s")


CHANGES: tuple[Callable[[], None], ...] = (restart, scale, create_and_delete, replace_a_proxy)


class Churn(threading.Thread):
    """Changes the cluster, one thing after the other, until it is told to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[tuple[str, float, float]] = []
        self.failure: BaseException | None = None
        self._stop_asked = threading.Event()
        self._now = ("", 0.0)

    def run(self) -> None:
        try:
            while not self._stop_asked.is_set():
                for change in random.sample(CHANGES, len(CHANGES)):
                    start = time.monotonic()
                    self._now = (change.__name__, start)
                    change()
                    self.done.append((change.__name__, start, time.monotonic()))
        except BaseException as error:  # told by the test
            self.failure = error

    def stop(self) -> None:
        self._stop_asked.set()
        self.join()

    def between(self, start: float, end: float) -> set[str]:
        """What was changed then, or shortly before."""
        name, since = self._now
        spans = [*self.done, (name, since, end)]
        return {name for name, begun, over in spans if begun <= end and over + 10 >= start}


@pytest.fixture
def churn(svcnet: Svcnet, lab: Lab) -> Iterator[Churn]:
    thread = Churn()
    thread.start()
    try:
        yield thread
    finally:
        thread.stop()
        lab.kubectl("delete", "service", "-l", "e2e=churn", "--ignore-not-found")
        lab.kubectl("scale", DEPLOYMENT, "--replicas=3")
        lab.kubectl("rollout", "restart", DEPLOYMENT)
        lab.kubectl("rollout", "status", DEPLOYMENT, "--timeout=90s")
        svcnet.healthy(within=120)


def scaled_services() -> set[str]:
    return {
        f"default/{item['metadata']['name']}"
        for item in kube.get("services")["items"]
        if (item["spec"].get("selector") or {}).get("app") == "db"
    } | {f"default/churn-{number}" for number in range(5)}


def unjustified(answer: Answer, changes: set[str], scaled: set[str]) -> set[tuple[str, str]]:
    said = found(answer, "warning", "error") - MADE_TO_SHOW
    if changes & {"scale", "restart"}:
        warned = found(answer, "warning")
        said -= {one for one in warned if one[0] in SCARCE and one[1] in scaled}
    if "replace_a_proxy" in changes:
        said -= {one for one in found(answer, "warning") if one[0] in REPLACED}
    return said


def test_nothing_is_an_error_while_kube_proxy_follows(
    churn: Churn, svcnet: Svcnet, tmp_path: Path
) -> None:
    """What the last check read stays behind, for whoever asks why it said so."""
    bundle = str(tmp_path / "last.tar.gz")
    until = time.monotonic() + MINUTES * 60
    scaled = scaled_services()
    runs = 0
    while time.monotonic() < until:
        start = time.monotonic()
        answer = svcnet("check", "-A", *ONLY, "--record", bundle)
        changes = churn.between(start, time.monotonic())
        assert churn.failure is None, churn.failure
        told = f"while {sorted(changes)}\n{answer.told()}"
        assert not unjustified(answer, changes, scaled), told
        gaps = [gap for gap in answer.gaps() if gap["blocking"]]
        assert not gaps or "replace_a_proxy" in changes, told
        assert answer.code == (4 if gaps else 0), told
        runs += 1
    assert runs > MINUTES
    assert {name for name, _, _ in churn.done} == {change.__name__ for change in CHANGES}
