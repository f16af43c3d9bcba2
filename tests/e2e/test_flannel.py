"""Real flannel in place of the bridge: what it says of its ranges agrees, and what is bent shows.

It comes for these tests and leaves again, and the workload's pods are made anew each time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.tool import Answer, Svcnet
from tests.lab import flannel, kube
from tests.lab.client import Lab
from tests.lab.topology import NODES, POD_RANGE, Node

pytestmark = [pytest.mark.e2e, pytest.mark.full]

ENV = "/run/flannel/subnet.env"
BENT = NODES[1]
CONFIG_MAP = ("-n", flannel.NAMESPACE, "configmap", "kube-flannel-cfg")


@pytest.fixture(scope="module", autouse=True)
def with_flannel(lab: Lab, svcnet: Svcnet) -> Iterator[None]:
    try:
        lab.switch_cni("flannel")
        yield
    finally:
        lab.switch_cni("bridge")
    svcnet.healthy(within=120)


@pytest.fixture(scope="module")
def answer(svcnet: Svcnet) -> Answer:
    return svcnet("ranges")


def sources(answer: Answer, node: str | None, network: str) -> dict[str, set[str]]:
    """Objects by source, of the pods' range."""
    [item] = [
        item
        for item in answer.document["items"]
        if (item["kind"], item["node"], item["range"]) == ("Pod", node, network)
    ]
    found: dict[str, set[str]] = {}
    for source in item["sources"]:
        found.setdefault(source["source"], set()).add(source["object"])
    return found


def daemons() -> dict[str, str]:
    """flannel's pods by node, as objects of a range."""
    pods = kube.get("-n", flannel.NAMESPACE, "pods")["items"]
    return {
        pod["spec"]["nodeName"]: f"pod {flannel.NAMESPACE}/{pod['metadata']['name']}"
        for pod in pods
    }


def test_nothing_is_wrong(answer: Answer, svcnet: Svcnet) -> None:
    assert (answer.code, answer.findings(), answer.gaps()) == (0, [], []), answer.told()
    svcnet.healthy()


@pytest.mark.parametrize("network", POD_RANGE.split(","))
def test_the_clusters_range(answer: Answer, network: str) -> None:
    told = sources(answer, None, network)
    assert told["flannel net-conf.json"] == {"configmap kube-flannel/kube-flannel-cfg"}
    assert told["flannel subnet.env network"] == set(daemons().values())
    assert told["flannel log network"] == set(daemons().values())
    assert {"kube-controller-manager --cluster-cidr", "kube-proxy clusterCIDR"} <= set(told)


@pytest.mark.parametrize("node", NODES, ids=lambda node: str(node.name))
def test_the_part_of_each_node(answer: Answer, node: Node) -> None:
    daemon = daemons()[node.name]
    for network in (node.pod_range4, node.pod_range6):
        told = sources(answer, node.name, network)
        assert told["flannel subnet.env subnet"] == {daemon}
        assert told["flannel log subnet"] == {daemon}
        assert {"node.spec.podCIDRs", "node routes"} <= set(told)


def test_pods_reach_each_other_through_it(lab: Lab) -> None:
    for one in NODES:
        routes = lab.node_exec(one.name, ["ip", "route"])
        assert routes.count("dev flannel.1") == len(NODES) - 1
        seen = lab.pod_client(f"client-{one.name}", lab.cluster_ip("db-service"), 3306, 100)
        assert len(seen.hosts) == len(NODES), seen


@contextmanager
def environment_says(lab: Lab, name: str, value: str) -> Iterator[None]:
    """flanneld writes the file when it starts; the plugin reads it for each pod."""
    before = lab.node_exec(BENT.name, ["cat", ENV])
    lines = [f"{name}={value}" if line.startswith(f"{name}=") else line for line in before.split()]
    lab.node_exec(BENT.name, ["tee", ENV], stdin="\n".join(lines) + "\n")
    try:
        yield
    finally:
        lab.node_exec(BENT.name, ["tee", ENV], stdin=before)


def only(answer: Answer, code: str) -> dict[str, Any]:
    assert [f["code"] for f in answer.findings()] == [code], answer.told()
    found: dict[str, Any] = answer.findings()[0]
    return found


def test_a_node_that_hands_out_anothers_part(lab: Lab, svcnet: Svcnet) -> None:
    with environment_says(lab, "FLANNEL_SUBNET", "10.244.9.1/24"):
        found = only(svcnet("ranges"), "SVN109")
    assert found["node"] == BENT.name
    assert "10.244.9.0/24 (flannel subnet.env subnet)" in found["message"]
    assert f"{BENT.pod_range4} (flannel log subnet, node.spec.podCIDRs)" in found["message"]
    assert f"{daemons()[BENT.name]}: FLANNEL_SUBNET=10.244.9.1/24" in found["evidence"]


def test_a_node_that_works_with_another_network(lab: Lab, svcnet: Svcnet) -> None:
    with environment_says(lab, "FLANNEL_NETWORK", "10.200.0.0/16"):
        found = only(svcnet("ranges"), "SVN101")
    assert "10.200.0.0/16 (flannel subnet.env network)" in found["message"]
    assert f"{daemons()[BENT.name]}: FLANNEL_NETWORK=10.200.0.0/16" in found["evidence"]


def test_a_configuration_edited_after_flannel_started(svcnet: Svcnet) -> None:
    before = kube.get(*CONFIG_MAP)["data"]["net-conf.json"]

    def write(text: str) -> None:
        patch = json.dumps({"data": {"net-conf.json": text}})
        kube.kubectl("patch", *CONFIG_MAP, "--type=merge", "-p", patch)

    write(before.replace("10.244.0.0/16", "10.200.0.0/16"))
    try:
        found = only(svcnet("ranges"), "SVN101")
    finally:
        write(before)
    assert "10.200.0.0/16 (flannel net-conf.json)" in found["message"]
    assert any("configmap kube-flannel/kube-flannel-cfg" in line for line in found["evidence"])
