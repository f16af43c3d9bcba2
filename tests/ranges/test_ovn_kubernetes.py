from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.model.service import Node
from kubectl_svcnet.ranges.ovn_kubernetes import SOURCE

CONFIG = "/api/v1/namespaces/ovn-kubernetes/configmaps/ovn-config"
K = "k8s.ovn.org/"


@pytest.fixture
def census(agent: Any) -> Any:
    def build(**annotations: str) -> Census:
        pod = agent("ovnkube-controller", "ovn-kubernetes", labels={"app": "ovnkube-node"})
        named = {K + name.replace("_", "-"): value for name, value in annotations.items()}
        return Census(pods=(pod,), nodes=(Node(name="n1", annotations=named),))

    return build


def test_the_configuration(ask: Any, census: Any, serving: Any, texts: Any) -> None:
    data = {"net_cidr": "10.244.0.0/16/24,fd00::/48/64", "svc_cidr": "10.96.0.0/16"}
    reading = ask(SOURCE, census(), serving({CONFIG: {"metadata": {"name": "c"}, "data": data}}))
    assert texts(reading) == [
        ("Pod", "", "10.244.0.0/16"),
        ("Pod", "", "fd00::/48"),
        ("Service", "", "10.96.0.0/16"),
    ]


def test_what_stands_at_a_node(ask: Any, census: Any, serving: Any, texts: Any) -> None:
    seen = census(
        node_subnets='{"default":["10.244.0.0/24"],"blue":"10.50.0.0/24"}',
        node_primary_ifaddr='{"ipv4":"172.18.0.4/16"}',
        node_gateway_router_lrp_ifaddrs='{"default":{"ipv4":"100.64.0.2/16"}}',
        node_masquerade_subnet='{"ipv4":"169.254.169.0/29"}',
    )
    reading = ask(SOURCE, seen, serving({}))
    assert texts(reading) == [
        ("Pod", "n1", "10.244.0.0/24"),
        ("Pod", "n1", "10.50.0.0/24"),
        ("Node", "", "172.18.0.0/16"),
        ("Tunnel", "", "100.64.0.0/16"),
        ("Tunnel", "", "169.254.169.0/29"),
    ]
    assert [claim.allocator for claim in reading.claims[:2]] == ["ovn-kubernetes", ""]
    assert [c.value for c in reading.claims[2:]] == [
        "172.18.0.4/16",
        "100.64.0.2/16",
        "169.254.169.0/29",
    ]
    assert not reading.gaps


def test_each_bad_annotation_is_a_gap_of_its_own(ask: Any, census: Any, serving: Any) -> None:
    seen = census(node_subnets="{", node_primary_ifaddr="7", node_masquerade_subnet='{"ipv4":"x"}')
    gaps = ask(SOURCE, seen, serving({})).gaps
    names = ("node-subnets", "node-primary-ifaddr", "node-masquerade-subnet")
    assert [gap.what for gap in gaps] == [K + name for name in names]


def test_no_right_is_a_gap(ask: Any, census: Any, refused: Any) -> None:
    (gap,) = ask(SOURCE, census(), refused(Reason.FORBIDDEN)).gaps
    assert gap.next == "kubectl auth can-i get configmaps/ovn-config -n ovn-kubernetes"


def test_nothing_is_asked_where_no_agent_runs(agent: Any) -> None:
    node = Node(name="n1", annotations={f"{K}node-subnets": '{"default":"10.244.0.0/24"}'})
    assert SOURCE.recognise(Census(pods=(agent("flannel"),), nodes=(node,))) == ()
