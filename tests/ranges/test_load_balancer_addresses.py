from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from kubectl_svcnet.model.iprange import Census, Confidence
from kubectl_svcnet.model.service import Node, Pod, Service, ServiceName
from kubectl_svcnet.ranges.load_balancer_addresses import SOURCE


def service(name: str, *addresses: str) -> Service:
    ips = tuple(map(ip_address, addresses))
    return Service(name=ServiceName("web", name), type="LoadBalancer", load_balancer_ips=ips)


def test_each_address_once(ask: Any) -> None:
    services = (service("a", "192.0.2.1", "2001:db8::1"), service("b", "192.0.2.1"), service("c"))
    claims = ask(SOURCE, Census(services=services)).claims
    assert [(c.kind.value, c.text, c.object) for c in claims] == [
        ("LoadBalancer", "192.0.2.1/32", "service web/a"),
        ("LoadBalancer", "2001:db8::1/128", "service web/a"),
    ]
    assert {claim.confidence for claim in claims} == {Confidence.OBSERVED}
    assert len({claim.statement for claim in claims}) == 1  # addresses cannot disagree


def test_klipper_takes_addresses_of_nodes(ask: Any) -> None:
    labels = {"svccontroller.k3s.cattle.io/svcname": "traefik"}
    seen = Census(
        pods=(Pod(namespace="kube-system", name="svclb-traefik-1", labels=labels),),
        services=(service("traefik", "192.168.5.15", "192.0.2.1"),),
        nodes=(Node(name="k1", addresses=(ip_address("192.168.5.15"),)),),
    )
    assert [(c.text, c.source) for c in ask(SOURCE, seen).claims] == [
        ("192.168.5.15/32", "Service status.loadBalancer (klipper: a node's)"),
        ("192.0.2.1/32", "Service status.loadBalancer"),
    ]


def test_an_address_of_a_node_alone_is_no_klipper(ask: Any) -> None:
    seen = Census(
        pods=(),
        services=(service("a", "192.168.5.15"),),
        nodes=(Node(name="k1", addresses=(ip_address("192.168.5.15"),)),),
    )
    (claim,) = ask(SOURCE, seen).claims
    assert claim.source == "Service status.loadBalancer"
