from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.model.service import Node
from kubectl_svcnet.ranges.calico import SOURCE

V1, V3 = "/apis/crd.projectcalico.org/v1", "/apis/projectcalico.org/v3"


def made(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": spec}


@pytest.fixture
def census(agent: Any) -> Census:
    return Census(pods=(agent("calico-node"),), nodes=())


POOL = made("default", cidr="192.168.0.0/16")
BLOCK = made("b", cidr="192.168.10.0/26", node="n1", state="confirmed", deleted="false")


@pytest.mark.parametrize("group", [V1, V3])
def test_either_group(ask: Any, census: Census, serving: Any, texts: Any, group: str) -> None:
    objects = {f"{group}/ippools": [POOL], f"{group}/blockaffinities": [BLOCK]}
    reading = ask(SOURCE, census, serving(objects))
    assert texts(reading) == [("Pod", "", "192.168.0.0/16"), ("Pod", "n1", "192.168.10.0/26")]
    assert reading.claims[0].object == "ippools.crd.projectcalico.org default"
    assert not reading.gaps


def test_both_groups_show_the_same_pools(ask: Any, census: Census, serving: Any) -> None:
    objects = {f"{V1}/ippools": [POOL], f"{V3}/ippools": [POOL]}
    assert len(ask(SOURCE, census, serving(objects)).claims) == 1
    objects = {f"{V1}/ippools": [], f"{V3}/ippools": [POOL]}
    assert len(ask(SOURCE, census, serving(objects)).claims) == 1


@pytest.mark.parametrize(
    ("uses", "number"), [(["LoadBalancer"], 0), (["Tunnel"], 0), (["Workload"], 1), ([], 1)]
)
def test_what_a_pool_is_for(
    ask: Any, census: Census, serving: Any, uses: list[str], number: int
) -> None:
    pools = [made("a", cidr="10.9.0.0/16", allowedUses=uses)]
    assert len(ask(SOURCE, census, serving({f"{V1}/ippools": pools})).claims) == number


def test_a_disabled_pool_says_so(ask: Any, census: Census, serving: Any) -> None:
    pools = [made("a", cidr="10.9.0.0/16", disabled=True)]
    (claim,) = ask(SOURCE, census, serving({f"{V1}/ippools": pools})).claims
    assert claim.evidence == "spec.cidr: 10.9.0.0/16 (disabled: no new addresses)"


@pytest.mark.parametrize(
    "change",
    [
        {"deleted": "true"},
        {"deleted": True},
        {"state": "pending"},
        {"type": "virtual"},
        {"node": ""},
    ],
)
def test_blocks_that_no_node_holds(
    ask: Any, census: Census, serving: Any, change: dict[str, Any]
) -> None:
    blocks = [made("b", **{**BLOCK["spec"], **change})]
    assert not ask(SOURCE, census, serving({f"{V1}/blockaffinities": blocks})).claims


def test_a_broken_pool_is_a_gap_and_the_others_count(
    ask: Any, census: Census, serving: Any
) -> None:
    reading = ask(SOURCE, census, serving({f"{V1}/ippools": [made("x", cidr="ten"), {}, POOL]}))
    assert [claim.text for claim in reading.claims] == ["192.168.0.0/16"]
    (gap,) = reading.gaps
    assert gap.next == "kubectl get ippools.crd.projectcalico.org x -o yaml"


def test_no_right_is_one_gap_each(ask: Any, census: Census, refused: Any) -> None:
    gaps = ask(SOURCE, census, refused(Reason.FORBIDDEN)).gaps
    assert [gap.what for gap in gaps] == ["IPPool", "BlockAffinity"]
    assert gaps[0].next == "kubectl auth can-i list ippools.crd.projectcalico.org -A"


def test_no_such_resource_is_an_answer(ask: Any, census: Census, serving: Any) -> None:
    reading = ask(SOURCE, census, serving({}))
    assert reading.claims == reading.gaps == ()


def test_nothing_is_asked_where_no_agent_runs(static_pod: Any) -> None:
    node = Node(name="n1", annotations={"projectcalico.org/IPv4Address": "10.0.0.1/24"})
    assert SOURCE.recognise(Census(pods=(static_pod("kube-proxy"),), nodes=(node,))) == ()


def test_a_node_states_its_network(ask: Any, agent: Any, serving: Any) -> None:
    nodes = (
        Node(name="n1", annotations={"projectcalico.org/IPv4Address": "10.0.0.1/24"}),
        Node(name="n2", annotations={"projectcalico.org/IPv4Address": "10.0.0.2/32"}),
        Node(name="n3", annotations={"projectcalico.org/IPv6Address": "x"}),
    )
    reading = ask(SOURCE, Census(pods=(agent("calico-node"),), nodes=nodes), serving({}))
    (claim,) = reading.claims
    assert (claim.kind.value, claim.node, claim.value) == ("Node", "", "10.0.0.1/24")
    (gap,) = reading.gaps
    assert gap.what == "calico node address"


def test_ends_of_tunnels(ask: Any, agent: Any, serving: Any, texts: Any) -> None:
    annotations = {
        "projectcalico.org/IPv4VXLANTunnelAddr": "192.168.1.64",
        "projectcalico.org/IPv6VXLANTunnelAddr": "fd00::40",
    }
    nodes = (Node(name="n1", annotations=annotations),)
    census = Census(pods=(agent("calico-node"),), nodes=nodes)
    assert texts(ask(SOURCE, census, serving({}))) == [
        ("Tunnel", "n1", "192.168.1.64/32"),
        ("Tunnel", "n1", "fd00::40/128"),
    ]
    annotations["projectcalico.org/IPv4IPIPTunnelAddr"] = "x"
    (gap,) = ask(SOURCE, census, serving({})).gaps
    assert gap.node == "n1"
