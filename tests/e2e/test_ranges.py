"""`ranges` finds every range of the lab at each place where it is written, and no conflict."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.tool import Answer, Svcnet
from tests.lab import kube
from tests.lab.topology import NODE_PORTS, NODES, POD_RANGE, SERVICE_RANGE

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def answer(svcnet: Svcnet) -> Answer:
    return svcnet("ranges")


def stated(answer: Answer, kind: str, node: str | None = None) -> dict[str, dict[str, Any]]:
    return {
        item["range"]: item
        for item in answer.document["items"]
        if item["kind"] == kind and item["node"] == node
    }


def sources(item: dict[str, Any]) -> str:
    return " ".join(f"{s['source']} {s['object']}" for s in item["sources"])


def test_nothing_is_wrong(answer: Answer) -> None:
    assert answer.code == 0, answer.told()
    assert answer.document["findings"] == []
    assert answer.gaps() == []
    [gap] = answer.document["gaps"]
    assert (gap["what"], gap["blocking"]) == ("CNI configurations", False)
    assert all(node.name in gap["why"] for node in NODES)
    assert answer.document["kind"] == "Ranges"


def test_service_ranges(answer: Answer) -> None:
    services = stated(answer, "Service")
    assert set(services) == set(SERVICE_RANGE.split(","))
    for item in services.values():
        for source in ("ServiceCIDR", "kube-apiserver", "kube-controller-manager"):
            assert source in sources(item), item
    clusters = [
        address
        for service in kube.get("services", "-A")["items"]
        for address in service["spec"].get("clusterIPs", ())
        if "." in address
    ]
    assert services["10.96.0.0/16"]["used"] == len(clusters)


def test_pod_ranges(answer: Answer) -> None:
    pods = stated(answer, "Pod")
    assert set(pods) == set(POD_RANGE.split(","))
    for item in pods.values():
        for source in ("kube-controller-manager", "kube-proxy"):
            assert source in sources(item), item


@pytest.mark.parametrize("node", NODES, ids=lambda node: str(node.name))
def test_pod_ranges_of_each_node(answer: Answer, node: Any) -> None:
    of_node = stated(answer, "Pod", node.name)
    assert set(of_node) == {node.pod_range4, node.pod_range6}
    for item in of_node.values():
        assert {s["source"] for s in item["sources"]} == {"node.spec.podCIDRs", "node routes"}


def test_node_ports(answer: Answer) -> None:
    [item] = stated(answer, "NodePort").values()
    assert item["range"] == NODE_PORTS
    [source] = item["sources"]
    assert source["source"] == "kube-apiserver --service-node-port-range"
    assert source["confidence"] == "stated"
    services = kube.get("services", "-A")["items"]
    used = {port.get("nodePort") for s in services for port in s["spec"].get("ports", ())}
    used |= {service["spec"].get("healthCheckNodePort") for service in services}
    assert item["used"] == len(used - {None})


def test_the_nodes_network(answer: Answer) -> None:
    """Each node says it of itself."""
    nodes = stated(answer, "Node")
    assert set(nodes) == {"172.18.0.0/24", "fd00:172:18::/64"}
    for item in nodes.values():
        assert [s["source"] for s in item["sources"]] == ["node routes"] * len(NODES)
        assert {s["object"].split()[1] for s in item["sources"]} == {node.name for node in NODES}
    assert {s["value"] for s in nodes["172.18.0.0/24"]["sources"]} == {
        f"{node.ipv4}/24" for node in NODES
    }


def test_the_api_server_asked_by_a_dry_run(svcnet: Svcnet) -> None:
    probed = svcnet("ranges", "--probe")
    assert (probed.code, probed.findings(), probed.gaps()) == (0, [], []), probed.told()
    services = stated(probed, "Service")
    assert set(services) == set(SERVICE_RANGE.split(","))
    for item in services.values():
        [seen] = [s for s in item["sources"] if s["source"] == "Service dry-run"]
        assert (seen["value"], seen["confidence"]) == (item["range"], "observed")


def test_pods_that_are_too_many_to_count(svcnet: Svcnet, answer: Answer) -> None:
    """The real API server picks those that program nodes, and all else is told as before."""
    few = svcnet("ranges", "--max-pods", "1")
    assert few.code == 0, few.told()
    assert [gap["what"] for gap in few.gaps()] == ["pods"]
    assert [item["range"] for item in few.document["items"]] == [
        item["range"] for item in answer.document["items"]
    ]
    assert {item["used"] for item in few.document["items"] if item["kind"] == "Pod"} == {None}


def test_as_a_table(svcnet: Svcnet) -> None:
    printed = svcnet.raw("ranges")
    assert printed.code == 0
    for text in ("10.96.0.0/16", "fd00:10:96::/112", "10.244.0.0/16", "30000-32767"):
        assert text in printed.stdout
