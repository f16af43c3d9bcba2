"""Two plugins' configurations or notes on a node, and the cases where there is one."""

from __future__ import annotations

import pytest

from kubectl_svcnet.engine.judge.plugins import judge_plugins
from kubectl_svcnet.model.finding import Level
from kubectl_svcnet.model.iprange import Census, CNIFiles
from kubectl_svcnet.model.service import Node, Pod

CILIUM = Pod(namespace="kube-system", name="cilium-x", labels={"k8s-app": "cilium"})
CANAL = Pod(namespace="kube-system", name="canal-x", labels={"k8s-app": "canal"})
TWO = ("05-cilium.conflist", "10-flannel.conflist")
FLANNEL = {"flannel.alpha.coreos.com/backend-type": "vxlan", "other": ""}


def files(node: str, *names: str) -> CNIFiles:
    return CNIFiles(node=node, names=names, object="d in pod p", next=f"look at {node}")


def test_two_configurations() -> None:
    (finding,) = judge_plugins([files("n1", TWO[0]), files("n2", *TWO)], Census())
    assert (finding.code, finding.level, finding.node) == ("SVN111", Level.WARNING, "n2")
    assert finding.message == (
        "node n2 has 2 CNI configurations, 05-cilium.conflist, 10-flannel.conflist: "
        "the first by name counts"
    )
    assert finding.evidence == ("n2: 05-cilium.conflist, 10-flannel.conflist (d in pod p)",)
    assert finding.next == "look at n2"


def test_nodes_that_are_alike_are_one_finding() -> None:
    found = list(judge_plugins([files("n1", *TWO), files("n2", *TWO)], Census()))
    assert [(f.node, f.message[:11]) for f in found] == [("", "2 nodes hav")]


@pytest.mark.parametrize("names", [(), TWO[:1]])
def test_one_configuration_or_none(names: tuple[str, ...]) -> None:
    assert not list(judge_plugins([files("n1", *names)], Census()))


def test_annotations_of_a_plugin_that_runs_no_more() -> None:
    nodes = (Node(name="n1", annotations=FLANNEL), Node(name="n2"))
    (finding,) = judge_plugins((), Census(pods=(CILIUM,), nodes=nodes))
    assert (finding.code, finding.level, finding.node) == ("SVN111", Level.INFO, "n1")
    assert finding.message == ("1 node has annotations of flannel, which does not run; Cilium does")
    assert finding.evidence == ("node n1: flannel.alpha.coreos.com/backend-type",)


@pytest.mark.parametrize(
    ("pods", "annotations"),
    [
        ((CANAL,), FLANNEL),
        ((), FLANNEL),  # nobody is known to run: k3s, or somebody we do not know
        (None, FLANNEL),
        ((CILIUM,), {"network.cilium.io/ipv4-pod-cidr": "10.0.0.0/24"}),
        ((CILIUM,), {**FLANNEL, "k3s.io/node-args": "[]"}),
    ],
)
def test_no_leftover(pods: tuple[Pod, ...] | None, annotations: dict[str, str]) -> None:
    nodes = (Node(name="n1", annotations=annotations),)
    assert not list(judge_plugins((), Census(pods=pods, nodes=nodes)))
