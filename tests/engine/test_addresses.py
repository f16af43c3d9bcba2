"""What an address is, of claims and lists written here."""

from __future__ import annotations

import time
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from kubectl_svcnet.engine.addresses import address_uses
from kubectl_svcnet.engine.usage import merge_claims
from kubectl_svcnet.model.address import Protocol, SocketAddress
from kubectl_svcnet.model.iprange import (
    NODE_IPAM,
    AddressUse,
    Census,
    Confidence,
    RangeClaim,
    RangeKind,
)
from kubectl_svcnet.model.service import Endpoint, Node, Pod, Service, ServiceName, ServicePort


def claim(kind: RangeKind, text: str, node: str = "", address: str = "") -> RangeClaim:
    return RangeClaim(
        kind=kind,
        source="weave bridge" if address else "flag",
        object="pod a/agent",
        confidence=Confidence.STATED,
        network=ip_network(text),
        node=node,
        address=ip_address(address) if address else None,
        allocator=NODE_IPAM if text.startswith("10.244.") else "",
    )


CLAIMS = (
    claim(RangeKind.SERVICE, "10.96.0.0/16"),
    claim(RangeKind.SERVICE, "fd00:96::/112"),
    claim(RangeKind.POD, "10.244.0.0/16"),
    claim(RangeKind.POD, "10.244.1.0/24", node="n1"),
    claim(RangeKind.POD, "10.32.0.0/12", node="n1", address="10.44.0.0"),
    claim(RangeKind.TUNNEL, "10.32.7.7/32", node="n1"),
    claim(RangeKind.NODE, "172.18.0.0/24"),
    claim(RangeKind.NODE, "169.254.20.10/32"),
    claim(RangeKind.LOAD_BALANCER, "172.18.0.128/25"),
)
DB = ServiceName("default", "db")
PORT = ServicePort(name="mysql", protocol=Protocol.TCP, port=3306)


def endpoint(text: str, *, ready: bool = True) -> Endpoint:
    address = SocketAddress(ip_address(text), 3306)
    return Endpoint(address=address, port_name="mysql", protocol=Protocol.TCP, ready=ready)


CENSUS = Census(
    services=(
        Service(
            name=DB,
            type="LoadBalancer",
            ports=(PORT,),
            cluster_ips=(ip_address("10.96.0.9"), ip_address("fd00:96::9")),
            external_ips=(ip_address("203.0.113.7"),),
            load_balancer_ips=(ip_address("172.18.0.200"),),
            proxied_ips=(ip_address("172.18.0.222"),),
        ),
    ),
    pods=(
        Pod(namespace="default", name="db-0", node="n1", addresses=(ip_address("10.244.1.2"),)),
        Pod(
            namespace="default",
            name="done",
            node="n1",
            addresses=(ip_address("10.244.1.3"),),
            phase="Succeeded",
        ),
        Pod(
            namespace="kube-system",
            name="proxy",
            node="n1",
            addresses=(ip_address("172.18.0.2"),),
            host_network=True,
        ),
        Pod(namespace="default", name="astray", node="n1", addresses=(ip_address("192.168.9.9"),)),
    ),
    nodes=(
        Node(
            name="n1",
            addresses=(ip_address("172.18.0.2"),),
            external_addresses=(ip_address("203.0.113.2"),),
        ),
    ),
    endpoints={DB: (endpoint("10.244.1.2"), endpoint("198.51.100.1", ready=False))},
)


def uses(text: str, census: Census = CENSUS) -> tuple[AddressUse, ...]:
    return address_uses([ip_address(text)], merge_claims(CLAIMS, census), census)


def told(text: str, census: Census = CENSUS) -> list[tuple[str, str, str, str]]:
    return [(u.kind, u.state.value, u.range, u.owner) for u in uses(text, census)]


