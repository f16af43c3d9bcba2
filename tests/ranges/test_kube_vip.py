from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.iprange import Census, Confidence
from kubectl_svcnet.model.service import Pod
from kubectl_svcnet.ranges.kube_vip import SOURCE

PATH = "/api/v1/namespaces/kube-system/configmaps/kubevip"


def census(**labels: str) -> Census:
    given = labels or {"component": "kube-vip-cloud-provider"}
    return Census(pods=(Pod(namespace="kube-system", name="a", labels=given),))


def config_map(**data: str) -> dict[str, Any]:
    renamed = {key.replace("_", "-"): value for key, value in data.items()}
    return {PATH: {"metadata": {"namespace": "kube-system", "name": "kubevip"}, "data": renamed}}


def test_cidrs_and_ranges(ask: Any, serving: Any) -> None:
    """kube-vip-cloud-provider's own examples."""
    objects = config_map(
        cidr_global="192.168.0.220/29",
        range_web="192.168.1.10-192.168.1.11,192.168.2.10-192.168.2.11",
        search_order="desc",
    )
    claims = ask(SOURCE, census(), serving(objects)).claims
    assert [(c.kind.value, c.source, c.text) for c in claims] == [
        ("LoadBalancer", "kubevip cidr-global", "192.168.0.216/29"),
        ("LoadBalancer", "kubevip range-web", "192.168.1.10/31"),
        ("LoadBalancer", "kubevip range-web", "192.168.2.10/31"),
    ]
    assert {c.confidence for c in claims} == {Confidence.STATED}


@pytest.mark.parametrize("value", ["ten", "192.168.1.20-192.168.1.10"])
def test_what_is_no_range_is_a_gap(ask: Any, serving: Any, value: str) -> None:
    (gap,) = ask(SOURCE, census(), serving(config_map(range_global=value))).gaps
    assert gap.next == "kubectl get -n kube-system configmap kubevip -o yaml"
