"""What could not be read is a gap, in time, and never a verdict: law 2."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e.tool import Answer, Svcnet
from tests.lab import kube
from tests.lab.client import Lab
from tests.lab.shell import wait_until
from tests.lab.topology import NODES

pytestmark = pytest.mark.e2e

STRUCK = "n3"
OTHERS = [node.name for node in NODES if node.name != STRUCK]


def check_one_unread(answer: Answer, node: str) -> str:
    """All is well but on one node, which was not read; why."""
    wanted = {one.name: {"unread" if one.name == node else "ok"} for one in NODES}
    assert answer.verdicts() == wanted, answer.told()
    assert answer.document["findings"] == []
    assert answer.code == 4, answer.told()
    [gap] = [g for g in answer.document["gaps"] if g["blocking"]]
    assert gap["node"] == node
    return str(gap["why"])


@pytest.fixture
def without_kubelet(lab: Lab, svcnet: Svcnet) -> Iterator[None]:
    lab.stop_kubelet(STRUCK)
    try:
        yield
    finally:
        lab.start_kubelet(STRUCK)
    wait_until(f"{STRUCK} is ready", lambda: node_ready(STRUCK), timeout=60)
    svcnet.healthy(within=120)


def node_ready(name: str) -> bool:
    conditions = kube.get("node", name)["status"]["conditions"]
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


@pytest.mark.usefixtures("without_kubelet")
def test_a_kubelet_that_is_gone(svcnet: Svcnet) -> None:
    answer = svcnet("trace", "db-service")
    assert "refused" in check_one_unread(answer, STRUCK)
    [gap] = answer.gaps(STRUCK)
    assert STRUCK in gap["next"]
    accepted = svcnet("trace", "db-service", "--accept-gaps", STRUCK)
    assert accepted.code == 0, accepted.told()
    assert [g.get("accepted") for g in accepted.gaps(STRUCK)] == [True]
    table = svcnet.raw("trace", "db-service")
    assert table.code == 4
    assert STRUCK in table.stdout


@pytest.fixture
def hung_kubelet(lab: Lab, svcnet: Svcnet) -> Iterator[None]:
    [pid] = lab.processes(STRUCK, "kubelet")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(f"{STRUCK} is ready", lambda: node_ready(STRUCK), timeout=60)
    svcnet.healthy(within=120)


@pytest.mark.usefixtures("hung_kubelet")
def test_a_kubelet_that_hangs(svcnet: Svcnet) -> None:
    answer = svcnet("trace", "db-service", "--exec-timeout", "3s")
    assert "no answer within 3s" in check_one_unread(answer, STRUCK)
    whole = svcnet("trace", "db-service", "--timeout", "4s", "--exec-timeout", "10m")
    check_one_unread(whole, STRUCK)


RIGHTS = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: svcnet-e2e-view}
rules:
- {apiGroups: [""], resources: [services, nodes, pods], verbs: [get, list, watch]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: svcnet-e2e-view}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: svcnet-e2e-view}
subjects: [{kind: ServiceAccount, name: svcnet-e2e, namespace: default}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: svcnet-e2e-services, namespace: default}
rules:
- {apiGroups: [""], resources: [services], verbs: [get, list]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: svcnet-e2e-services, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: svcnet-e2e-services}
subjects: [{kind: User, name: e2e-services, apiGroup: rbac.authorization.k8s.io}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: svcnet-e2e, namespace: default}
"""
ACCOUNT = "system:serviceaccount:default:svcnet-e2e"


@pytest.fixture(scope="module")
def rights(lab: Lab) -> Iterator[None]:
    kube.apply(RIGHTS)
    try:
        can = ("auth", "can-i", "list", "endpointslices", f"--as={ACCOUNT}", "-A")
        wait_until("the rights hold", lambda: kube.works(*can), timeout=20)
        yield
    finally:
        lab.kubectl("delete", "--wait", "-f", "-", stdin=RIGHTS)


def check_api_view(answer: Answer) -> None:
    """Nodes unread, the API's endpoints there."""
    assert answer.verdicts() == {node.name: {"unread"} for node in NODES}, answer.told()
    assert answer.document["findings"] == []
    [item] = answer.document["items"]
    assert len(item["frontends"][0]["endpoints"]) == 3
    assert answer.code == 4


