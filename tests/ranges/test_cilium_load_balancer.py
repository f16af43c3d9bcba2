from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.iprange import Census, Confidence
from kubectl_svcnet.model.service import Pod
from kubectl_svcnet.ranges.cilium_load_balancer import SOURCE

PATH, OLD = (
    f"/apis/cilium.io/{version}/ciliumloadbalancerippools" for version in ("v2", "v2alpha1")
)


def census(**labels: str) -> Census:
    return Census(
        pods=(Pod(namespace="kube-system", name="a", labels=labels or {"k8s-app": "cilium"}),)
    )


def pool(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": spec}


@pytest.mark.parametrize("path", [PATH, OLD])
@pytest.mark.parametrize("field", ["blocks", "cidrs"])
def test_a_pool(ask: Any, serving: Any, path: str, field: str) -> None:
    spans = [{"cidr": "10.0.10.0/24"}, {"start": "10.0.0.2", "stop": "10.0.0.3"}, {"start": "::1"}]
    reading = ask(SOURCE, census(), serving({path: [pool("blue", **{field: spans})]}))
    assert [(claim.text, claim.evidence) for claim in reading.claims] == [
        ("10.0.10.0/24", "10.0.10.0/24"),
        ("10.0.0.2/31", "10.0.0.2-10.0.0.3"),
        ("::1/128", "::1"),
    ]
    assert {claim.source for claim in reading.claims} == {"CiliumLoadBalancerIPPool/blue"}
    assert {claim.confidence for claim in reading.claims} == {Confidence.STATED}


def test_pools_cannot_disagree(ask: Any, serving: Any) -> None:
    pools = [pool(n, blocks=[{"cidr": c}]) for n, c in (("a", "10.0.1.0/24"), ("b", "10.0.2.0/24"))]
    claims = ask(SOURCE, census(), serving({PATH: pools})).claims
    assert len({claim.statement for claim in claims}) == 1
