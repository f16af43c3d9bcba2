from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from kubectl_svcnet.engine.usage import merge_claims, usable
from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.iprange import Census, Confidence, IPRange, RangeClaim, RangeKind
from kubectl_svcnet.model.service import Node, Pod, Service, ServiceName, ServicePort

STATED, ASSUMED = Confidence.STATED, Confidence.ASSUMED


def claim(
    kind: RangeKind, text: str, source: str = "s", node: str = "", confidence: Confidence = STATED
) -> RangeClaim:
    return RangeClaim(
        kind=kind,
        source=source,
        object="o",
        confidence=confidence,
        network=ip_network(text),
        node=node,
    )


def pod(name: str, node: str, *addresses: str, host: bool = False, phase: str = "Running") -> Pod:
    return Pod(
        namespace="a",
        name=name,
        node=node,
        addresses=tuple(map(ip_address, addresses)),
        host_network=host,
        phase=phase,
    )


def service(name: str, *addresses: str, node_port: int = 0, health: int = 0) -> Service:
    port = ServicePort(name="", protocol=Protocol.TCP, port=80, node_port=node_port)
    return Service(
        name=ServiceName("a", name),
        type="ClusterIP",
        ports=(port,),
        cluster_ips=tuple(map(ip_address, addresses)),
        health_check_node_port=health,
    )


CENSUS = Census(
    pods=(
        pod("a", "n1", "10.244.1.2", "fd00:1::2"),
        pod("b", "n1", "10.244.1.3"),
        pod("c", "n2", "10.244.2.2"),
        pod("same", "n2", "10.244.2.2"),  # one address is used once
        pod("host", "n1", "10.244.1.9", host=True),
        pod("done", "n1", "10.244.1.8", phase="Succeeded"),
        pod("failed", "n1", "10.244.1.7", phase="Failed"),
    ),
    services=(
        service("x", "10.96.0.1", "fd00:96::1", node_port=30080),
        service("y", "10.96.0.2", node_port=30080, health=32000),
        service("far", "10.97.0.2", node_port=8080),
    ),
    nodes=(Node(name="n1", addresses=(ip_address("172.18.0.2"),)), Node(name="n2")),
)


def merged(*claims: RangeClaim, census: Census = CENSUS) -> dict[tuple[str, str], IPRange]:
    return {(range.text, range.node): range for range in merge_claims(claims, census)}


@pytest.mark.parametrize(
    ("kind", "text", "node", "used", "size"),
    [
        (RangeKind.SERVICE, "10.96.0.0/16", "", 2, 65534),
        (RangeKind.SERVICE, "fd00:96::/112", "", 1, 65535),
        (RangeKind.POD, "10.244.0.0/16", "", 3, 65534),
        (RangeKind.POD, "10.244.1.0/24", "n1", 2, 254),
        (RangeKind.POD, "10.244.1.0/24", "n2", 0, 254),
        (RangeKind.POD, "10.244.1.0/24", "n3", 0, 254),
        (RangeKind.POD, "fd00:1::/64", "n1", 1, 2**64 - 1),
        (RangeKind.NODE, "172.18.0.0/24", "", 1, 254),
        (RangeKind.TUNNEL, "172.18.0.0/24", "", None, 254),
    ],
)
def test_used_and_size(
    kind: RangeKind, text: str, node: str, used: int | None, size: int | None
) -> None:
    found = merged(claim(kind, text, node=node))[text, node]
    assert (found.used, found.size) == (used, size)
    assert found.family is (Family.IPV6 if ":" in text else Family.IPV4)


@pytest.mark.parametrize("kind", [RangeKind.SERVICE, RangeKind.POD, RangeKind.NODE])
def test_a_list_that_was_not_read_is_not_empty(kind: RangeKind) -> None:
    found = merged(claim(kind, "10.0.0.0/8"), census=Census())
    assert found["10.0.0.0/8", ""].used is None
    assert found["30000-32767", ""].used is None


def test_pods_that_were_not_counted_use_an_unknown_number() -> None:
    found = merged(claim(RangeKind.POD, "10.0.0.0/8"), census=replace(CENSUS, counted=False))
    assert found["10.0.0.0/8", ""].used is None


