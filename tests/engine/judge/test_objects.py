from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from kubectl_svcnet.engine.judge.objects import hints, many, orphans, policies, sources
from kubectl_svcnet.model.finding import Level
from kubectl_svcnet.model.service import Node, ServiceName
from tests.samples import DB, endpoint, node, service

OUT = "node.kubernetes.io/exclude-from-external-load-balancers"
NODES = [node("n1"), node("n2"), node("n3")]
HERE = [endpoint("10.244.1.2:3306", "n1"), endpoint("10.244.2.2:3306", "n2", ready=False)]
EXTERNAL: dict[str, Any] = {"external_local": True, "external_ips": (ip_address("192.0.2.1"),)}


def test_slices_of_no_service() -> None:
    other = ServiceName("shop", "gone")
    (found,) = orphans([DB, other], {DB})
    assert (found.code, found.service, found.level) == ("SVN405", "shop/gone", Level.INFO)
    assert orphans([DB], {DB}) == ()


@pytest.mark.parametrize(
    ("values", "nodes", "told"),
    [
        ({}, NODES, []),
        (EXTERNAL, NODES, [("SVN411", "externalTrafficPolicy Local, no endpoint on n2, n3")]),
        (EXTERNAL, NODES[:1], []),
        ({"external_local": True}, NODES, []),  # nothing from outside leads to it
        (EXTERNAL, [node("n9", os="windows"), node("n8", virtual=True)], []),
        (EXTERNAL, [NODES[0], node("n4", labels={OUT: ""})], []),
        (
            {"internal_local": True},
            NODES[:2],
            [("SVN412", "internalTrafficPolicy Local, no endpoint there")],
        ),
        ({"internal_local": True, "headless": True}, NODES, []),
        ({"internal_local": True, "other_proxy": "mesh"}, NODES, []),
    ],
)
def test_policy_local(
    values: dict[str, Any], nodes: list[Node], told: list[tuple[str, str]]
) -> None:
    found = policies(service(**values), HERE, nodes)
    assert [(one.code, one.message) for one in found] == told
    assert all(one.level is Level.WARNING for one in found)


def test_a_balancer_that_asks_leaves_such_nodes_out() -> None:
    (found,) = policies(service(**EXTERNAL, health_check_node_port=31234), HERE, NODES)
    assert (found.level, "health check node port 31234" in found.message) == (Level.INFO, True)


def test_without_endpoints_anywhere_policy_is_not_the_matter() -> None:
    assert policies(service(**EXTERNAL), [], NODES) == ()
    leaving = endpoint("10.244.1.2:3306", "n1", ready=False, terminating=True)
    (found,) = policies(service(**EXTERNAL), [leaving], NODES[:2])
    assert (found.node, found.message) == ("n2", "externalTrafficPolicy Local, no endpoint there")


def test_the_last_endpoint_of_a_node_serves_while_it_terminates() -> None:
    last = endpoint("10.244.2.2:3306", "n2", ready=False, terminating=True)
    assert policies(service(**EXTERNAL), [HERE[0], last], NODES[:2]) == ()
    gone = endpoint("10.244.2.2:3306", "n2", ready=False, serving=False, terminating=True)
    assert len(policies(service(**EXTERNAL), [HERE[0], gone], NODES[:2])) == 1


def test_ports_and_families_have_endpoints_of_their_own() -> None:
    """Named target ports may be in some pods only, and a family may lack an address."""
    both = service(
        internal_local=True,
        cluster_ips=(ip_address("10.96.0.9"), ip_address("fd00::9")),
        ports=(*service().ports, replace(service().ports[0], name="admin", port=81)),
    )
    endpoints = [
        endpoint("10.244.1.2:3306", "n1"),
        endpoint("10.244.2.2:3306", "n2"),
        endpoint("10.244.2.2:81", "n2", port_name="admin"),
        endpoint("[fd00::1:2]:3306", "n1"),
    ]
    found = policies(both, endpoints, NODES[:2])
    assert [(one.node, one.message) for one in found] == [
        ("n1", "internalTrafficPolicy Local, no endpoint there for 10.96.0.9:81/TCP"),
        ("n2", "internalTrafficPolicy Local, no endpoint there for [fd00::9]:3306/TCP"),
    ]


