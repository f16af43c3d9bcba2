from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.model.service import Container, Node, Pod, Service, ServiceName, ServicePort
from kubectl_svcnet.model.service import frontends as frontends_of

WEB = ServicePort(name="web", protocol=Protocol.TCP, port=80, node_port=30080)
DNS = ServicePort(name="dns", protocol=Protocol.UDP, port=53)


def addresses(*texts: str) -> tuple[Any, ...]:
    return tuple(map(ip_address, texts))


def service(**fields: Any) -> Service:
    fixed = {"name": ServiceName("shop", "cart"), "type": "ClusterIP", "ports": (WEB,)}
    return Service(**{**fixed, "cluster_ips": addresses("10.96.0.10"), **fields})


def shown(made: Service) -> list[str]:
    return [f"{f.kind.value} {f} {f.family.value}" for f in frontends_of(made)]


def test_every_kind_in_order() -> None:
    made = service(load_balancer_ips=addresses("192.0.2.1"), external_ips=addresses("198.51.100.1"))
    assert shown(made) == [
        "ClusterIP 10.96.0.10:80/TCP IPv4",
        "NodePort :30080/TCP IPv4",
        "LoadBalancerIP 192.0.2.1:80/TCP IPv4",
        "ExternalIP 198.51.100.1:80/TCP IPv4",
    ]


def test_a_node_port_is_dialled_in_each_family() -> None:
    made = service(cluster_ips=addresses("10.96.0.10", "fd00::a"))
    assert shown(made) == [
        "ClusterIP 10.96.0.10:80/TCP IPv4",
        "ClusterIP [fd00::a]:80/TCP IPv6",
        "NodePort :30080/TCP IPv4",
        "NodePort :30080/TCP IPv6",
    ]


def test_every_port_has_its_frontends() -> None:
    assert shown(service(ports=(DNS, WEB)))[:2] == [
        "ClusterIP 10.96.0.10:53/UDP IPv4",
        "ClusterIP 10.96.0.10:80/TCP IPv4",
    ]


def test_an_address_of_another_family_leads_nowhere() -> None:
    assert len(shown(service(external_ips=addresses("2001:db8::1")))) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"headless": True},
        {"external_name": "example.com"},
        {"other_proxy": "mesh"},
        {"cluster_ips": ()},
    ],
)
def test_nothing_to_dial(fields: dict[str, Any]) -> None:
    assert shown(service(**fields)) == []


@pytest.mark.parametrize(
    ("fields", "accessible"),
    [
        ({}, True),
        ({"ports": (DNS,)}, False),
        ({"ports": (DNS,), "external_ips": addresses("192.0.2.1")}, True),
        ({"ports": (DNS,), "load_balancer_ips": addresses("192.0.2.1")}, True),
    ],
)
def test_externally_accessible(fields: dict[str, Any], accessible: bool) -> None:
    assert service(**fields).externally_accessible is accessible


def test_the_zone_is_a_label() -> None:
    assert Node(name="n1", labels={"topology.kubernetes.io/zone": "a"}).zone == "a"
    assert Node(name="n1").zone == ""


def test_a_container_by_name() -> None:
    pod = Pod(namespace="n", name="p", containers=(Container(name="a"), Container(name="b")))
    assert pod.container("b") is pod.containers[1]
    assert pod.container("c") is None


@pytest.mark.parametrize(
    ("path", "part", "items", "file", "found"),
    [
        ("/etc/p", "", {}, "/etc/p/a.conf", ("cm", "a.conf")),
        ("/etc/p/", "", {"a.conf": "v2"}, "/etc/p/a.conf", ("cm", "v2")),
        ("/etc/p", "", {"b.conf": "v2"}, "/etc/p/a.conf", ("cm", "a.conf")),
        ("/etc/p/a.conf", "b.conf", {}, "/etc/p/a.conf", ("cm", "b.conf")),
        ("/etc/p/a.conf", "b.conf", {"b.conf": "v2"}, "/etc/p/a.conf", ("cm", "v2")),
        ("/etc/q", "", {}, "/etc/p/a.conf", None),
    ],
)
def test_which_key_of_a_config_map_a_file_holds(
    path: str, part: str, items: dict[str, str], file: str, found: tuple[str, str] | None
) -> None:
    container = Container(name="c", mounts={"v": path}, sub_paths={"v": part} if part else {})
    pod = Pod(namespace="n", name="p", config_maps={"w": "x", "v": "cm"}, config_keys={"v": items})
    assert pod.config_at(container, file) == found