def test_claims_of_one_range_are_one_row() -> None:
    found = merged(
        claim(RangeKind.POD, "10.244.0.0/16", "a"),
        claim(RangeKind.POD, "10.244.0.0/16", "b"),
        claim(RangeKind.POD, "10.245.0.0/16", "c"),
    )
    assert [c.source for c in found["10.244.0.0/16", ""].claims] == ["a", "b"]
    assert len(found) == 3


def test_node_ports_nobody_states_are_the_default() -> None:
    found = merged()["30000-32767", ""]
    assert (found.used, found.size) == (2, 2768)  # 30080 twice and a health check's; 8080 is not
    assert found.claims[0].source == "default (stated nowhere)"
    assert found.claims[0].confidence is ASSUMED
    ports = RangeClaim(
        kind=RangeKind.NODE_PORT, source="s", object="o", confidence=STATED, ports=(8000, 8100)
    )
    stated = merge_claims([ports], CENSUS)
    assert [(r.text, r.used) for r in stated if r.kind is RangeKind.NODE_PORT] == [("8000-8100", 1)]


def test_pods_nobody_tells_of_are_seen() -> None:
    pods = (
        Pod(namespace="a", name="b", addresses=(ip_address("10.1.0.5"), ip_address("fd00::9"))),
        Pod(namespace="a", name="c", addresses=(ip_address("10.1.0.10"),)),
        Pod(namespace="a", name="d", addresses=(ip_address("10.9.0.1"),), host_network=True),
    )
    ranges = [r for r in merge_claims([], Census(pods=pods)) if r.kind is RangeKind.POD]
    assert [(r.text, r.used) for r in ranges] == [("10.1.0.0/28", 2), ("fd00::9/128", 1)]
    (claim,) = ranges[0].claims
    assert claim.confidence is Confidence.ASSUMED
    assert claim.evidence == "2 addresses from 10.1.0.5 to 10.1.0.10"
    assert not [r for r in merge_claims([], Census(pods=())) if r.kind is RangeKind.POD]


def test_a_default_that_is_stated_elsewhere_is_dropped() -> None:
    default = claim(RangeKind.POD, "10.32.0.0/12", "default", confidence=ASSUMED)
    said = claim(RangeKind.POD, "10.32.0.0/12", "log")
    assert merged(default, said)["10.32.0.0/12", ""].claims == (said,)
    assert merged(default)["10.32.0.0/12", ""].claims == (default,)


def test_a_node_that_draws_from_the_whole_range_has_no_size() -> None:
    found = merged(
        claim(RangeKind.POD, "10.244.0.0/16"), claim(RangeKind.POD, "10.244.0.0/16", node="n1")
    )
    assert found["10.244.0.0/16", "n1"].size is None
    assert found["10.244.0.0/16", "n1"].used == 2


def test_reading_order() -> None:
    claims = [
        claim(RangeKind.NODE, "172.18.0.0/24"),
        claim(RangeKind.POD, "10.244.3.0/24", node="n10"),
        claim(RangeKind.POD, "10.244.2.0/24", node="n2"),
        claim(RangeKind.POD, "fd00::/48"),
        claim(RangeKind.POD, "10.244.0.0/16"),
        claim(RangeKind.SERVICE, "10.96.0.0/16"),
    ]
    assert [range.text for range in merge_claims(claims, CENSUS)] == [
        "10.96.0.0/16",
        "10.244.0.0/16",
        "fd00::/48",
        "10.244.2.0/24",
        "10.244.3.0/24",
        "172.18.0.0/24",
        "30000-32767",
    ]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("10.0.0.0/24", 254),
        ("10.0.0.0/30", 2),
        ("10.0.0.0/31", 2),  # RFC 3021
        ("10.0.0.0/32", 1),
        ("fd00::/120", 255),
        ("fd00::/127", 2),
        ("fd00::/128", 1),
    ],
)
def test_usable(text: str, size: int) -> None:
    assert usable(ip_network(text)) == size
