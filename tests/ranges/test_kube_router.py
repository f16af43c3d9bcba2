from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.model.service import Node
from kubectl_svcnet.ranges.kube_router import SOURCE

ONE, MANY = "kube-router.io/pod-cidr", "kube-router.io/pod-cidrs"


@pytest.mark.parametrize(
    ("annotations", "found"),
    [
        ({ONE: "10.244.0.0/24"}, [("Pod", "n1", "10.244.0.0/24")]),
        (
            {ONE: "10.9.9.0/24", MANY: "10.244.0.0/24,fd00::/64"},
            [("Pod", "n1", "10.244.0.0/24"), ("Pod", "n1", "fd00::/64")],
        ),
        ({"other": "10.9.9.0/24"}, []),
    ],
)
def test_which_annotation_counts(
    ask: Any, agent: Any, texts: Any, annotations: dict[str, str], found: list[Any]
) -> None:
    node = Node(name="n1", annotations=annotations)
    assert texts(ask(SOURCE, Census(pods=(agent("kube-router"),), nodes=(node,)))) == found


def test_a_bad_annotation_is_a_gap(ask: Any, agent: Any) -> None:
    node = Node(name="n1", annotations={ONE: "ten"})
    (gap,) = ask(SOURCE, Census(pods=(agent("kube-router"),), nodes=(node,))).gaps
    assert (gap.node, gap.next) == ("n1", "kubectl get node n1 -o yaml")


def test_annotations_of_a_kube_router_that_is_gone(agent: Any) -> None:
    node = Node(name="n1", annotations={ONE: "10.244.0.0/24"})
    assert SOURCE.recognise(Census(pods=(agent("flannel"),), nodes=(node,))) == ()
