"""What is full, what nearly so, and the cases next to it where there is room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from kubectl_svcnet.engine.allocators import with_room
from kubectl_svcnet.engine.judge.capacity import address_band, judge_capacity, port_band
from kubectl_svcnet.engine.usage import merge_claims
from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.model.finding import Finding, Level
from kubectl_svcnet.model.iprange import (
    CALICO,
    CILIUM,
    NODE_IPAM,
    OPENSHIFT_SDN,
    OVN_KUBERNETES,
    Census,
    Confidence,
    RangeClaim,
    RangeKind,
)
from kubectl_svcnet.model.service import Pod, Service, ServiceName, ServicePort

SERVICE, POD, NODE_PORT = RangeKind.SERVICE, RangeKind.POD, RangeKind.NODE_PORT


def claim(
    kind: RangeKind,
    text: str = "",
    *,
    node: str = "",
    allocator: str = "",
    ports: tuple[int, int] | None = None,
    confidence: Confidence = Confidence.STATED,
) -> RangeClaim:
    return RangeClaim(
        kind=kind,
        source="flag",
        object="the flag",
        confidence=confidence,
        network=ip_network(text) if text else None,
        ports=ports,
        node=node,
        allocator=allocator,
    )


def part(text: str, node: str) -> RangeClaim:
    return claim(POD, text, node=node, allocator=NODE_IPAM)


def services(network: str, offsets: Iterable[int], first_port: int = 0) -> tuple[Service, ...]:
    return tuple(
        Service(
            name=ServiceName("a", f"s{i}"),
            type="NodePort",
            cluster_ips=(ip_network(network)[i],),
            ports=(
                ServicePort(
                    name="",
                    protocol=Protocol.TCP,
                    port=80,
                    node_port=first_port + i if first_port else 0,
                ),
            ),
        )
        for i in offsets
    )


def pods(network: str, offsets: Iterable[int], node: str = "n1") -> tuple[Pod, ...]:
    return tuple(
        Pod(namespace="a", name=f"p{i}", node=node, addresses=(ip_network(network)[i],))
        for i in offsets
    )


def judged(
    told: Sequence[RangeClaim],
    *,
    services: tuple[Service, ...] | None = (),
    pods: tuple[Pod, ...] | None = (),
) -> list[Finding]:
    census = Census(services=services, pods=pods, nodes=())
    return list(judge_capacity(with_room(merge_claims(told, census), census), census))


def said(found: Sequence[Finding]) -> list[tuple[str, Level, str]]:
    return [(finding.code, finding.level, finding.message) for finding in found]


S28, S24 = "10.96.0.0/28", "10.96.0.0/24"


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (12, []),
        (13, [("SVN106", Level.WARNING, "13 of 14")]),
        (14, [("SVN107", Level.ERROR, "14 of 14")]),
    ],
)
def test_services(count: int, expected: list[tuple[str, Level, str]]) -> None:
    found = judged([claim(SERVICE, S28)], services=services(S28, range(1, count + 1)))
    assert said(found) == [
        (code, level, f"{numbers} addresses of the Service range {S28} are in use")
        for code, level, numbers in expected
    ]


def test_the_static_band_is_told() -> None:
    (finding,) = judged([claim(SERVICE, S24)], services=services(S24, [1, 2, *range(17, 255)]))
    assert finding.code == "SVN106"
    assert finding.evidence == (
        "10.96.0.0/24: 240 of 254 in use",
        "static band 10.96.0.1-10.96.0.16: 2 of 16 in use",
    )
    assert finding.next == "kubectl get servicecidrs"


def test_a_full_range_beside_an_empty_one_refuses_nothing() -> None:
    told = [claim(SERVICE, S28), claim(SERVICE, "10.97.0.0/28")]
    assert judged(told, services=services(S28, range(1, 15))) == []
    told[1] = claim(SERVICE, "fd00::/112")  # of another family
    assert [f.code for f in judged(told, services=services(S28, range(1, 15)))] == ["SVN107"]


def test_a_full_range_beside_one_that_gives_nothing_more() -> None:
    closed = replace(claim(SERVICE, "10.97.0.0/16"), closed=True)
    held = services("10.96.0.0/27", range(1, 31))
    ((code, _, message),) = said(judged([claim(SERVICE, "10.96.0.0/27"), closed], services=held))
    assert code == "SVN107"
    assert "10.97.0.0" not in message


def test_what_was_not_counted_is_not_judged() -> None:
    assert judged([claim(SERVICE, S28), part("10.1.1.0/28", "n1")], services=None, pods=None) == []


def test_node_ports() -> None:
    told = [claim(NODE_PORT, ports=(30000, 30019))]
    full = judged(told, services=services(S24, range(20), first_port=30000))
    assert said(full) == [
        ("SVN107", Level.ERROR, "20 of 20 node ports of the NodePort range 30000-30019 are in use")
    ]
    assert full[0].evidence[1] == "static band 30000-30015: 16 of 16 in use"
    assert judged(told, services=services(S24, range(1, 10), first_port=30000)) == []


N28 = "10.1.1.0/28"


@pytest.mark.parametrize(
    ("used", "code"),
    [(range(2, 14), None), (range(2, 15), "SVN107")],  # 12 and 13 of 14, and a gateway
)
def test_pods_of_a_node(used: range, code: str | None) -> None:
    found = judged([part(N28, "n1")], pods=pods(N28, used))
    assert [f.code for f in found] == ([code] if code else [])
    if found:
        assert found[0].message == "pods use 13 of 14 addresses of 10.1.1.0/28"
        assert found[0].node == "n1"
        assert found[0].next.endswith("spec.nodeName=n1")


@pytest.mark.parametrize(("used", "codes"), [(range(2, 6), []), (range(2, 7), ["SVN107"])])
def test_a_node_so_small_that_its_gateway_is_more_than_a_tenth(
    used: range, codes: list[str]
) -> None:
    told = [part("10.1.1.0/29", "n1")]
    assert [f.code for f in judged(told, pods=pods("10.1.1.0/29", used))] == codes


def test_a_node_that_is_nearly_full() -> None:
    text = "10.1.1.0/24"
    (finding,) = judged([part(text, "n1")], pods=pods(text, range(2, 232)))
    assert (finding.code, finding.message) == (
        "SVN106",
        "pods use 230 of 254 addresses of 10.1.1.0/24",
    )


def test_many_nodes_are_one_finding() -> None:
    told = [part(f"10.1.{i}.0/28", f"n{i}") for i in range(9)]
    held = [p for i in range(9) for p in pods(f"10.1.{i}.0/28", range(2, 15), f"n{i}")]
    (finding,) = judged(told, pods=tuple(held))
    assert finding.message == "pods use nearly all addresses of the pod ranges of 9 nodes"
    assert (finding.node, len(finding.evidence)) == ("", 6)


def test_a_block_of_an_allocator_that_gives_another() -> None:
    told = [claim(POD, N28, node="n1", allocator="calico-ipam")]
    assert judged(told, pods=pods(N28, range(2, 15))) == []


def parts(count: int, length: int = 24) -> list[RangeClaim]:
    cut = ip_network("10.1.0.0/20").subnets(new_prefix=length)
    return [part(str(network), f"n{i}") for i, network in zip(range(count), cut, strict=False)]


WHOLE = claim(POD, "10.1.0.0/20", allocator=NODE_IPAM)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (14, []),
        (15, [("SVN106", Level.WARNING, "the Pod range 10.1.0.0/20 has room for 1 further node")]),
        (16, [("SVN107", Level.WARNING, "the Pod range 10.1.0.0/20 has room for no further node")]),
    ],
)
def test_further_nodes(count: int, expected: list[tuple[str, Level, str]]) -> None:
    found = judged([WHOLE, *parts(count)])
    assert said(found) == expected
    if expected:
        assert found[0].evidence == (f"{count} of 16 parts of /24 are given to nodes",)


@pytest.mark.parametrize(
    "told",
    [
        [WHOLE],  # how long a part is, is not known
        parts(16),  # nor out of what
        [claim(POD, "10.1.0.0/20"), *parts(16)],  # not the allocator's
        [
            claim(POD, "10.1.0.0/20", allocator=NODE_IPAM, confidence=Confidence.ASSUMED),
            *parts(16),
        ],
        [claim(POD, "10.0.0.0/8", allocator=NODE_IPAM), *parts(16)],
        [claim(POD, "fd00::/56", allocator=NODE_IPAM), *parts(16)],
    ],
)
def test_nothing_of_further_nodes(told: list[RangeClaim]) -> None:
    assert judged(told) == []


@pytest.mark.parametrize(
    ("text", "band"),  # the table of KEP-3070
    [
        ("10.96.0.0/29", 0),
        ("10.96.0.0/28", 0),
        ("10.96.0.0/27", 16),
        ("10.96.0.0/24", 16),
        ("10.96.0.0/22", 64),
        ("10.96.0.0/20", 256),
        ("10.96.0.0/12", 256),
        ("fd00::/112", 256),
    ],
)
def test_address_band(text: str, band: int) -> None:
    assert address_band(ip_network(text)) == band


@pytest.mark.parametrize(
    ("size", "band"), [(15, 0), (16, 16), (200, 16), (2768, 86), (4096, 128), (60000, 128)]
)
def test_port_band(size: int, band: int) -> None:
    assert port_band(size) == band


def test_an_address_of_the_band_counts_once() -> None:
    twice = services(S28, [1]) * 13
    assert judged([claim(SERVICE, S28)], services=twice) == []
    assert ip_address("10.96.0.1") in twice[0].cluster_ips


def cut(allocator: str, whole: str, *parts: str) -> list[RangeClaim]:
    """A part for each of n1, n2, ...; a text with a node of its own: `NODE=PART`."""
    told = [claim(POD, whole, allocator=allocator)]
    for number, text in enumerate(parts, 1):
        node, _, network = text.rpartition("=")
        told.append(claim(POD, network, node=node or f"n{number}", allocator=allocator))
    return told


@pytest.mark.parametrize(
    ("allocator", "used", "code"),
    [
        (CILIUM, range(3, 14), None),
        (CILIUM, range(3, 15), "SVN107"),  # 12 of 14, and two for Cilium itself
        (OVN_KUBERNETES, range(3, 15), "SVN107"),
        (OPENSHIFT_SDN, range(2, 14), None),
        (OPENSHIFT_SDN, range(2, 15), "SVN107"),
        ("other", range(1, 15), None),
    ],
)
def test_nodes_of_other_allocators(allocator: str, used: range, code: str | None) -> None:
    found = judged(cut(allocator, "10.1.0.0/16", N28), pods=pods(N28, used))
    assert [finding.code for finding in found] == ([code] if code else [])


def test_a_pool_of_which_nothing_is_given_yet_is_room() -> None:
    full = cut(CALICO, "10.1.0.0/29", "n1=10.1.0.0/30", "n2=10.1.0.4/30")
    assert [finding.code for finding in judged(full)] == ["SVN107"]
    assert judged([*full, claim(POD, "10.9.0.0/29", allocator=CALICO)]) == []


def test_pools_with_parts_of_their_own_length() -> None:
    told = [
        *cut(CALICO, "10.1.0.0/29", "n1=10.1.0.0/30", "n2=10.1.0.4/30"),
        *cut(CALICO, "10.2.0.0/29", "n1=10.2.0.0/29"),
    ]
    (found,) = judged(told)
    assert found.message == "the Pod range 10.1.0.0/29, 10.2.0.0/29 has room for no further block"
    assert found.evidence == ("3 of 3 parts of /30 or /29 are given to nodes",)


def test_calico_gives_another_block_as_long_as_there_is_one() -> None:
    full = pods("10.1.0.0/30", range(4))
    assert judged(cut(CALICO, "10.1.0.0/16", "10.1.0.0/30"), pods=full) == []
    told = cut(CALICO, "10.1.0.0/29", "n1=10.1.0.0/30", "n2=10.1.0.4/30")
    assert said(judged(told, pods=full)) == [
        ("SVN107", Level.ERROR, "pods use 4 of 4 addresses of 10.1.0.0/30"),
        (
            "SVN107",
            Level.WARNING,
            "the Pod range 10.1.0.0/29 has room for no further block",
        ),
    ]
    told = cut(CALICO, "10.1.0.0/29", "n1=10.1.0.0/30", "n1=10.1.0.4/30")
    assert [finding.code for finding in judged(told, pods=full)] == ["SVN107"]  # half is free


def test_how_many_nodes_still_fit_in_a_pool_of_cilium() -> None:
    told = cut(CILIUM, "10.1.0.0/22", *(f"10.1.{n}.0/24" for n in range(4)))
    assert said(judged(told)) == [
        ("SVN107", Level.WARNING, "the Pod range 10.1.0.0/22 has room for no further node")
    ]
    assert judged(told[:-1]) == []  # one of four is left


@pytest.mark.parametrize(
    ("held", "expected"),
    [(4, []), (5, [("SVN107", "5 of 5")])],
)
def test_all_addresses_of_a_pool_count(held: int, expected: list[tuple[str, str]]) -> None:
    pool = [claim(RangeKind.LOAD_BALANCER, text) for text in ("192.0.2.0/30", "192.0.2.4/32")]
    service = Service(
        name=ServiceName("a", "b"),
        type="LoadBalancer",
        load_balancer_ips=tuple(ip_network("192.0.2.0/29")[i] for i in range(held)),
    )
    assert said(judged(pool, services=(service,))) == [
        (
            code,
            Level.WARNING,
            f"{numbers} addresses of the LoadBalancer range 192.0.2.0/30, 192.0.2.4/32 are in use",
        )
        for code, numbers in expected
    ]


def test_addresses_that_were_only_seen_are_no_pool() -> None:
    seen = claim(RangeKind.LOAD_BALANCER, "192.0.2.1/32", confidence=Confidence.OBSERVED)
    service = Service(
        name=ServiceName("a", "b"),
        type="LoadBalancer",
        load_balancer_ips=(ip_address("192.0.2.1"),),
    )
    assert judged([seen], services=(service,)) == []
