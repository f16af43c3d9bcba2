"""Services that are seldom: what the API asks of each node, kube-proxy does, and connections show.

Over the lab's own pods, made for this file and deleted again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.tool import Answer, Svcnet
from tests.e2e.traffic import Witness, reachable, rows
from tests.lab import kube
from tests.lab.client import Lab
from tests.lab.topology import NODES

pytestmark = pytest.mark.e2e

MANIFEST = Path(__file__).with_name("objects.yaml")
BALANCERS = {
    "e2e-lb-any": "203.0.113.31",
    "e2e-lb-local": "203.0.113.32",
    "e2e-lb-open": "203.0.113.33",
    "e2e-lb-pods": "203.0.113.34",
    "e2e-lb-proxy": "203.0.113.35",
}
MANY = 250

#: Nothing to connect to: no sockets of that protocol, addresses that are nobody's, another proxy.
NOT_DIALLED = {"e2e-sctp", "e2e-many", "e2e-other-proxy"}
DIALLED = [
    "e2e-dual-nodeport",
    "e2e-internal-local-nodeport",
    "e2e-lb-any",
    "e2e-lb-local",
    "e2e-lb-open",
    "e2e-lb-pods",
    "e2e-lb-proxy",
    "e2e-local-both",
    "e2e-local-empty",
    "e2e-manual",
    "e2e-nodeport-local",
    "e2e-same-node",
    "e2e-same-zone",
    "e2e-sticky-local",
    "e2e-tcp-udp",
]


def slice_of(service: str, name: str, addresses: list[str], port: int) -> dict[str, Any]:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": name,
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address]} for address in addresses],
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
    }


def slices() -> list[dict[str, Any]]:
    """One endpoint in two slices; 250 in three, as the API server's own controller cuts them."""
    web = sorted(pod["status"]["podIP"] for pod in kube.get("pods", "-l", "app=web")["items"])
    many = [f"10.244.{200 + n // 200}.{n % 200 + 10}" for n in range(MANY)]
    return [
        slice_of("e2e-manual", "e2e-manual-1", web[:1], 8080),
        slice_of("e2e-manual", "e2e-manual-2", web, 8080),
        *(slice_of("e2e-many", f"e2e-many-{n}", many[n::3], 8080) for n in range(3)),
    ]


@pytest.fixture(scope="module")
def answer(lab: Lab, svcnet: Svcnet) -> Iterator[Answer]:
    manifest = MANIFEST.read_text(encoding="utf-8")
    made = kube.documents(manifest, *map(json.dumps, slices()))
    kube.apply(made)
    try:
        for name, address in BALANCERS.items():
            mode = "Proxy" if name == "e2e-lb-proxy" else "VIP"
            status = {"loadBalancer": {"ingress": [{"ip": address, "ipMode": mode}]}}
            patch = json.dumps({"status": status})
            lab.kubectl(
                "patch", "service", name, "--subresource=status", "--type=merge", "-p", patch
            )
        svcnet.healthy(*DIALLED, *sorted(NOT_DIALLED))
        yield svcnet("trace", *DIALLED, *sorted(NOT_DIALLED))
    finally:
        lab.kubectl("delete", "--wait", "-f", "-", stdin=made)
        svcnet.healthy()


def services(answer: Answer) -> dict[str, dict[str, Any]]:
    return {item["service"].partition("/")[2]: item for item in answer.document["items"]}


def expected(answer: Answer, service: str, kind: str) -> dict[str, list[str]]:
    return {
        place.name: place.node["expected"]
        for place in answer.places()
        if place.service == f"default/{service}" and place.frontend["kind"] == kind
    }


def test_all_are_in_order(answer: Answer) -> None:
    assert answer.code == 0, answer.told()
    assert all(place.verdict == "ok" for place in answer.places())
    assert set(services(answer)) == {*DIALLED, *NOT_DIALLED}


def test_another_proxys_service_has_no_frontend(answer: Answer) -> None:
    item = services(answer)["e2e-other-proxy"]
    assert item["frontends"] == []
    assert "other" in item["sentence"]


def test_an_address_that_the_balancer_keeps_is_no_frontend(answer: Answer) -> None:
    frontends = services(answer)["e2e-lb-proxy"]["frontends"]
    assert {frontend["kind"] for frontend in frontends} == {"ClusterIP", "NodePort"}


def test_hints_for_the_same_node(answer: Answer) -> None:
    by_node = expected(answer, "e2e-same-node", "ClusterIP")
    for node in NODES:
        [one] = by_node[node.name]
        assert one.startswith(node.pod_range4[: -len("0/24")])


def test_an_endpoint_in_two_slices_counts_once(answer: Answer) -> None:
    for endpoints in expected(answer, "e2e-manual", "ClusterIP").values():
        assert len(endpoints) == 2


def test_many_endpoints_have_equal_shares(answer: Answer) -> None:
    for endpoints in expected(answer, "e2e-many", "ClusterIP").values():
        assert len(endpoints) == MANY


@pytest.fixture(scope="module")
def witness(lab: Lab, answer: Answer) -> Witness:
    return Witness(lab)


@pytest.mark.full
@pytest.mark.parametrize("service", DIALLED)
def test_connections_do_what_the_fates_say(service: str, answer: Answer, witness: Witness) -> None:
    mine = [place for place in answer.places() if place.service == f"default/{service}"]
    asked = [row for place in mine for row in rows(place) if reachable(row)]
    wrong = [line for row in asked for line in witness.disagreements(row)[0]]
    assert not wrong, "\n".join(wrong)
    assert len({row.place.name for row in asked}) == len(NODES)
