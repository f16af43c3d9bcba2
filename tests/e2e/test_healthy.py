"""A healthy cluster has nothing to say, in each backend and with both on different nodes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.tool import Answer, Svcnet
from tests.lab import kube
from tests.lab.client import Lab
from tests.lab.topology import NODES

pytestmark = pytest.mark.e2e

NAMES = {node.name for node in NODES}
NO_FRONTENDS = {"db-headless": "headless", "db-external": "ExternalName"}


def check(answer: Answer, lab: Lab) -> None:
    assert answer.code == 0, answer.told()
    assert answer.document["findings"] == []
    assert answer.document["gaps"] == []
    assert answer.document["collected"]["nodesRead"] == len(NODES)
    for place in answer.places():
        assert place.verdict == "ok", answer.told()
        assert place.node["problems"] == []
        assert place.node["dataplane"] == "kube-proxy/iptables"
    for item in answer.document["items"]:
        for frontend in item["frontends"]:
            assert {node["node"] for node in frontend["nodes"]} == NAMES
            for node in frontend["nodes"]:
                backends = {
                    "legacy" if rule.startswith("legacy:") else "nft"
                    for fate in node["fates"]
                    for rule in fate["rules"]
                }
                assert backends <= {lab.backend(node["node"])}, f"{item['service']}: {node}"


def test_all_services_of_the_namespace(svcnet: Svcnet, lab: Lab) -> None:
    answer = svcnet("trace")
    check(answer, lab)
    services = [f"default/{one['metadata']['name']}" for one in kube.get("services")["items"]]
    assert [item["service"] for item in answer.document["items"]] == sorted(services)
    for item in answer.document["items"]:
        none = item["service"].partition("/")[2] in NO_FRONTENDS
        assert (item["frontends"] == []) is none
        assert ("sentence" in item) is none


@pytest.mark.parametrize("backend_of", ["n1", "n2"])
def test_both_backends_are_there(lab: Lab, backend_of: str) -> None:
    """What the other tests of this set rely on."""
    assert lab.backend(backend_of) == {"n1": "nft", "n2": "legacy"}[backend_of]


def test_one_service(svcnet: Svcnet, lab: Lab) -> None:
    answer = svcnet("trace", "db-service")
    check(answer, lab)
    [item] = answer.document["items"]
    [frontend] = item["frontends"]
    assert frontend["address"] == lab.cluster_ip("db-service")
    assert len(frontend["endpoints"]) == 3
    for node in frontend["nodes"]:
        pod = [f for f in node["fates"] if f["client"] == "pod"]
        assert sorted(f["endpoint"] for f in pod) == node["expected"]
        assert [f["probability"] for f in pod] == pytest.approx([1 / 3] * 3, abs=1e-3)
        assert not any(f["masquerade"] for f in pod)
        by_node = [f for f in node["fates"] if f["client"] == "node"]
        near = {
            f"{e['address']}:{e['port']}"
            for e in frontend["endpoints"]
            if e["node"] == node["node"]
        }
        assert {f["endpoint"] for f in by_node if f["masquerade"]} == near


@pytest.mark.parametrize("name", sorted(NO_FRONTENDS))
def test_services_without_frontends_are_one_sentence(svcnet: Svcnet, name: str) -> None:
    answer = svcnet("trace", name)
    assert answer.code == 0
    [item] = answer.document["items"]
    assert item["frontends"] == []
    assert NO_FRONTENDS[name] in item["sentence"]
    printed = svcnet.raw("trace", name)
    assert printed.code == 0
    assert NO_FRONTENDS[name] in printed.stdout
    assert len([line for line in printed.stdout.splitlines() if line.strip()]) <= 3


@pytest.mark.parametrize("way", ["svc/db-service", "db-service.default", "{ip}", "{ip}:3306"])
def test_ways_to_name_a_service(svcnet: Svcnet, lab: Lab, way: str) -> None:
    answer = svcnet("trace", way.format(ip=lab.cluster_ip("db-service")))
    assert answer.code == 0, answer.told()
    assert [item["service"] for item in answer.document["items"]] == ["default/db-service"]


def test_a_node_port_names_its_service(svcnet: Svcnet) -> None:
    answer = svcnet("trace", ":30080")
    assert [item["service"] for item in answer.document["items"]] == ["default/web-nodeport"]


def test_a_service_that_does_not_exist(svcnet: Svcnet) -> None:
    answer = svcnet("trace", "nothing")
    assert answer.code == 2
    assert 'services "nothing" not found' in answer.stderr
    both = svcnet("trace", "nothing", "db-service")
    assert both.code == 2
    assert [item["service"] for item in both.document["items"]] == ["default/db-service"]
    assert both.verdicts() == {name: {"ok"} for name in NAMES}


@pytest.fixture
def switched(lab: Lab, svcnet: Svcnet) -> Iterator[None]:
    before = {node.name: lab.backend(node.name) for node in NODES}
    yield
    for name, backend in before.items():
        if lab.backend(name) != backend:
            lab.switch_backend(name, backend)
    svcnet.healthy(within=120)


@pytest.mark.full
@pytest.mark.parametrize("backend", ["nft", "legacy"])
@pytest.mark.usefixtures("switched")
def test_each_backend_alone(svcnet: Svcnet, lab: Lab, backend: str) -> None:
    for node in NODES:
        if lab.backend(node.name) != backend:
            lab.switch_backend(node.name, backend)
    svcnet.healthy(within=120)
    check(svcnet("trace"), lab)
