"""Faults of a node's proxy and of its connection table, which leave traces that only a new node is
without: on the node that joins for them and leaves again. `check` of everything names the code on
that node and nothing else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.test_check import MADE_TO_SHOW
from tests.e2e.tool import ONLY, Answer, Svcnet
from tests.lab import images, kube, node, proxy
from tests.lab.client import Lab
from tests.lab.paths import CACHE
from tests.lab.shell import wait_until
from tests.lab.topology import API_URL, POD_RANGE, SMALL
from tests.proxies.node import KUBELET_RULES

pytestmark = [pytest.mark.e2e, pytest.mark.full]

NODE = SMALL.name
ALL = [*ONLY, "--node", NODE, "--settle", "1s"]
NAME = "kube-proxy-e2e"


@pytest.fixture(scope="module", autouse=True)
def small(lab: Lab) -> Iterator[None]:
    lab.add_small()
    try:
        yield
    finally:
        lab.remove_small()


def others(answer: Answer) -> set[tuple[str, str, str]]:
    """Code, node and level of what the workloads are not made to show on every node."""
    return {
        (one["code"], one["node"] or "", one["level"])
        for one in answer.findings()
        if (one["code"], one["service"]) not in {*MADE_TO_SHOW, ("SVN411", "default/edge-lb")}
    }


@pytest.fixture(autouse=True)
def nothing_is_left_of_the_one_before(svcnet: Svcnet, small: None) -> None:
    deadline = time.monotonic() + 120
    while others(answer := svcnet("check", *ALL)):
        assert time.monotonic() < deadline, answer.told()
        time.sleep(1)


# kube-proxies other than the lab's


def daemon_set(mode: str, *edits: tuple[str, str]) -> str:
    """As the lab's of that mode, and for nodes with a label of its own."""
    text = kube.manifest(
        "proxy",
        name=NAME,
        mode=mode,
        image=images.reference("kube-proxy"),
        pod_range=POD_RANGE,
        server=API_URL,
    )
    for old, new in ((f"{proxy.LABEL}: {mode}", f"{proxy.LABEL}: e2e"), *edits):
        assert old in text, old
        text = text.replace(old, new)
    return text


@contextmanager
def served_by(lab: Lab, manifest: str) -> Iterator[None]:
    label(NODE, "none")
    kube.apply(manifest)
    try:
        label(NODE, "e2e")
        wait_until("its pod is there", lambda: bool(proxy.pods(SMALL)), timeout=60)
        yield
    finally:
        label(NODE, "none")
        kube.kubectl("delete", "-f", "-", "--wait", stdin=manifest)
        lab.switch_mode(NODE, "iptables")


def label(name: str, mode: str) -> None:
    kube.kubectl("label", "node", name, f"{proxy.LABEL}={mode}", "--overwrite")
    if mode == "none":
        wait_until(
            "the kube-proxy has gone",
            lambda: not proxy.pods(SMALL) and not node.processes(SMALL, "kube-proxy"),
            timeout=60,
        )


#: Older programs, which the tests of rules run too; until 1.25 they took another mode by themselves
#: where the kernel had no ip_vs (facts: cmd/kube-proxy/app/server_others.go).
FALLS_BACK = "v1.24.17"


def older(version: str) -> tuple[tuple[str, str], ...]:
    folder = CACHE / f"bin-{version}"
    return (
        ("/usr/local/bin/kube-proxy", "/older/kube-proxy"),
        ("volumeMounts:", "volumeMounts:\n        - {name: older, mountPath: /older}"),
        ("volumes:", f"volumes:\n      - {{name: older, hostPath: {{path: {folder}}}}}"),
    )


MASQUERADE_ALL = (
    ("    kind: KubeProxyC", "    iptables: {masqueradeAll: true}\n    kind: KubeProxyC"),
)