SERVICE = "service default/db (mysql 3306/TCP)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.96.0.9", [("ClusterIP", "allocated", "10.96.0.0/16", SERVICE)]),
        ("fd00:96::9", [("ClusterIP", "allocated", "fd00:96::/112", SERVICE)]),
        ("203.0.113.7", [("ExternalIP", "allocated", "", SERVICE)]),
        ("172.18.0.200", [("LoadBalancerIP", "allocated", "172.18.0.128/25", SERVICE)]),
        ("172.18.0.222", [("LoadBalancerIP", "allocated", "172.18.0.128/25", SERVICE)]),
        (
            "10.244.1.2",
            [
                ("Pod", "allocated", "10.244.1.0/24", "pod default/db-0 on n1"),
                ("Endpoint", "allocated", "10.244.1.0/24", SERVICE),
            ],
        ),
        ("198.51.100.1", [("Endpoint", "allocated", "", f"{SERVICE}, not ready")]),
        ("192.168.9.9", [("Pod", "allocated", "", "pod default/astray on n1")]),
        ("172.18.0.2", [("Node", "allocated", "172.18.0.0/24", "node n1")]),
        ("203.0.113.2", [("Node", "allocated", "", "node n1")]),
        ("10.44.0.0", [("Pod", "allocated", "10.32.0.0/12", "weave bridge of node n1")]),
        ("10.32.7.7", [("Tunnel", "allocated", "10.32.7.7/32", "flag of node n1")]),
        ("10.244.1.1", [("Pod", "reserved", "10.244.1.0/24", "node n1")]),  # the gateway
        ("10.244.9.1", [("Pod", "free", "10.244.0.0/16", "")]),
        ("10.32.9.9", [("Pod", "unknown", "10.32.0.0/12", "node n1")]),  # another allocator
        ("10.96.0.10", [("Service", "free", "10.96.0.0/16", "")]),
        ("10.96.0.0", [("Service", "reserved", "10.96.0.0/16", "")]),
        ("10.96.255.255", [("Service", "reserved", "10.96.0.0/16", "")]),
        ("fd00:96::", [("Service", "reserved", "fd00:96::/112", "")]),
        ("fd00:96::ffff", [("Service", "free", "fd00:96::/112", "")]),
        ("10.244.1.3", [("Pod", "free", "10.244.1.0/24", "node n1")]),
        ("10.244.9.9", [("Pod", "free", "10.244.0.0/16", "")]),
        ("172.18.0.9", [("Node", "unknown", "172.18.0.0/24", "")]),
        (
            "172.18.0.201",
            [
                ("LoadBalancer", "unknown", "172.18.0.128/25", ""),
                ("Node", "unknown", "172.18.0.0/24", ""),
            ],
        ),
        ("8.8.8.8", [("", "outside", "", "")]),
        ("127.0.0.53", [("Loopback", "reserved", "127.0.0.0/8", "")]),
        ("::1", [("Loopback", "reserved", "::1/128", "")]),
        ("169.254.20.10", [("Node", "allocated", "169.254.20.10/32", "flag of pod a/agent")]),
        ("169.254.7.7", [("LinkLocal", "reserved", "169.254.0.0/16", "")]),
        ("fe80::1", [("LinkLocal", "reserved", "fe80::/10", "")]),
        ("224.0.0.251", [("Multicast", "reserved", "224.0.0.0/4", "")]),
    ],
)
def test_what_it_is(text: str, expected: list[tuple[str, str, str, str]]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    ("text", "blind"),
    [
        ("10.96.0.10", replace(CENSUS, services=None)),
        ("10.244.1.3", replace(CENSUS, pods=None)),
        ("8.8.8.8", replace(CENSUS, pods=None)),
        ("8.8.8.8", replace(CENSUS, endpoints=None)),
        ("10.96.0.10", replace(CENSUS, doubtful=True)),
        ("10.244.1.3", replace(CENSUS, doubtful=True)),
        ("8.8.8.8", replace(CENSUS, doubtful=True)),
        ("10.244.1.3", replace(CENSUS, counted=False)),
        ("8.8.8.8", replace(CENSUS, counted=False)),
    ],
)
def test_whose_holders_were_not_read_is_unknown(text: str, blind: Census) -> None:
    assert [state for _, state, _, _ in told(text, blind)] == ["unknown"]


def test_a_link_local_address_that_somebody_holds_is_theirs() -> None:
    held = Endpoint(
        address=SocketAddress(ip_address("169.254.20.11"), 53),
        port_name="",
        protocol=Protocol.UDP,
    )
    census = replace(CENSUS, endpoints={DB: (held,)})
    assert told("169.254.20.11", census) == [
        ("Endpoint", "allocated", "", "service default/db (53/UDP)")
    ]


def test_many_ports_are_counted() -> None:
    ports = tuple(replace(PORT, name=f"p{i}", port=i) for i in range(1, 9))
    service = replace((CENSUS.services or ())[0], ports=ports)
    ((_, _, _, owner),) = told("10.96.0.9", replace(CENSUS, services=(service,)))
    assert owner == (
        "service default/db (p1 1/TCP, p2 2/TCP, p3 3/TCP, p4 4/TCP, p5 5/TCP, and 3 more)"
    )


def test_in_the_order_asked() -> None:
    asked = [ip_address(text) for text in ("8.8.8.8", "10.96.0.9", "127.0.0.1")]
    found = address_uses(asked, merge_claims(CLAIMS, CENSUS), CENSUS)
    assert [use.address for use in found] == asked


def test_many_addresses_of_many_ranges_in_time() -> None:
    told = [claim(RangeKind.POD, f"10.{i >> 8}.{i & 255}.0/24", node=f"n{i}") for i in range(5000)]
    ranges = merge_claims(told, Census())
    asked = [ip_address(f"10.{i >> 8}.{i & 255}.7") for i in range(5000)]
    started = time.process_time()
    found = address_uses(asked, ranges, Census())
    assert time.process_time() - started < 2
    assert [use.range for use in found] == [range.text for range in ranges if range.network]


@pytest.mark.parametrize(
    ("census", "state"),
    [
        (CENSUS, "reserved"),
        (replace(CENSUS, services=None), "unknown"),
        (replace(CENSUS, doubtful=True), "unknown"),
    ],
)
def test_a_range_that_gives_nothing_more(census: Census, state: str) -> None:
    """A ServiceCIDR that is being deleted, a disabled pool."""
    closed = replace(claim(RangeKind.SERVICE, "10.97.0.0/16"), closed=True)
    found = address_uses([ip_address("10.97.0.9")], merge_claims([closed], census), census)
    assert [use.state.value for use in found if use.kind == "Service"] == [state]
