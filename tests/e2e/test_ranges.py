"""`ranges` on the lab: every range by two places that agree, and nothing to say about them."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.tool import Answer, Svcnet
from tests.lab import kube
from tests.lab.client import Lab
from tests.lab.topology import NODES

pytestmark = pytest.mark.e2e


def by_kind(answer: Answer, kind: str, *, of_nodes: bool = False) -> dict[str, dict[str, Any]]:
    return {
        item["range"]: item
        for item in answer.document["items"]
        if item["kind"] == kind and bool(item["node"]) is of_nodes
    }


def names(item: dict[str, Any]) -> set[str]:
    return {source["source"] for source in item["sources"]}


def test_a_healthy_cluster_has_nothing_to_say(svcnet: Svcnet) -> None:
    answer = svcnet("ranges")
    assert answer.code == 0, answer.told()
    assert answer.document["findings"] == []
    assert answer.document["gaps"] == []
    assert answer.document["collected"]["nodesRead"] == len(NODES)


def test_what_the_api_says_is_what_is_shown(svcnet: Svcnet) -> None:
    answer = svcnet("ranges")
    cidrs = {cidr for one in kube.get("servicecidr")["items"] for cidr in one["spec"]["cidrs"]}
    assert set(by_kind(answer, "Service")) == cidrs
    for item in by_kind(answer, "Service").values():
        assert {
            "ServiceCIDR/kubernetes",
            "kube-apiserver --service-cluster-ip-range",
            "kubeadm-config serviceSubnet",
        } <= names(item)
        assert item["used"] > 0
    for item in by_kind(answer, "Pod").values():
        assert {"kube-controller-manager --cluster-cidr", "kube-proxy clusterCIDR"} <= names(item)


def test_each_node_by_its_object_and_by_its_own_routes(svcnet: Svcnet) -> None:
    answer = svcnet("ranges")
    per_node = by_kind(answer, "Pod", of_nodes=True)
    for node in kube.get("nodes")["items"]:
        for cidr in node["spec"]["podCIDRs"]:
            item = per_node[cidr]
            assert item["node"] == node["metadata"]["name"]
            assert names(item) == {"node.spec.podCIDRs", "node routes"}
            assert item["used"] <= item["size"]
        inside = [
            ipaddress.ip_address(address["address"])
            for address in node["status"]["addresses"]
            if address["type"] == "InternalIP"
        ]
        networks = [ipaddress.ip_network(text) for text in by_kind(answer, "Node")]
        assert all(any(ip in network for network in networks) for ip in inside)


def test_node_ports_are_the_default_which_nobody_states(svcnet: Svcnet) -> None:
    (item,) = by_kind(svcnet("ranges"), "NodePort").values()
    assert item["range"] == "30000-32767"
    assert [source["confidence"] for source in item["sources"]] == ["assumed"]
    assert item["used"] > 0


def test_the_table_keeps_to_eighty_columns(svcnet: Svcnet) -> None:
    done = svcnet.raw("ranges")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["KIND", "RANGE", "USED", "NODE", "SOURCES"]
    assert max(map(len, lines)) <= 80


def test_a_recorded_run_answers_the_same(svcnet: Svcnet, tmp_path: Path) -> None:
    bundle = str(tmp_path / "run.tar.gz")
    recorded = svcnet("ranges", "--record", bundle)
    again = svcnet("ranges", "--bundle", bundle)
    assert again.code == 0, again.told()
    assert again.document["items"] == recorded.document["items"]


def test_without_rights_the_missing_one_is_named(svcnet: Svcnet, lab: Lab) -> None:
    done = svcnet.raw("ranges", kubeconfig=lab.viewer_kubeconfig)
    assert done.code == 3
    assert 'cannot list resource "pods"' in done.stderr
    assert "kubectl auth can-i list pods -A" in done.stderr
