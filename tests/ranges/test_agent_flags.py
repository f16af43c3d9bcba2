from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.ranges.agent_flags import SOURCE

SERVICES = "--service-cluster-ip-range"


@pytest.mark.parametrize(
    ("container", "labels", "flags", "found"),
    [
        (
            "kube-router",
            {"k8s-app": "kube-router"},
            (f"{SERVICES}=10.96.0.0/12,fd00::/112",),
            [("Service", "", "10.96.0.0/12"), ("Service", "", "fd00::/112")],
        ),
        (
            "kube-router",
            {"k8s-app": "kube-router"},
            ("--loadbalancer-ip-range=192.0.2.0/24", "--loadbalancer-ip-range", "2001:db8::/64"),
            [("LoadBalancer", "", "192.0.2.0/24"), ("LoadBalancer", "", "2001:db8::/64")],
        ),
        ("cni-server", {"app": "kube-ovn-cni"}, (f"{SERVICES}=10.96.0.0/12",), 1),
        ("kube-router", {"k8s-app": "kube-router"}, ("--run-router=true",), []),
    ],
)
def test_flags(
    ask: Any, agent: Any, texts: Any, container: str, labels: Any, flags: Any, found: Any
) -> None:
    pod = agent(container, labels=labels, command=(container, *flags))
    claims = texts(ask(SOURCE, Census(pods=(pod,))))
    assert claims == found or len(claims) == found


def test_pods_that_are_told_the_same_share_a_place(agent: Any) -> None:
    pod = agent("kube-router", command=("kube-router",))
    assert len(SOURCE.recognise(Census(pods=(pod, pod)))) == 1


def test_a_bad_flag_is_a_gap(ask: Any, agent: Any) -> None:
    pod = agent("kube-router", command=("kube-router", f"{SERVICES}=ten"))
    (gap,) = ask(SOURCE, Census(pods=(pod,))).gaps
    assert gap.next == "kubectl get -n kube-system pod kube-router-n1 -o yaml"
