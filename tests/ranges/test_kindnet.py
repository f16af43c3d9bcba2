from __future__ import annotations

from typing import Any

from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.ranges.kindnet import SOURCE


def kindnet(agent: Any, value: str) -> Any:
    return agent("kindnet-cni", labels={"app": "kindnet"}, environment={"POD_SUBNET": value})


def test_what_the_pods_are_told(ask: Any, agent: Any) -> None:
    pods = (kindnet(agent, "10.244.0.0/16,fd00::/56"), kindnet(agent, "10.244.0.0/16,fd00::/56"))
    claims = ask(SOURCE, Census(pods=pods)).claims
    assert [(c.text, c.object, c.evidence) for c in claims] == [
        ("10.244.0.0/16", "pod kube-system/kindnet-cni-n1", "POD_SUBNET=10.244.0.0/16,fd00::/56"),
        ("fd00::/56", "pod kube-system/kindnet-cni-n1", "POD_SUBNET=10.244.0.0/16,fd00::/56"),
    ]


def test_pods_that_are_told_different_things(ask: Any, agent: Any) -> None:
    pods = (kindnet(agent, "10.244.0.0/16"), kindnet(agent, "10.245.0.0/16"))
    assert len(ask(SOURCE, Census(pods=pods)).claims) == 2


def test_a_bad_value_is_a_gap(ask: Any, agent: Any) -> None:
    (gap,) = ask(SOURCE, Census(pods=(kindnet(agent, "ten"),))).gaps
    assert gap.next == "kubectl get -n kube-system pod kindnet-cni-n1 -o yaml"


def test_other_pods(agent: Any) -> None:
    other = agent("x", environment={"POD_SUBNET": "10.244.0.0/16"})
    assert SOURCE.recognise(Census(pods=(other, kindnet(agent, "")))) == ()
