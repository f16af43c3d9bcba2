"""Each finding: a case where it speaks, and the cases next to it where it is silent."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from kubectl_svcnet.engine.codes import CODES
from kubectl_svcnet.engine.judge.ranges import judge_ranges
from kubectl_svcnet.engine.usage import given_claims, merge_claims
from kubectl_svcnet.model.finding import Finding, Level
from kubectl_svcnet.model.iprange import CLOUD_NETWORK, Census, Confidence, RangeClaim, RangeKind
from kubectl_svcnet.model.service import Node, Pod, Service, ServiceName

SERVICE, POD, NODE = RangeKind.SERVICE, RangeKind.POD, RangeKind.NODE
LB = RangeKind.LOAD_BALANCER
STATED, ASSUMED, OBSERVED = Confidence.STATED, Confidence.ASSUMED, Confidence.OBSERVED


def claims(
    kind: RangeKind,
    source: str,
    *texts: str,
    node: str = "",
    confidence: Confidence = STATED,
    allocator: str = "",
) -> list[RangeClaim]:
    return [
        RangeClaim(
            kind=kind,
            source=source,
            object=f"the {source}",
            confidence=confidence,
            network=ip_network(text),
            node=node,
            evidence=f"says {text}",
            allocator=allocator,
            statement=source,
        )
        for text in texts
    ]


def pod(name: str, *addresses: str, node: str = "n1", host: bool = False) -> Pod:
    ips = tuple(map(ip_address, addresses))
    return Pod(namespace="a", name=name, node=node, addresses=ips, host_network=host)


def service(name: str, *addresses: str) -> Service:
    ips = tuple(map(ip_address, addresses))
    return Service(name=ServiceName("a", name), type="ClusterIP", cluster_ips=ips)


def judged(
    *told: Sequence[RangeClaim], pods: Sequence[Pod] = (), services: Sequence[Service] = ()
) -> tuple[Finding, ...]:
    census = Census(pods=tuple(pods), services=tuple(services), nodes=())
    flat = [claim for group in told for claim in group]
    return judge_ranges(merge_claims(flat, census), census)


def codes(*found: Finding) -> list[str]:
    return [finding.code for finding in found]


def test_sources_disagree() -> None:
    (finding,) = judged(
        claims(SERVICE, "flag", "10.96.0.0/16"), claims(SERVICE, "kubeadm", "10.96.0.0/12")
    )
    assert (finding.code, finding.level) == ("SVN101", Level.WARNING)
    assert finding.message == (
        "sources of the Service range disagree: 10.96.0.0/12 (kubeadm); 10.96.0.0/16 (flag)"
    )
    assert finding.evidence == ("the kubeadm: says 10.96.0.0/12", "the flag: says 10.96.0.0/16")
    assert finding.next == "kubectl svcnet ranges -o wide"


def test_node_port_flags_disagree() -> None:
    told = [
        RangeClaim(
            kind=RangeKind.NODE_PORT,
            source="flag",
            object=f"pod {name}",
            confidence=STATED,
            ports=ports,
            statement=name,
        )
        for name, ports in (("a", (30000, 32767)), ("b", (30000, 31000)))
    ]
    assert codes(*judged(told)) == ["SVN101"]


@pytest.mark.parametrize(
    "told",
    [
        # the same
        [claims(POD, "a", "10.244.0.0/16"), claims(POD, "b", "10.244.0.0/16")],
        # a ServiceCIDR was added to what the flag says
        [
            claims(SERVICE, "api", "10.96.0.0/16", "10.97.0.0/16"),
            claims(SERVICE, "f", "10.96.0.0/16"),
        ],
        # one of both families says nothing against one of one family
        [claims(POD, "a", "10.244.0.0/16", "fd00::/48"), claims(POD, "b", "10.244.0.0/16")],
        # a default, and what a node shows, state nothing
        [claims(POD, "a", "10.244.0.0/16"), claims(POD, "b", "10.32.0.0/12", confidence=ASSUMED)],
        [claims(POD, "a", "10.244.0.0/16"), claims(POD, "b", "10.244.1.0/24", node="n1")],
        # kinds are not compared
        [claims(POD, "a", "10.244.0.0/16"), claims(SERVICE, "b", "10.96.0.0/16")],
        [],
    ],
)
def test_sources_agree(told: list[list[RangeClaim]]) -> None:
    assert judged(*told) == ()


def test_pods_outside() -> None:
    (finding,) = judged(
        claims(POD, "a", "10.244.0.0/16"),
        pods=[pod("in", "10.244.1.2"), pod("x", "10.0.1.7"), pod("y", "10.0.1.8", node="n2")],
    )
    assert (finding.code, finding.level, finding.node) == ("SVN102", Level.WARNING, "")
    assert finding.message == "2 pods have addresses outside every known pod range"
    assert finding.evidence == ("pod a/x on n1: 10.0.1.7", "pod a/y on n2: 10.0.1.8")


def test_one_pod_outside_names_its_node() -> None:
    (finding,) = judged(claims(POD, "a", "10.244.0.0/16"), pods=[pod("x", "10.0.1.7")])
    assert (finding.node, finding.message.partition(" outside")[0]) == (
        "n1",
        "pod a/x has an address",
    )


def test_many_pods_outside_are_counted() -> None:
    pods = [pod(f"p{i}", f"10.0.1.{i}") for i in range(1, 21)]
    (finding,) = judged(claims(POD, "a", "10.244.0.0/16"), pods=pods)
    assert len(finding.evidence) == 6
    assert finding.evidence[-1] == "and 15 more"


@pytest.mark.parametrize(
    ("told", "pods"),
    [
        ([], [pod("x", "10.0.1.7")]),  # no range is known, so none is missed
        (claims(POD, "a", "fd00::/48"), [pod("x", "10.0.1.7")]),  # none of its family
        (claims(POD, "a", "10.244.0.0/16"), [pod("x", "172.18.0.2", host=True)]),
        (claims(POD, "a", "10.0.1.0/24", node="n2"), [pod("x", "10.0.1.7")]),
        (claims(POD, "a", "10.0.0.0/8", confidence=ASSUMED), [pod("x", "10.0.1.7")]),
    ],
)
def test_no_pod_outside(told: list[RangeClaim], pods: list[Pod]) -> None:
    assert judged(told, pods=pods) == ()


def test_service_outside() -> None:
    (finding,) = judged(
        claims(SERVICE, "a", "10.96.0.0/16"),
        services=[service("ok", "10.96.0.1"), service("old", "10.10.0.9")],
    )
    assert (finding.code, finding.level, finding.service) == ("SVN103", Level.WARNING, "a/old")
    assert finding.evidence == ("Service a/old: 10.10.0.9",)


def test_no_service_outside() -> None:
    headless = service("headless")
    assert judged(claims(SERVICE, "a", "10.96.0.0/16"), services=[headless]) == ()
    assert judged(services=[service("x", "10.10.0.9")]) == ()


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        (
            claims(SERVICE, "a", "10.96.0.0/12"),
            claims(POD, "b", "10.100.0.0/16"),
            "Service range 10.96.0.0/12 overlaps Pod range 10.100.0.0/16",
        ),
        (
            claims(SERVICE, "a", "172.18.0.0/25"),
            claims(NODE, "b", "172.18.0.0/24", confidence=OBSERVED),
            "Service range 172.18.0.0/25 overlaps Node range 172.18.0.0/24",
        ),
        (
            claims(POD, "a", "10.0.0.0/8"),
            claims(NODE, "b", "10.0.5.0/24", confidence=OBSERVED),
            "Pod range 10.0.0.0/8 overlaps Node range 10.0.5.0/24",
        ),
        (
            claims(LB, "a", "10.96.8.0/24"),
            claims(SERVICE, "b", "10.96.0.0/16"),
            "LoadBalancer range 10.96.8.0/24 overlaps Service range 10.96.0.0/16",
        ),
        (
            claims(RangeKind.TUNNEL, "a", "100.64.0.0/16"),
            claims(POD, "b", "100.64.0.0/10"),
            "Tunnel range 100.64.0.0/16 overlaps Pod range 100.64.0.0/10",
        ),
        (
            claims(RangeKind.TUNNEL, "a", "100.64.0.0/16"),
            claims(NODE, "b", "100.64.9.0/24"),
            "Tunnel range 100.64.0.0/16 overlaps Node range 100.64.9.0/24",
        ),
        (
            claims(RangeKind.TUNNEL, "a", "fd98::/64"),
            claims(LB, "b", "fd98::/112"),
            "Tunnel range fd98::/64 overlaps LoadBalancer range fd98::/112",
        ),
        *(
            (
                given_claims([ip_network("10.0.0.0/8")]),
                claims(kind, "b", "10.9.0.0/16"),
                f"Given range 10.0.0.0/8 overlaps {kind.value} range 10.9.0.0/16",
            )
            for kind in (SERVICE, NODE, LB, RangeKind.TUNNEL)
        ),
        (
            given_claims([ip_network("10.0.0.0/8")]),
            claims(POD, "b", "10.244.0.0/16"),
            "Given range 10.0.0.0/8 overlaps Pod range 10.244.0.0/16",
        ),
    ],
)
def test_overlap(one: Sequence[RangeClaim], other: Sequence[RangeClaim], message: str) -> None:
    (finding,) = judged(one, other)
    assert (finding.code, finding.level, finding.message) == ("SVN104", Level.ERROR, message)
    assert len(finding.evidence) == 2


def test_only_the_widest_overlap_is_told() -> None:
    found = judged(
        claims(SERVICE, "a", "10.244.0.0/15"),
        claims(POD, "b", "10.244.0.0/16"),
        claims(POD, "c", "10.244.1.0/24", node="n1"),
        claims(POD, "c", "10.244.2.0/24", node="n2"),
    )
    assert codes(*found) == ["SVN104"]


def test_the_pieces_of_a_pool_are_told_at_once() -> None:
    pool = claims(LB, "a", "10.96.200.1/32", "10.96.200.2/31", "10.96.200.4/30")
    (finding,) = judged(pool, claims(SERVICE, "b", "10.96.0.0/16"))
    assert finding.message == (
        "LoadBalancer ranges 10.96.200.1/32, 10.96.200.2/31, 10.96.200.4/30 overlap "
        "Service range 10.96.0.0/16"
    )


def idle(*told: RangeClaim) -> list[RangeClaim]:
    return [replace(claim, closed=True) for claim in told]


def test_a_pool_that_is_given_out_inside_one_that_is_not() -> None:
    found = judged(
        idle(*claims(POD, "pools", "10.0.0.0/8")),
        claims(POD, "pools", "10.96.128.0/17", "10.200.0.0/16"),
        claims(POD, "blocks", "10.96.0.0/26", node="n1"),  # of the pool that is not
        claims(SERVICE, "a", "10.96.0.0/16"),
    )
    assert [(finding.level, finding.message) for finding in found] == [
        (
            Level.INFO,
            "Service range 10.96.0.0/16 overlaps Pod range 10.0.0.0/8, which is not given out",
        ),
        (Level.ERROR, "Service range 10.96.0.0/16 overlaps Pod range 10.96.128.0/17"),
    ]


def test_a_pool_that_is_not_given_out_inside_one_that_is() -> None:
    found = judged(
        claims(POD, "pools", "10.0.0.0/8"),
        idle(*claims(POD, "pools", "10.96.128.0/17")),
        claims(SERVICE, "a", "10.96.0.0/16"),
    )
    assert [finding.level for finding in found] == [Level.ERROR]


def test_a_range_that_one_of_two_objects_holds_open() -> None:
    pod, one = claims(POD, "a", "10.96.0.0/12"), claims(SERVICE, "ServiceCIDR", "10.96.0.0/16")
    (finding,) = judged(pod, idle(*one), one)
    assert finding.level is Level.ERROR
    (finding,) = judged(pod, idle(*one), claims(SERVICE, "kubeadm", "10.96.0.0/16"))
    assert finding.level is Level.INFO


def test_a_clouds_network_is_the_nodes_too() -> None:
    found = judged(
        claims(POD, "a", "10.0.0.0/16", confidence=OBSERVED, allocator=CLOUD_NETWORK),
        claims(NODE, "b", "10.0.5.0/24", confidence=OBSERVED),
    )
    assert [(finding.code, finding.level) for finding in found] == [("SVN104", Level.INFO)]


def test_many_overlaps_are_counted() -> None:
    found = judged(
        given_claims([ip_network("10.0.0.0/8")]),
        *(claims(POD, "c", f"10.1.{i}.0/24", node=f"n{i}") for i in range(9)),
    )
    assert [finding.message for finding in found] == ["Given ranges overlap Pod ranges in 9 places"]
    assert found[0].evidence[0] == "10.0.0.0/8 overlaps 10.1.0.0/24"


def test_pods_in_the_nodes_own_network_are_a_design() -> None:
    found = judged(
        claims(POD, "a", "10.0.0.0/16"),
        claims(NODE, "b", "10.0.5.0/24", confidence=OBSERVED),
        pods=[pod("x", "10.0.5.77")],
    )
    assert [(finding.code, finding.level) for finding in found] == [("SVN104", Level.INFO)]


@pytest.mark.parametrize(
    "told",
    [
        [claims(SERVICE, "a", "10.96.0.0/16"), claims(POD, "b", "10.97.0.0/16")],
        [claims(NODE, "a", "10.96.0.0/16"), claims(POD, "b", "fd00::/16")],
        # load balancers' addresses lie among the nodes', tunnels' among the pods'
        [claims(LB, "a", "172.18.0.128/25"), claims(NODE, "b", "172.18.0.0/24")],
        [claims(RangeKind.TUNNEL, "a", "10.244.1.0/32"), claims(POD, "b", "10.244.0.0/16")],
        [given_claims([ip_network("192.168.0.0/16")]), claims(POD, "b", "10.244.0.0/16")],
        [
            claims(SERVICE, "a", "10.32.0.0/16"),
            claims(POD, "b", "10.32.0.0/12", confidence=ASSUMED),
        ],
        [claims(POD, "a", "10.244.0.0/16"), claims(POD, "b", "10.244.1.0/24", node="n1")],
    ],
)
def test_no_overlap(told: list[Sequence[RangeClaim]]) -> None:
    assert judged(*told) == ()


DUAL = (claims(SERVICE, "a", "10.96.0.0/16", "fd00:96::/112"), claims(POD, "b", "10.1.0.0/16"))


def test_families_differ() -> None:
    (finding,) = judged(*DUAL)
    assert (finding.code, finding.level) == ("SVN108", Level.INFO)
    assert finding.message == "Pod ranges are of IPv4, Service ranges of IPv4 and IPv6"


def test_a_node_without_the_second_family() -> None:
    nodes = [
        Node(name=name, pod_cidrs=tuple(map(ip_network, cidrs)))
        for name, cidrs in (
            ("n1", ("10.1.1.0/24", "fd00:1:1::/64")),
            ("n2", ("10.1.2.0/24",)),
            ("n3", ("10.1.3.0/24",)),
            ("n4", ()),
        )
    ]
    told = merge_claims([*DUAL[0], *DUAL[1], *claims(POD, "b", "fd00:1::/48")], Census())
    (finding,) = judge_ranges(told, Census(nodes=tuple(nodes)))
    assert finding.message == (
        "podCIDRs of node n2 are of IPv4, Service ranges of IPv4 and IPv6, and 1 more lack one"
    )
    assert finding.evidence[:2] == ("podCIDRs of node n2: IPv4", "podCIDRs of node n3: IPv4")


@pytest.mark.parametrize(
    "told",
    [
        [claims(SERVICE, "a", "10.96.0.0/16"), claims(POD, "b", "10.1.0.0/16")],
        [claims(SERVICE, "a", "fd00:96::/112"), claims(POD, "b", "fd00:1::/48")],
        [*DUAL, claims(POD, "b", "fd00:1::/48")],
        [DUAL[0]],  # of pods nothing is known
        [DUAL[0], claims(POD, "b", "10.1.0.0/16", confidence=ASSUMED)],
    ],
)
def test_families_agree(told: list[list[RangeClaim]]) -> None:
    assert judged(*told) == ()


def cluster_cidr(text: str, *, local: bool = True) -> list[RangeClaim]:
    return [replace(claim, local=local) for claim in claims(POD, "clusterCIDR", text)]


STRANGER = [pod("in", "10.1.0.2"), pod("out", "10.2.0.2")]


def test_pods_that_kube_proxy_holds_for_strangers() -> None:
    found = judged(cluster_cidr("10.1.0.0/16"), claims(POD, "cni", "10.0.0.0/8"), pods=STRANGER)
    (finding,) = [finding for finding in found if finding.code == "SVN501"]
    assert (finding.level, finding.node) == (Level.WARNING, "n1")
    assert finding.message == "pod a/out has an address that clusterCIDR 10.1.0.0/16 does not cover"
    assert finding.evidence == ("the clusterCIDR: says 10.1.0.0/16", "pod a/out on n1: 10.2.0.2")


@pytest.mark.parametrize(
    ("told", "pods"),
    [
        (cluster_cidr("10.1.0.0/16", local=False), STRANGER),  # another detectLocalMode
        (cluster_cidr("10.0.0.0/8"), STRANGER),
        (cluster_cidr("fd00::/16"), STRANGER),  # of IPv4 nothing is stated, nothing masqueraded
        (cluster_cidr("10.1.0.0/16"), [pod("host", "172.18.0.2", host=True)]),
    ],
)
def test_no_strangers(told: list[RangeClaim], pods: list[Pod]) -> None:
    assert "SVN501" not in codes(*judged(told, claims(POD, "cni", "10.0.0.0/8"), pods=pods))


#: In test_capacity and test_parts.
ELSEWHERE = ("SVN106", "SVN107", "SVN109", "SVN110", "SVN111")


def test_every_code_is_in_the_catalogue_with_a_next_command() -> None:
    found = judged(
        claims(SERVICE, "a", "10.96.0.0/16"),
        claims(SERVICE, "b", "10.97.0.0/16"),
        claims(POD, "c", "10.96.0.0/12", allocator="ipam"),
        claims(POD, "d", "10.200.1.0/24", node="n1", allocator="ipam"),
        claims(POD, "e", "fd00::/64"),
        pods=[pod("x", "192.168.0.1")],
        services=[service("s", "192.168.0.2")],
    )
    assert set(codes(*found)) == {
        code for code in CODES if code.startswith("SVN1") and code not in ELSEWHERE
    }
    assert all(finding.next.startswith("kubectl ") and finding.evidence for finding in found)


def test_a_large_cluster_is_judged_in_seconds() -> None:
    told = [
        claims(POD, "flag", "10.0.0.0/8", allocator="ipam"),
        claims(SERVICE, "a", "172.20.0.0/16"),
    ]
    told += [
        claims(POD, "c", f"10.{i >> 8}.{i & 255}.0/24", node=f"n{i}", allocator="ipam")
        for i in range(5000)
    ]
    pods = [pod(f"p{i}", f"10.{i >> 8 & 15}.{i & 255}.7", node=f"n{i}") for i in range(10000)]
    services = [service(f"s{i}", f"172.20.{i >> 8}.{i & 255}") for i in range(1, 10000)]
    start = time.process_time()
    assert judged(*told, pods=pods, services=services) == ()
    assert time.process_time() - start < 2


@pytest.mark.parametrize(("holders", "level"), [((), Level.INFO), (("10.96.9.9",), Level.ERROR)])
def test_a_pool_that_is_not_given_out(holders: Sequence[str], level: Level) -> None:
    """By a disabled one Calico knows networks to which it masquerades nothing."""
    pool = [replace(c, closed=True) for c in claims(POD, "pool", "10.96.0.0/20")]
    found = judged(
        claims(SERVICE, "flag", "10.96.0.0/16"),
        pool,
        pods=[pod(f"p{number}", address) for number, address in enumerate(holders)],
    )
    (overlap,) = [finding for finding in found if finding.code == "SVN104"]
    assert overlap.level is level
    assert overlap.message.endswith(", which is not given out") is (level is Level.INFO)
