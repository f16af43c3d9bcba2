from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.iprange import Census, Confidence
from kubectl_svcnet.model.service import Pod
from kubectl_svcnet.ranges.calico_services import SOURCE

POOLS, BGP = (
    f"/apis/crd.projectcalico.org/v1/{plural}" for plural in ("ippools", "bgpconfigurations")
)


def census(**labels: str) -> Census:
    return Census(
        pods=(
            Pod(namespace="calico-system", name="a", labels=labels or {"k8s-app": "calico-node"}),
        )
    )


def pool(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": spec}


def test_a_pool_for_load_balancers(ask: Any, serving: Any) -> None:
    pools = [
        pool("pods", cidr="192.168.0.0/16"),
        pool("lb", cidr="203.0.113.0/28", allowedUses=["LoadBalancer"]),
    ]
    (claim,) = ask(SOURCE, census(), serving({POOLS: pools})).claims
    assert (claim.kind.value, claim.text, claim.source) == (
        "LoadBalancer",
        "203.0.113.0/28",
        "IPPool/lb",
    )


def test_what_is_announced(ask: Any, serving: Any) -> None:
    """The Service range only assumed: it may be announced in parts."""
    spec = {
        "serviceLoadBalancerIPs": [{"cidr": "203.0.113.0/24"}],
        "serviceClusterIPs": [{"cidr": "10.96.0.0/17"}],
        "serviceExternalIPs": [{"cidr": "198.51.100.0/24"}],
    }
    claims = ask(SOURCE, census(), serving({BGP: [pool("default", **spec)]})).claims
    assert [(c.kind.value, c.text, c.confidence) for c in claims] == [
        ("LoadBalancer", "203.0.113.0/24", Confidence.STATED),
        ("Service", "10.96.0.0/17", Confidence.ASSUMED),
    ]
    assert claims[0].evidence == "spec.serviceLoadBalancerIPs: 203.0.113.0/24"
    assert claims[0].source == "BGPConfiguration serviceLoadBalancerIPs"


@pytest.mark.parametrize("spec", [{}, {"serviceLoadBalancerIPs": None}])
def test_nothing_announced(ask: Any, serving: Any, spec: dict[str, Any]) -> None:
    reading = ask(SOURCE, census(), serving({BGP: [pool("default", **spec)]}))
    assert reading.claims == reading.gaps == ()
