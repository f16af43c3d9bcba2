"""`proxy` against what the nodes themselves say, and leftovers against real packets."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.tool import ONLY, Answer, Svcnet
from tests.lab import kube, namespaces, proxy
from tests.lab.client import Lab
from tests.lab.shell import wait_until
from tests.lab.topology import NODES, node_named

pytestmark = pytest.mark.e2e

NAMES = [node.name for node in NODES]
STRUCK = "n3"


def shown(answer: Answer) -> dict[str, dict[str, Any]]:
    return {item["node"]: item for item in answer.document["items"]}


def codes(answer: Answer, node: str | None = None) -> set[str]:
    return {f["code"] for f in answer.findings() if f["node"] == node}


def truth(lab: Lab, node: str) -> tuple[str, list[str]]:
    """The mode that kube-proxy runs in, and how its programming is called."""
    mode = lab.proxy_mode(node)
    return mode, [f"iptables ({lab.backend(node)})" if mode == "iptables" else mode]


def check_well(lab: Lab, answer: Answer) -> None:
    for node, item in shown(answer).items():
        mode, programmed = truth(lab, node)
        assert (item["configured"], item["running"], item["programmed"]) == (mode, mode, programmed)
        assert item["backend"] == lab.backend(node)
        assert item["sync"]["state"] == "up to date", answer.told()
        assert item["sync"]["healthy"] is True
        assert item["sync"]["lastSync"] is not None
        assert item["leftovers"] == []
        assert item["process"] in ("S", "R")


def test_all_nodes(lab: Lab, svcnet: Svcnet) -> None:
    answer = svcnet("proxy", *ONLY)
    assert answer.code == 0, answer.told()
    assert list(shown(answer)) == NAMES
    check_well(lab, answer)
    assert {f["level"] for f in answer.findings()} <= {"info"}, answer.told()
    assert answer.gaps() == []
    for item in answer.document["items"]:
        assert re.fullmatch(r"v1\.\d+\.\d+", item["version"])
        assert item["kernel"] in lab.node_exec(item["node"], ["uname", "-r"])
        assert item["clusterCIDR"] == ["10.244.0.0/16", "fd00:10:244::/48"]
        assert item["detectLocalMode"] == "ClusterCIDR"


def test_a_bundle_answers_the_same(svcnet: Svcnet, tmp_path: Any) -> None:
    file = str(tmp_path / "cluster.tar.gz")
    assert svcnet("snapshot", file, *ONLY).code == 0
    live, saved = svcnet("proxy", *ONLY), svcnet("proxy", *ONLY, "--bundle", file)
    assert saved.code == live.code == 0, saved.told()
    for one, other in zip(live.document["items"], saved.document["items"], strict=True):
        assert {**one, "sync": one["sync"]["state"]} == {**other, "sync": other["sync"]["state"]}
    assert saved.gaps() == []


@contextmanager
def configured(lab: Lab, mode: str) -> Iterator[None]:
    """kube-proxy's ConfigMap says another mode for a while; nobody restarts."""
    name = ("-n", "kube-system", "configmap", "kube-proxy")
    before = json.loads(lab.kubectl("get", *name, "-o", "json"))["data"]["config.conf"]
    after = re.sub(r'(?m)^mode: "?\w+"?$', f"mode: {mode}", before)
    assert after != before

    def write(text: str) -> None:
        patch = json.dumps({"data": {"config.conf": text}})
        lab.kubectl("patch", *name, "--type=merge", "-p", patch)

    write(after)
    try:
        yield
    finally:
        write(before)


def test_edited_and_not_restarted(lab: Lab, svcnet: Svcnet) -> None:
    mounting = {
        item["node"]
        for item in svcnet("proxy", *ONLY).document["items"]
        if item["configuredBy"] == "configmap kube-system/kube-proxy"
    }
    assert mounting
    with configured(lab, "nftables"):
        answer = svcnet("proxy", *ONLY)
    assert {f["node"] for f in answer.findings() if f["code"] == "SVN303"} == mounting
    assert answer.code == 0, answer.told()  # a warning
    for node in mounting:
        item = shown(answer)[node]
        assert (item["configured"], item["running"]) == ("nftables", "iptables")
    assert svcnet("proxy", *ONLY, "--fail-on", "warning").code == 0  # undone


def test_a_stopped_kube_proxy(stopped: str, svcnet: Svcnet) -> None:
    answer = svcnet("proxy", *ONLY, "--exec-timeout", "5s")
    assert codes(answer, stopped) == {"SVN301"}, answer.told()
    assert answer.code == 1
    item = shown(answer)[STRUCK]
    assert (item["process"], item["sync"]["state"]) == ("T", "stopped")
    assert item["running"] == item["configured"]  # its log still says it
    [gap] = answer.gaps(STRUCK)
    assert not gap["blocking"]


