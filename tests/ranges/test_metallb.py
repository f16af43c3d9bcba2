from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.iprange import Census, Confidence
from kubectl_svcnet.model.service import Pod
from kubectl_svcnet.ranges.metallb import SOURCE

POOLS = "/apis/metallb.io/v1beta1/ipaddresspools"
OLD = "/api/v1/namespaces/metallb-system/configmaps/config"


def census(**labels: str) -> Census:
    return Census(
        pods=(Pod(namespace="metallb-system", name="a", labels=labels or {"app": "metallb"}),)
    )


def pool(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": spec}


OLD_TEXT = """\
address-pools:
- name: default
  protocol: layer2
  addresses:
  - 192.168.1.240-192.168.1.243
"""


@pytest.mark.parametrize("label", ["app", "app.kubernetes.io/name"])
def test_a_pool(ask: Any, serving: Any, label: str) -> None:
    """MetalLB's own example of addresses."""
    addresses = ["192.168.10.0/24", "192.168.9.1-192.168.9.5", "fc00:f853:0ccd:e799::/124"]
    objects = {POOLS: [pool("first-pool", addresses=addresses)]}
    claims = ask(SOURCE, census(**{label: "metallb"}), serving(objects)).claims
    assert [claim.text for claim in claims] == [
        "192.168.10.0/24",
        "192.168.9.1/32",
        "192.168.9.2/31",
        "192.168.9.4/31",
        "fc00:f853:ccd:e799::/124",
    ]
    assert {(c.source, c.confidence) for c in claims} == {
        ("IPAddressPool/first-pool", Confidence.STATED)
    }
    assert claims[1].evidence == "192.168.9.1-192.168.9.5"
    assert claims[1].object == "ipaddresspools.metallb.io first-pool"


def test_by_hand(ask: Any, serving: Any) -> None:
    objects = {POOLS: [pool("p", addresses=["192.0.2.0/28"], autoAssign=False)]}
    (claim,) = ask(SOURCE, census(), serving(objects)).claims
    assert claim.evidence == "192.0.2.0/28 (autoAssign: false)"


def config_map(text: str) -> dict[str, Any]:
    meta = {"namespace": "metallb-system", "name": "config"}
    return {"metadata": meta, "data": {"config": text}}


def test_the_old_config_map(ask: Any, serving: Any) -> None:
    (claim,) = ask(SOURCE, census(), serving({OLD: config_map(OLD_TEXT)})).claims
    assert (claim.text, claim.source) == ("192.168.1.240/30", "metallb pool default")
    assert claim.evidence == "192.168.1.240-192.168.1.243"
    assert claim.object == "configmap metallb-system/config"


def test_it_counts_no_longer_beside_pools(ask: Any, serving: Any) -> None:
    objects = {
        OLD: config_map(OLD_TEXT),
        POOLS: [pool("p", addresses=["192.0.2.0/28"])],
    }
    assert [c.text for c in ask(SOURCE, census(), serving(objects)).claims] == ["192.0.2.0/28"]


def test_a_broken_config_map_is_a_gap(ask: Any, serving: Any) -> None:
    (gap,) = ask(SOURCE, census(), serving({OLD: config_map("a: [")})).gaps
    assert gap.next == "kubectl get -n metallb-system configmap config -o yaml"