@pytest.mark.usefixtures("rights")
def test_without_the_right_to_exec(svcnet: Svcnet) -> None:
    """Impersonated: the rights are those of the account, not the administrator's."""
    answer = svcnet("trace", "db-service", "--as", ACCOUNT)
    check_api_view(answer)
    for node in NODES:
        [gap] = answer.gaps(node.name)
        assert gap["blocking"]
        assert "pods/exec" in gap["why"]
        assert "--subresource=exec" in gap["next"]
        assert "-n kube-system" in gap["next"]


@pytest.mark.usefixtures("rights")
def test_a_token_without_the_right_to_exec(lab: Lab, svcnet: Svcnet, tmp_path: Path) -> None:
    """The same account by a kubeconfig with nothing but its token."""
    config = yaml.safe_load(lab.kubeconfig.read_text(encoding="utf-8"))
    token = lab.kubectl("create", "token", "svcnet-e2e").strip()
    config["users"] = [{"name": "e2e", "user": {"token": token}}]
    config["contexts"][0]["context"]["user"] = "e2e"
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    check_api_view(svcnet("trace", "db-service", kubeconfig=file))


@pytest.mark.usefixtures("rights")
def test_services_alone(svcnet: Svcnet) -> None:
    """Neither nodes nor pods: still the Service and its endpoints, and what is missing."""
    answer = svcnet("trace", "db-service", "--as", "e2e-services")
    assert answer.code == 4, answer.told()
    [item] = answer.document["items"]
    [frontend] = item["frontends"]
    assert len(frontend["endpoints"]) == 3
    assert frontend["nodes"] == []
    blocking = [gap for gap in answer.document["gaps"] if gap["blocking"]]
    assert {"nodes", "pods"} <= {gap["what"] for gap in blocking}
    assert all(gap["why"] for gap in blocking)
    assert "e2e-services" in str(blocking)


def check_one_sentence(answer: Answer, *words: str) -> None:
    """Exit 3, the reason on stderr in one sentence, and in the document as its gap."""
    assert answer.code == 3, answer.told()
    lines = [line for line in answer.stderr.splitlines() if not line.startswith("  next ")]
    assert len(lines) == 1, answer.stderr
    assert answer.document["items"] == []
    [gap] = answer.document["gaps"]
    for word in words:
        assert word in lines[0], answer.stderr
        assert word in gap["why"]


@pytest.mark.parametrize(
    "command", [["trace", "db-service"], ["trace", "-A"], ["ranges"], ["proxy"]]
)
def test_a_viewer_without_rights(lab: Lab, svcnet: Svcnet, command: list[str]) -> None:
    answer = svcnet(*command, kubeconfig=lab.viewer_kubeconfig)
    check_one_sentence(answer, "forbidden", "viewer")


def test_impersonating_nobody(svcnet: Svcnet) -> None:
    check_one_sentence(svcnet("trace", "db-service", "--as", "e2e-nobody"), "e2e-nobody")


def test_impersonating_a_group(svcnet: Svcnet) -> None:
    answer = svcnet("trace", "db-service", "--as", "e2e-admin", "--as-group", "system:masters")
    assert answer.code == 0, answer.told()


@pytest.mark.parametrize("command", [["trace", "db-service"], ["ranges"], ["proxy"]])
def test_no_cluster(lab: Lab, svcnet: Svcnet, tmp_path: Path, command: list[str]) -> None:
    config = yaml.safe_load(lab.kubeconfig.read_text(encoding="utf-8"))
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    answer = svcnet(*command, kubeconfig=file)
    check_one_sentence(answer, "127.0.0.1:1")


def test_no_kubeconfig(svcnet: Svcnet, tmp_path: Path) -> None:
    answer = svcnet("trace", "db-service", kubeconfig=tmp_path / "none")
    check_one_sentence(answer)


@pytest.fixture
def nftables_mode(lab: Lab, svcnet: Svcnet) -> Iterator[None]:
    lab.switch_mode(STRUCK, "nftables")
    try:
        yield
    finally:
        lab.switch_mode(STRUCK, "iptables")
    svcnet.healthy(within=120)


@pytest.mark.usefixtures("nftables_mode")
def test_a_node_in_nftables_mode(svcnet: Svcnet) -> None:
    """Read and judged like the others, in one table with them."""
    answer = svcnet("trace")
    dataplanes = {place.name: place.node["dataplane"] for place in answer.places()}
    assert dataplanes[STRUCK] == "kube-proxy/nftables"
    assert set(dataplanes.values()) == {"kube-proxy/iptables", "kube-proxy/nftables"}
    assert answer.verdicts()[STRUCK] == {"ok"}, answer.told()
    assert answer.findings() == []
    assert answer.code == 0