RIGHTS = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: svcnet-e2e-proxy}
rules:
- {apiGroups: [""], resources: [services, nodes, pods], verbs: [get, list]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: svcnet-e2e-proxy}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: svcnet-e2e-proxy}
subjects: [{kind: User, name: e2e-proxy, apiGroup: rbac.authorization.k8s.io}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: svcnet-e2e-proxy, namespace: kube-system}
rules:
- {apiGroups: [""], resources: [pods/exec], verbs: [get, create]}
- {apiGroups: [""], resources: [pods/log, configmaps], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: svcnet-e2e-proxy, namespace: kube-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: svcnet-e2e-proxy}
subjects: [{kind: User, name: e2e-proxy, apiGroup: rbac.authorization.k8s.io}]
"""


@pytest.fixture
def rights(lab: Lab) -> Iterator[None]:
    kube.apply(RIGHTS)
    can = ("auth", "can-i", "get", "pods/exec", "--as=e2e-proxy", "-n", "kube-system")
    try:
        wait_until("the rights hold", lambda: kube.works(*can), timeout=20)
        yield
    finally:
        lab.kubectl("delete", "--wait", "-f", "-", stdin=RIGHTS)


@pytest.mark.usefixtures("rights")
def test_without_the_right_to_port_forward(lab: Lab, svcnet: Svcnet) -> None:
    """The log tells the mode, the kernel whether it keeps up."""
    answer = svcnet("proxy", *ONLY, "--as", "e2e-proxy")
    assert answer.code == 0, answer.told()
    for node, item in shown(answer).items():
        mode, programmed = truth(lab, node)
        assert (item["running"], item["programmed"]) == (mode, programmed)
        assert item["runningBy"] == {"proxyMode": None, "log": mode}
        [gap] = answer.gaps(node)
        assert not gap["blocking"]
        assert "pods/portforward" in gap["why"]
        assert "--subresource=portforward" in gap["next"]


# Leftovers, with real packets


def answered(lab: Lab) -> bool:
    """Does a pod of the node reach the Service?"""
    address = lab.cluster_ip("db-service")
    seen = lab.pod_client(f"client-{STRUCK}", address, 3306, 8)
    assert bool(seen.answers) is not bool(seen.errors), seen
    return bool(seen.answers)


@pytest.fixture
def nftables(lab: Lab, svcnet: Svcnet) -> Iterator[None]:
    """The struck node in nftables mode since now, its proxy of iptables mode killed, not ended."""
    before = lab.proxy_mode(STRUCK)
    if before != "iptables":
        lab.switch_mode(STRUCK, "iptables")
    for pid in lab.processes(STRUCK, "kube-proxy"):
        os.kill(pid, signal.SIGKILL)
    lab.switch_mode(STRUCK, "nftables")
    try:
        yield
    finally:
        if before != "nftables":
            lab.switch_mode(STRUCK, before)


def dead_rules(lab: Lab) -> str:
    """nat of a node in iptables mode, whose endpoints are addresses that nobody has."""
    [node] = [n for n in NAMES if truth(lab, n) == ("iptables", ["iptables (nft)"])][:1]
    text = lab.node_exec(node, ["iptables-nft-save", "-t", "nat"])
    lines = [
        re.sub(r"--to-destination [\d.]+:", "--to-destination 10.99.9.9:", line)
        for line in text.splitlines()
        if re.match(r":KUBE-(SERVICES|NODEPORTS|SVC|SVL|EXT|FW|SEP|MARK-MASQ)", line)
        or re.match(r"-A KUBE-(SERVICES|NODEPORTS|SVC|SVL|EXT|FW|SEP)", line)
        or re.match(r"-A (PREROUTING|OUTPUT) .*-j KUBE-SERVICES", line)
    ]
    return "\n".join(["*nat", *lines, "COMMIT", ""])


def restore(lab: Lab, text: str) -> None:
    lab.node_exec(STRUCK, ["iptables-nft-restore", "--noflush", "-w", "10"], stdin=text)


@contextmanager
def left_over(lab: Lab, *, anew: bool) -> Iterator[str]:
    """Those rules on the struck node; `anew`: in a nat table younger than kube-proxy's own."""
    before = lab.node_exec(STRUCK, ["iptables-nft-save", "-t", "nat"])
    rules = dead_rules(lab)
    if anew:
        lab.node_exec(STRUCK, ["nft", "delete", "table", "ip", "nat"])
        restore(lab, before)
    restore(lab, rules)
    try:
        yield rules
    finally:
        lab.node_exec(STRUCK, ["iptables-nft", "-w", "10", "-t", "nat", "-F"])
        lab.node_exec(STRUCK, ["iptables-nft", "-w", "10", "-t", "nat", "-X"])
        lab.node_exec(STRUCK, ["iptables-nft-restore", "-w", "10"], stdin=before)


