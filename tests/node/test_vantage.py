from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_svcnet.model.finding import Gap
from kubectl_svcnet.model.service import Container, Pod
from kubectl_svcnet.node.vantage import AGENTS, Vantage, choose, label_selectors
from tests.samples import agent, node, proxy

NODE = node()


@pytest.mark.parametrize(("key", "value", "container"), AGENTS)
def test_every_agent(key: str, value: str, container: str) -> None:
    found = choose(NODE, (agent("a", labels={key: value}, container=container),))
    assert isinstance(found, Vantage)
    assert (found.namespace, found.pod, found.container) == ("kube-system", "a", container)
    assert found.proxy == ("kube-proxy" in value)
    assert str(found) == "pod kube-system/a"


def test_the_first_container_where_the_usual_one_is_missing() -> None:
    found = choose(NODE, (agent("a", labels={"k8s-app": "kube-proxy"}, container="main"),))
    assert isinstance(found, Vantage)
    assert found.container == "main"


CILIUM = agent("cilium-1", labels={"k8s-app": "cilium"}, container="cilium-agent")


@pytest.mark.parametrize(
    ("agents", "pod"),
    [
        ((CILIUM, proxy()), "kube-proxy-n1"),
        ((CILIUM, proxy(running=False)), "cilium-1"),
        ((CILIUM, proxy(host_network=False)), "cilium-1"),
        ((CILIUM, replace(proxy(), node="n2")), "cilium-1"),
        ((replace(proxy(), name="kube-proxy-b"), proxy()), "kube-proxy-b"),
    ],
)
def test_the_best_one_that_runs_here(agents: tuple[Pod, ...], pod: str) -> None:
    found = choose(NODE, agents)
    assert isinstance(found, Vantage)
    assert found.pod == pod


@pytest.mark.parametrize(
    ("agents", "why", "next"),
    [
        ((), "no kube-proxy or CNI pod runs there", "--field-selector spec.nodeName=n1"),
        (
            (proxy(running=False, phase="Pending"),),
            "kube-proxy-n1 is not running (phase Pending)",
            "describe pod kube-proxy-n1",
        ),
        ((proxy(running=False, phase=""),), "phase unknown", "describe pod kube-proxy-n1"),
    ],
)
def test_none(agents: tuple[Pod, ...], why: str, next: str) -> None:
    gap = choose(NODE, agents)
    assert isinstance(gap, Gap)
    assert why in gap.why
    assert next in gap.next
    assert (gap.node, gap.blocking) == ("n1", True)


def test_a_pod_whose_container_is_down_beside_one_that_runs() -> None:
    down = Container(name="kube-proxy", running=False)
    pod = replace(proxy(), containers=(down, Container(name="side", running=True)))
    assert isinstance(choose(NODE, (pod,)), Gap)


def test_selectors_ask_for_all_of_them() -> None:
    selectors = label_selectors()
    assert len(selectors) == len({key for key, _, _ in AGENTS})
    for key, value, _ in AGENTS:
        assert any(s.startswith(f"{key} in (") and value in s for s in selectors)


def test_where_a_distribution_embeds_kube_proxy() -> None:
    k3s = node(kubelet="v1.30.4+k3s1")
    gap = choose(k3s, ())
    assert isinstance(gap, Gap)
    assert gap.why.startswith("k3s runs kube-proxy within its own process, and no CNI pod runs")
    calico = agent("c", labels={"k8s-app": "calico-node"}, container="calico-node")
    found = choose(k3s, (calico,))
    assert isinstance(found, Vantage)
    assert not found.proxy
