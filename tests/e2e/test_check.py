"""`check` on the healthy lab says only what two of its workloads are made to show, and on a lab
whose kube-proxy is stopped the one cause."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.tool import ONLY, Answer, Svcnet
from tests.lab import kube
from tests.lab.client import Lab
from tests.lab.shell import wait_until
from tests.lab.topology import NODES

pytestmark = pytest.mark.e2e


#: What the workloads show, one by one: no endpoints at all; policy Local, no endpoint on a node.
MADE_TO_SHOW = {
    ("SVN401", "default/empty"),
    ("SVN412", "default/web-internal-local"),
}


def found(answer: Answer, *levels: str) -> set[tuple[str, str]]:
    return {(one["code"], one["service"] or one["node"] or "") for one in answer.findings(*levels)}


def test_a_healthy_lab(svcnet: Svcnet) -> None:
    answer = svcnet("check", "-A", *ONLY)
    assert answer.code == 0, answer.told()
    assert found(answer, "error", "warning") == MADE_TO_SHOW, answer.told()
    assert answer.gaps() == [], answer.told()
    for item in answer.document["items"]:
        for frontend in item["frontends"]:
            assert frontend["nodes"] == [], answer.told()
            assert frontend["ok"] == len(NODES)


def test_the_last_line_says_how_far_it_looked(svcnet: Svcnet) -> None:
    printed = svcnet.raw("check", *ONLY)
    services = [item["metadata"]["name"] for item in kube.get("services")["items"]]
    *_, last = printed.stdout.splitlines()
    assert f"Services ok on {len(NODES)} of {len(NODES)} nodes" in last
    assert len(services) == sum(int(word) for word in last.split() if word.isdecimal()) - 2 * len(
        NODES
    )
    assert max(map(len, (line for line in printed.stdout.splitlines() if "next" not in line))) <= 80


def test_a_rollout_may_wait_for_it(svcnet: Svcnet) -> None:
    printed = svcnet.raw("check", "--wait", "--timeout", "60s", *ONLY)
    assert printed.code == 0, printed.stdout + printed.stderr


@pytest.fixture
def many(stopped: str, lab: Lab, svcnet: Svcnet) -> Iterator[str]:
    """Services that the node whose kube-proxy is stopped does not know."""
    lab.kubectl("apply", "-f", "-", stdin=manifest())
    try:
        yield stopped
    finally:
        lab.kubectl("delete", "service", "-l", "e2e=check", "--ignore-not-found")


SERVICES = 40


def manifest() -> str:
    return "---\n".join(
        f"""\
apiVersion: v1
kind: Service
metadata: {{name: check-{number}, labels: {{e2e: check}}}}
spec:
  selector: {{app: db}}
  ports: [{{name: mysql, port: 3306, targetPort: mysql}}]
"""
        for number in range(SERVICES)
    )


def test_the_cause_before_its_symptoms(many: str, svcnet: Svcnet) -> None:
    """On one page: one finding with an object per Service."""
    answer = svcnet("check", *ONLY, "--settle", "3s")
    assert answer.code == 1, answer.told()
    (cause,) = answer.findings("error")
    assert (cause["code"], cause["node"]) == ("SVN301", many), answer.told()
    assert f"{SERVICES} Services differ" in cause["message"]
    assert {one["service"] for one in cause["objects"]} == {
        f"default/check-{number}" for number in range(SERVICES)
    }
    assert found(answer, "error", "warning") == MADE_TO_SHOW | {("SVN301", many)}
    printed = svcnet.raw("check", *ONLY, "--settle", "3s")
    assert len(printed.stdout.splitlines()) < 24
    assert f"{SERVICES} differ on {many} only" in printed.stdout
    assert svcnet("check", "--skip", "SVN301,SVN201", *ONLY, "--settle", "0s").code == 0


CLIENT, GONE, LISTENS = "10.244.2.250", "10.244.2.251", 8080


@pytest.fixture
def dead_flow(lab: Lab) -> Iterator[str]:
    """On n2, a UDP flow to web-udp that an endpoint answers which is none."""
    address = kube.get("service", "web-udp")["spec"]["clusterIP"]
    dialled = ["-p", "udp", "-s", CLIENT, "-d", address, "--sport", "40000", "--dport", "53"]
    answered = ["--reply-src", GONE, "--reply-dst", CLIENT]
    ports = ["--reply-port-src", str(LISTENS), "--reply-port-dst", "40000", "-t", "300"]
    lab.node_exec("n2", ["conntrack", "-I", *dialled, *answered, *ports])
    try:
        yield f"{address}:53"
    finally:
        lab.node_exec("n2", ["conntrack", "-D", *dialled])


def test_a_flow_held_by_a_dead_endpoint(dead_flow: str, svcnet: Svcnet) -> None:
    """A warning once the Service has not changed for a minute, as it has where the lab is new."""
    wait_until(
        "the Service is settled",
        lambda: bool(svcnet("check", "web-udp", *ONLY).findings("warning")),
        timeout=120,
    )
    answer = svcnet("check", "web-udp", *ONLY)
    (finding,) = answer.findings("warning", "error")
    assert finding["code"] == "SVN515", answer.told()
    assert (finding["service"], finding["node"]) == ("default/web-udp", "n2")
    assert f"1 flow for {dead_flow}/UDP goes to {GONE}:{LISTENS}" in finding["message"]
    assert CLIENT in finding["evidence"][0]


def test_a_node_that_forwards_nothing(lab: Lab, svcnet: Svcnet) -> None:
    lab.node_exec("n2", ["sysctl", "-qw", "net.ipv4.ip_forward=0"])
    try:
        answer = svcnet("check", "db-service", *ONLY, "--settle", "0s")
    finally:
        lab.node_exec("n2", ["sysctl", "-qw", "net.ipv4.ip_forward=1"])
    assert answer.code == 1, answer.told()
    assert found(answer, "error") == {("SVN511", "n2")}
    (finding,) = answer.findings("error")
    assert finding["message"].endswith("; default/db-service differs")
    assert {one["node"] for one in answer.findings("error")} == {"n2"}