@pytest.mark.parametrize(
    ("kind", "addresses", "ranges", "code"),
    [
        ("LoadBalancer", ["192.0.2.1"], ["198.51.100.0/24"], ""),
        ("LoadBalancer", [], ["198.51.100.0/24"], ""),
        ("LoadBalancer", ["192.0.2.1"], [], ""),
        ("LoadBalancer", ["192.0.2.1"], ["2001:db8::/32"], "SVN415"),
        ("LoadBalancer", ["192.0.2.1", "2001:db8::1"], ["2001:db8::/32"], ""),
        ("NodePort", [], ["198.51.100.0/24"], "SVN415"),
        ("LoadBalancer", ["192.0.2.1"], ["0.0.0.0/32", "224.0.0.0/4"], "SVN414"),
        ("LoadBalancer", ["192.0.2.1"], ["0.0.0.0/0"], ""),
    ],
)
def test_source_ranges(kind: str, addresses: list[str], ranges: list[str], code: str) -> None:
    balanced = service(
        type=kind,
        load_balancer_ips=tuple(map(ip_address, addresses)),
        source_ranges=tuple(map(ip_network, ranges)),
    )
    assert [one.code for one in sources(balanced)] == ([code] if code else [])


def test_source_ranges_of_an_address_that_is_an_external_ip_too() -> None:
    address = (ip_address("192.0.2.1"),)
    balanced = service(
        type="LoadBalancer",
        load_balancer_ips=address,
        external_ips=address,
        source_ranges=(ip_network("198.51.100.0/24"),),
    )
    (found,) = sources(balanced)
    assert (found.code, "everybody in at 192.0.2.1" in found.message) == ("SVN415", True)
    assert sources(replace(balanced, other_proxy="mesh")) == ()
    assert sources(replace(balanced, external_ips=(ip_address("192.0.2.2"),))) == ()


def test_more_than_a_thousand() -> None:
    endpoints = [endpoint(f"10.{244 + n // 250}.{n % 250}.2:3306") for n in range(1001)]
    selecting = service(selector={"app": "db"})
    (found,) = many(selecting, endpoints)
    assert (found.code, found.message[:14]) == ("SVN416", "1001 endpoints")
    assert many(selecting, [*endpoints[:1000], endpoints[0]]) == ()
    assert many(service(), endpoints) == ()  # nobody makes it an Endpoints object


def zoned(name: str, zone: str) -> Node:
    return node(name, labels={"topology.kubernetes.io/zone": zone})


@pytest.mark.parametrize(
    ("zones", "nodes", "words"),
    [
        (["", ""], [zoned("n1", "a")], ""),
        (["a", "b"], [zoned("n1", "a"), zoned("n2", "b")], ""),
        (["a", ""], [zoned("n1", "a")], "1 of 2 have none (first: 10.244.1.3:3306)"),
        (["a", "a"], [zoned("n1", "a"), zoned("n2", "b")], "none is for nodes of zone b"),
        (["a", "a"], [zoned("n1", "a"), node("n2")], "none is for nodes of zone none"),
    ],
)
def test_hints(zones: list[str], nodes: list[Node], words: str) -> None:
    endpoints = [
        endpoint(f"10.244.1.{number}:3306", zone_hints=frozenset(filter(None, [zone])))
        for number, zone in enumerate(zones, 2)
    ]
    found = hints(service(), endpoints, nodes)
    assert [(one.code, one.level) for one in found] == ([("SVN417", Level.INFO)] if words else [])
    assert all(one.message.endswith(words) for one in found)
