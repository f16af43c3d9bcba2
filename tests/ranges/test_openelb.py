from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.iprange import Census, Confidence
from kubectl_svcnet.model.service import Pod
from kubectl_svcnet.ranges.openelb import SOURCE

PATH = "/apis/network.kubesphere.io/v1alpha2/eips"


def census(**labels: str) -> Census:
    return Census(
        pods=(
            Pod(namespace="openelb-system", name="a", labels=labels or {"app": "openelb-manager"}),
        )
    )


def pool(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": spec}


@pytest.mark.parametrize(
    ("address", "networks"),
    [
        ("172.22.0.8-172.22.0.11", ["172.22.0.8/30"]),
        ("172.22.0.0/24", ["172.22.0.0/24"]),
        ("172.22.0.9", ["172.22.0.9/32"]),
    ],
)
def test_an_eip(ask: Any, serving: Any, address: str, networks: list[str]) -> None:
    reading = ask(SOURCE, census(), serving({PATH: [pool("eip", address=address)]}))
    assert [claim.text for claim in reading.claims] == networks
    (claim,) = reading.claims
    assert (claim.kind.value, claim.source, claim.object) == (
        "LoadBalancer",
        "Eip/eip",
        "eips.network.kubesphere.io eip",
    )
    assert (claim.evidence, claim.confidence) == (address, Confidence.STATED)


def test_a_disabled_one_says_so(ask: Any, serving: Any) -> None:
    objects = {PATH: [pool("eip", address="172.22.0.9", disable=True)]}
    (claim,) = ask(SOURCE, census(), serving(objects)).claims
    assert claim.evidence == "172.22.0.9 (disabled: no new addresses)"


def test_what_is_no_address_is_a_gap(ask: Any, serving: Any) -> None:
    (gap,) = ask(SOURCE, census(), serving({PATH: [pool("eip", address="ten")]})).gaps
    assert gap.next == "kubectl get eips.network.kubesphere.io eip -o yaml"