def test_a_mode_that_the_kernel_lacks(lab: Lab, svcnet: Svcnet) -> None:
    with served_by(lab, daemon_set("ipvs")):
        wait_until("it waits to be tried again", is_given_up, timeout=120)
        answer = svcnet("check", *ALL)
    assert others(answer) == {("SVN317", NODE, "error")}, answer.told()


def is_given_up() -> bool:
    """For ten seconds and more."""
    found = kube.get("-n", "kube-system", proxy.pods(SMALL)[0])
    [container] = found["status"].get("containerStatuses", [{}])
    waits = container.get("state", {}).get("waiting", {})
    return bool(waits.get("reason") == "CrashLoopBackOff" and container["restartCount"] > 1)


def test_every_client_masqueraded(lab: Lab, svcnet: Svcnet) -> None:
    with served_by(lab, daemon_set("iptables", *MASQUERADE_ALL)):
        proxy.wait_for_mode(SMALL, "iptables")
        answer = svcnet("check", *ALL)
    assert others(answer) == {("SVN523", NODE, "info")}, answer.told()


def test_two_modes(lab: Lab, svcnet: Svcnet) -> None:
    lab.switch_mode(NODE, "nftables")
    try:
        answer = svcnet("check", *ALL)
    finally:
        lab.switch_mode(NODE, "iptables")
    assert others(answer) == {("SVN305", "", "info")}, answer.told()


def test_a_second_kube_proxy(lab: Lab, svcnet: Svcnet) -> None:
    pod = kube.get("-n", "kube-system", proxy.pods(SMALL)[0])
    spec = {k: v for k, v in pod["spec"].items() if k not in ("nodeName", "affinity")}
    meta = {"name": NAME, "namespace": "kube-system", "labels": {"k8s-app": "kube-proxy"}}
    second = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {**spec, "nodeName": NODE},
    }
    manifest = json.dumps(second)
    kube.apply(manifest)
    try:
        kube.kubectl(
            "-n", "kube-system", "wait", "pod", NAME, "--for=condition=Ready", "--timeout=60s"
        )
        answer = svcnet("check", *ALL)
    finally:
        kube.kubectl("delete", "-f", "-", "--wait", stdin=manifest)
    assert others(answer) == {("SVN312", NODE, "warning")}, answer.told()


def test_rules_in_both_backends(lab: Lab, svcnet: Svcnet) -> None:
    rules = lab.node_exec(NODE, ["iptables-nft-save"])
    lab.node_exec(NODE, ["iptables-legacy-restore", "-w", "10"], stdin=rules)
    try:
        answer = svcnet("check", *ALL)
    finally:
        for table in ("nat", "filter", "mangle"):
            for words in (("-F",), ("-X",)):
                lab.node_exec(NODE, ["iptables-legacy", "-w", "10", "-t", table, *words])
    assert others(answer) == {("SVN309", NODE, "warning"), ("SVN314", NODE, "info")}, answer.told()


# The network plugin's files


FOLDER = "/var/lib/rancher/k3s/agent/etc/cni/net.d"


def test_two_configurations_of_cni(lab: Lab, svcnet: Svcnet) -> None:
    """In the folder of k3s, since the lab has none in /etc."""
    lab.node_exec(NODE, ["mkdir", "-p", FOLDER])
    lab.node_exec(NODE, ["cp", str(SMALL.folder / "cni/10-lab.conflist"), FOLDER])
    reader = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "cni-reader", "namespace": "kube-system"},
        "spec": {
            "nodeName": NODE,
            "hostNetwork": True,
            "terminationGracePeriodSeconds": 1,
            "containers": [
                {
                    "name": "main",
                    "image": images.reference("kube-proxy"),
                    "imagePullPolicy": "Never",
                    "command": ["sleep", "3600"],
                    "volumeMounts": [{"name": "cni", "mountPath": "/etc/cni/net.d"}],
                }
            ],
            "volumes": [{"name": "cni", "hostPath": {"path": FOLDER}}],
        },
    }
    manifest = json.dumps(reader)
    kube.apply(manifest)
    try:
        kube.kubectl(
            "-n", "kube-system", "wait", "pod/cni-reader", "--for=condition=Ready", "--timeout=60s"
        )

        lab.node_exec(NODE, ["cp", f"{FOLDER}/10-lab.conflist", f"{FOLDER}/99-left.conflist"])
        answer = svcnet("check", *ALL)
    finally:
        lab.node_exec(NODE, ["rm", "-r", FOLDER])
        kube.kubectl("delete", "-f", "-", "--wait", stdin=manifest)
    assert others(answer) == {("SVN111", NODE, "warning")}, answer.told()


