from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.ranges.cilium import SOURCE

CONFIG = "/api/v1/namespaces/kube-system/configmaps/cilium-config"
NODES = "/apis/cilium.io/v2/ciliumnodes"
POOLS = "/apis/cilium.io/v2alpha1/ciliumpodippools"


@pytest.fixture
def census(agent: Any) -> Census:
    return Census(pods=(agent("cilium-agent", labels={"k8s-app": "cilium"}),))


def config(**data: str) -> dict[str, Any]:
    return {CONFIG: {"metadata": {"name": "cilium-config"}, "data": data}}


FOUR = {"cluster-pool-ipv4-cidr": "10.0.0.0/8"}
SIX = {"cluster-pool-ipv6-cidr": "fd00::/104"}


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"ipam": "cluster-pool", **FOUR}, ["10.0.0.0/8"]),
        ({"ipam": "cluster-pool", **FOUR, **SIX}, ["10.0.0.0/8", "fd00::/104"]),
        ({"ipam": "cluster-pool", **FOUR, **SIX, "enable-ipv6": "false"}, ["10.0.0.0/8"]),
        (
            {"ipam": "cluster-pool", "cluster-pool-ipv4-cidr": "10.1.0.0/16 10.2.0.0/16"},
            ["10.1.0.0/16", "10.2.0.0/16"],
        ),
        ({"ipam": "kubernetes", **FOUR}, []),
        ({"ipam": "eni", **FOUR}, []),
        ({"ipam": "cluster-pool"}, []),
        (FOUR, []),
    ],
)
def test_which_range_is_in_force(
    ask: Any, census: Census, serving: Any, data: dict[str, str], found: list[str]
) -> None:
    reading = ask(SOURCE, census, serving(config(**data)))
    assert [claim.text for claim in reading.claims] == found
    assert not reading.gaps


def test_nodes(ask: Any, census: Census, serving: Any, texts: Any) -> None:
    pools = {"allocated": [{"pool": "default", "cidrs": ["10.10.0.0/24"]}]}
    nodes = [
        {"metadata": {"name": "n1"}, "spec": {"ipam": {"podCIDRs": ["10.0.1.0/24"]}}},
        {"metadata": {"name": "n2"}, "spec": {"ipam": {"pools": pools}}},
        {"metadata": {"name": "n3"}, "spec": {"eni": {}}},
    ]
    reading = ask(SOURCE, census, serving({NODES: nodes}))
    assert texts(reading) == [("Pod", "n1", "10.0.1.0/24"), ("Pod", "n2", "10.10.0.0/24")]
    assert reading.claims[0].evidence == "spec.ipam.podCIDRs: 10.0.1.0/24"
    assert reading.claims[1].object == "ciliumnodes.cilium.io n2"


def test_pools(ask: Any, census: Census, serving: Any) -> None:
    spec = {"ipv4": {"cidrs": ["10.10.0.0/16", "10.11.0.0/16"]}, "ipv6": {"cidrs": ["fd00::/104"]}}
    claims = ask(
        SOURCE, census, serving({POOLS: [{"metadata": {"name": "a"}, "spec": spec}]})
    ).claims
    assert [claim.text for claim in claims] == ["10.10.0.0/16", "10.11.0.0/16", "fd00::/104"]
    assert {claim.statement for claim in claims} == {"CiliumPodIPPool"}


def test_a_bad_range_is_a_gap(ask: Any, census: Census, serving: Any) -> None:
    answer = serving(config(**{"ipam": "cluster-pool", "cluster-pool-ipv4-cidr": "ten"}))
    (gap,) = ask(SOURCE, census, answer).gaps
    assert gap.next == "kubectl get -n kube-system configmap cilium-config -o yaml"


def test_no_rights(ask: Any, census: Census, refused: Any) -> None:
    gaps = ask(SOURCE, census, refused(Reason.FORBIDDEN)).gaps
    assert [gap.what for gap in gaps] == ["cilium-config", "CiliumNode", "CiliumPodIPPool"]


def test_nothing_is_asked_where_no_agent_runs(static_pod: Any) -> None:
    assert SOURCE.recognise(Census(pods=(static_pod("kube-proxy"),))) == ()


def test_addresses_that_the_agent_takes(ask: Any, census: Census, serving: Any, texts: Any) -> None:
    addresses = [
        {"type": "InternalIP", "ip": "172.18.0.2"},
        {"type": "CiliumInternalIP", "ip": "10.0.1.7"},
    ]
    spec = {"addresses": addresses, "health": {"ipv4": "10.0.1.99"}}
    nodes = [{"metadata": {"name": "n1"}, "spec": spec}]
    assert texts(ask(SOURCE, census, serving({NODES: nodes}))) == [
        ("Tunnel", "n1", "10.0.1.7/32"),
        ("Tunnel", "n1", "10.0.1.99/32"),
    ]
