"""Nodes' parts of the pod range: a case where each finding speaks, and those next to it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from kubectl_svcnet.model.finding import Level
from kubectl_svcnet.model.iprange import NODE_IPAM, Confidence, RangeClaim
from tests.engine.judge.test_ranges import POD, claims, codes, judged, pod

ASSUMED = Confidence.ASSUMED


def test_node_outside_the_clusters_range() -> None:
    (finding,) = judged(
        claims(POD, "flag", "10.244.0.0/16", allocator="ipam"),
        claims(POD, "podCIDRs", "10.244.1.0/24", node="n1", allocator="ipam"),
        claims(POD, "podCIDRs", "10.245.3.0/24", node="n3", allocator="ipam"),
    )
    assert (finding.code, finding.level, finding.node) == ("SVN105", Level.WARNING, "n3")
    assert finding.message == "pod range 10.245.3.0/24 of node n3 is outside the cluster's"
    assert finding.next == "kubectl get node n3 -o yaml"


def test_nodes_outside_are_counted() -> None:
    (finding,) = judged(
        claims(POD, "flag", "10.0.0.0/16", allocator="ipam"),
        *(claims(POD, "c", f"10.1.{i}.0/24", node=f"n{i}", allocator="ipam") for i in range(9)),
    )
    assert finding.message == "9 pod ranges of 9 nodes are outside the cluster's"
    assert finding.node == ""


@pytest.mark.parametrize(
    "told",
    [
        # another allocator's range says nothing of it
        [claims(POD, "w", "10.32.0.0/12", allocator="weave")],
        [claims(POD, "f", "10.32.0.0/12")],
        # nor one of another family, nor a default
        [claims(POD, "f", "fd00::/48", allocator="ipam")],
        [claims(POD, "f", "10.32.0.0/12", allocator="ipam", confidence=ASSUMED)],
        # inside one of two
        [claims(POD, "f", "10.32.0.0/12", "10.244.0.0/16", allocator="ipam")],
    ],
)
def test_no_node_outside(told: list[list[RangeClaim]]) -> None:
    node = claims(POD, "c", "10.244.1.0/24", node="n1", allocator="ipam")
    assert judged(*told, node) == ()


CLUSTER = claims(POD, "flag", "10.244.0.0/16", allocator=NODE_IPAM)
FILE, SPEC = "10.244.9.0/24", "10.244.1.0/24"


def part(
    source: str, *texts: str, node: str = "n1", allocator: str = NODE_IPAM
) -> list[RangeClaim]:
    return claims(POD, source, *texts, node=node, allocator=allocator)


def test_sources_of_a_nodes_part_disagree() -> None:
    (finding,) = judged(CLUSTER, part("file", FILE), part("podCIDRs", SPEC))
    assert (finding.code, finding.level, finding.node) == ("SVN109", Level.WARNING, "n1")
    assert finding.message == (
        "sources of the pod range of node n1 disagree: "
        "10.244.1.0/24 (podCIDRs); 10.244.9.0/24 (file)"
    )
    assert finding.evidence == ("the podCIDRs: says 10.244.1.0/24", "the file: says 10.244.9.0/24")
    assert finding.next == "kubectl svcnet ranges -o wide --node n1"


def test_what_disagrees_and_is_outside_is_told_once() -> None:
    found = judged(CLUSTER, part("file", "10.1.1.0/24"), part("podCIDRs", SPEC))
    assert codes(*found) == ["SVN109"]


def test_nodes_that_disagree_are_counted() -> None:
    told = [
        part(source, f"10.244.{number}.0/24", node=f"n{node}")
        for node in range(9)
        for source, number in (("file", node + 100), ("podCIDRs", node))
    ]
    (finding,) = judged(CLUSTER, *told)
    assert finding.message.startswith("sources of the pod ranges of 9 nodes disagree, first n0: ")
    assert (finding.node, len(finding.evidence)) == ("", 6)


@pytest.mark.parametrize(
    "told",
    [
        [part("file", SPEC), part("podCIDRs", SPEC)],
        # of one family only; a part of what the other says
        [part("file", SPEC), part("podCIDRs", SPEC, "fd00:1::/64")],
        [part("file", SPEC), part("podCIDRs", SPEC, FILE)],
        # other nodes, and other allocators beside each other
        [part("file", FILE, node="n2"), part("podCIDRs", SPEC)],
        [part("file", FILE, allocator="calico"), part("podCIDRs", SPEC)],
        [part("blocks", SPEC, FILE, allocator="calico")],
    ],
)
def test_sources_of_parts_agree(told: list[list[RangeClaim]]) -> None:
    assert judged(claims(POD, "flag", "10.244.0.0/16", "fd00:1::/48"), *told) == ()


PARTS = [CLUSTER, part("podCIDRs", SPEC), part("podCIDRs", "10.244.2.0/24", node="n2")]
AT_HOME = [pod("a", "10.244.1.2"), pod("b", "10.244.2.2", node="n2")]


def test_a_pod_outside_its_nodes_part() -> None:
    (finding,) = judged(*PARTS, pods=[*AT_HOME, pod("x", "10.244.9.9")])
    assert (finding.code, finding.level, finding.node) == ("SVN110", Level.WARNING, "n1")
    assert finding.message == "pod a/x has an address outside the pod range of its node"
    assert finding.evidence == ("pod a/x on n1: 10.244.9.9, not in 10.244.1.0/24",)
    assert finding.next == "kubectl get pods -A -o wide --field-selector spec.nodeName=n1"


def test_pods_outside_their_nodes_parts_are_counted() -> None:
    astray = [pod(f"x{i}", f"10.244.9.{i}", node=f"n{1 + i % 2}") for i in range(7)]
    at_home = [pod(f"y{i}", f"10.244.1.{i}") for i in range(8)]
    (finding,) = judged(*PARTS, pods=[*astray, *at_home])
    assert finding.message == "7 pods have addresses outside the pod ranges of their nodes"
    assert (finding.node, len(finding.evidence)) == ("", 6)


@pytest.mark.parametrize(
    ("told", "address"),
    [
        # in no range: another finding's
        (PARTS, "10.1.1.1"),
        # the node's part, or one that another source says it has
        (PARTS, "10.244.1.9"),
        ([*PARTS, part("podCIDRs", FILE)], "10.244.9.9"),
        # another allocator hands addresses out as well, and may take them from anywhere
        ([*PARTS, claims(POD, "pool", "10.244.9.0/24", allocator="calico")], "10.244.9.9"),
        # of nodes without a part, or of a family without
        ([CLUSTER, part("podCIDRs", "10.244.2.0/24", node="n2")], "10.244.9.9"),
        ([*PARTS, claims(POD, "flag", "fd00::/48", allocator=NODE_IPAM)], "fd00::9"),
    ],
)
def test_no_pod_outside_its_nodes_part(told: list[Sequence[RangeClaim]], address: str) -> None:
    found = judged(*told, pods=[*AT_HOME, pod("x", address)])
    assert "SVN110" not in codes(*found)


def test_where_most_pods_live_elsewhere_parts_mean_nothing() -> None:
    """One bridge as wide as the cluster's range on each node."""
    astray = [pod("x", "10.244.9.9"), pod("y", "10.244.9.10"), pod("z", "10.244.9.11")]
    assert judged(*PARTS, pods=[*AT_HOME, *astray]) == ()