# The connection table

#: As many flows as the first argument says, none of which is answered.
FILL = """
import socket, sys
most, sock = int(sys.argv[1]), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("127.0.0.1", 40000))
for number in range(most):
    where = (f"127.9.{number >> 15 & 255}.1", 1 + (number & 32767))
    try:
        sock.sendto(b"", where)
    except OSError:  # of an earlier one: nobody listens
        sock.sendto(b"", where)
"""

#: The first packets of one flow by two processes at once, until the kernel cannot enter one.
RACE = """
import os, socket, struct, sys, time
def send(start, seconds):
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    while (now := time.time()) < start + seconds:
        number = int((now - start) * 20000) + 1
        packet = struct.pack("!HHIIBBHHH", 40000, 9, number, 0, 0x50, 2, 8192, 0, 0)
        while time.time() < start + number / 20000:
            pass
        try:
            sock.sendto(packet, (f"127.1.{number >> 8 & 255}.{number & 255}", 0))
        except PermissionError:
            return True
    return False
for turn in range(30):
    start = time.time()
    child = os.fork()
    met = send(start, 2)
    if not child:
        os._exit(met)
    _, status = os.waitpid(child, 0)
    if met or status:
        sys.exit()
sys.exit("no two packets met")
"""


def python(lab: Lab, program: str, *arguments: str) -> str:
    return lab.node_exec(NODE, ["python3", "-c", program, *arguments])


def setting(lab: Lab, name: str) -> int:
    return int(lab.node_exec(NODE, ["sysctl", "-n", f"net.netfilter.nf_conntrack_{name}"]))


def test_a_connection_table_nearly_full(lab: Lab, svcnet: Svcnet) -> None:
    lab.node_exec(NODE, ["sysctl", "-qw", "net.netfilter.nf_conntrack_udp_timeout=300"])
    most = setting(lab, "max")
    try:
        python(lab, FILL, str(int(most * 0.93)))
        answer = svcnet("check", *ALL, "--exec-timeout", "60s", "--timeout", "200s", timeout=300)
    finally:
        lab.node_exec(NODE, ["conntrack", "-F"])
        lab.node_exec(NODE, ["sysctl", "-qw", "net.netfilter.nf_conntrack_udp_timeout=30"])
    assert others(answer) == {("SVN513", NODE, "warning")}, answer.told()


def test_a_mode_that_it_fell_back_from(lab: Lab, svcnet: Svcnet) -> None:
    for family in ("iptables", "ip6tables"):
        restore = [f"{family}-nft-restore", "--noflush", "-w", "10"]
        lab.node_exec(NODE, restore, stdin=KUBELET_RULES)
    with served_by(lab, daemon_set("ipvs", *older(FALLS_BACK))):
        proxy.wait_for_mode(SMALL, "iptables")
        answer = svcnet("check", *ALL)
    assert others(answer) == {
        ("SVN302", NODE, "warning"),
        ("SVN306", "", "info"),
    }, answer.told()


def test_connections_that_could_not_be_entered(lab: Lab, svcnet: Svcnet) -> None:
    """Last, for the kernel counts them for as long as the node is there."""
    python(lab, RACE)
    answer = svcnet("check", *ALL)
    assert others(answer) == {("SVN514", NODE, "info")}, answer.told()