def leftover(answer: Answer) -> dict[str, Any]:
    [left] = shown(answer)[STRUCK]["leftovers"]
    assert re.fullmatch(r"\d+ chains of kube-proxy \(iptables, nft\)", left["what"])
    return dict(left)


@pytest.mark.full
@pytest.mark.usefixtures("nftables")
def test_a_switch_leaves_nothing(lab: Lab, svcnet: Svcnet) -> None:
    """kube-proxy removes the other mode's rules when it starts, however the old one ended."""
    answer = svcnet("proxy", *ONLY)
    check_well(lab, answer)
    assert shown(answer)[STRUCK]["running"] == "nftables"
    assert answered(lab)


@pytest.mark.full
@pytest.mark.usefixtures("nftables")
def test_leftovers_that_come_second(lab: Lab, svcnet: Svcnet) -> None:
    """kube-proxy makes its base chains anew when it starts, so that packets meet them first, also
    before those of a table that is listed after its own. When iptables' own were made cannot be
    seen, so no harm is stated, and none is denied."""
    with left_over(lab, anew=True):
        lab.kubectl("-n", "kube-system", "delete", "pod", lab.proxy_pod(STRUCK), "--wait")
        # it takes the leftovers for the other mode's, and removes them
        proxy.wait_for_mode(node_named(STRUCK), "nftables")
        assert shown(svcnet("proxy", *ONLY))[STRUCK]["leftovers"] == []
        restore(lab, dead_rules(lab))
        assert answered(lab)
        answer = svcnet("proxy", *ONLY)
        left = leftover(answer)
    assert left["harm"] == "not known", left
    assert "registered last" in left["because"]
    assert codes(answer, STRUCK) == {"SVN315"}, answer.told()
    assert answer.code == 0


@pytest.mark.full
@pytest.mark.usefixtures("nftables")
def test_leftovers_of_a_newer_table(lab: Lab, svcnet: Svcnet) -> None:
    with left_over(lab, anew=True):
        assert not answered(lab)
        answer = svcnet("proxy", *ONLY)
        left = leftover(answer)
    assert left["harm"] == "changes the path of packets", left
    assert "10.99.9.9" in left["because"]
    assert codes(answer, STRUCK) == {"SVN313"}, answer.told()
    assert answer.code == 1
    assert answered(lab)


@pytest.mark.full
@pytest.mark.usefixtures("nftables")
def test_leftovers_that_nothing_leads_to(lab: Lab, svcnet: Svcnet) -> None:
    with left_over(lab, anew=True) as rules:
        jumps = [line for line in rules.splitlines() if line.startswith(("-A PRE", "-A OUT"))]
        delete = "\n".join(["*nat", *(f"-D{line[2:]}" for line in jumps), "COMMIT", ""])
        restore(lab, delete)
        assert answered(lab)
        answer = svcnet("proxy", *ONLY)
        left = leftover(answer)
    assert left["harm"] == "harmless", left
    assert codes(answer, STRUCK) == {"SVN314"}, answer.told()
    assert answer.code == 0


# Syncs, held up by the lock that kube-proxy waits for


@contextmanager
def locked(lab: Lab, node: str) -> Iterator[None]:
    """iptables' lock, which its restore waits five seconds for, and then fails."""
    hold = [*namespaces.prefix(node_named(node)), "flock", "/run/xtables.lock", "cat"]
    with subprocess.Popen(hold, stdin=subprocess.PIPE) as holder:
        try:
            yield
        finally:
            assert holder.stdin is not None
            holder.stdin.close()  # ends cat, and with it all


@contextmanager
def another_service(lab: Lab) -> Iterator[None]:
    lab.kubectl("create", "service", "clusterip", "e2e-held-up", "--tcp=80:80")
    try:
        yield
    finally:
        lab.kubectl("delete", "service", "e2e-held-up")


@pytest.mark.full
def test_syncs_that_fail(lab: Lab, svcnet: Svcnet) -> None:
    """Its counters and its health say so, after a minute; and it is over when it is over."""
    [node] = [n for n in NAMES if truth(lab, n)[1] == ["iptables (legacy)"]][:1]
    with locked(lab, node), another_service(lab):
        wait_until(
            "kube-proxy is late",
            lambda: codes(svcnet("proxy", "--node", node), node) == {"SVN308"},
            timeout=150,
        )
        item = shown(svcnet("proxy", "--node", node))[node]
    assert item["sync"]["failures"] > 0
    assert item["sync"]["state"] == "failing"
    wait_until(
        "kube-proxy has caught up",
        lambda: shown(svcnet("proxy", "--node", node))[node]["sync"]["state"] == "up to date",
        timeout=90,
    )
