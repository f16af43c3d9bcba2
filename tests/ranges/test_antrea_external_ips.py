from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.iprange import Census, Confidence
from kubectl_svcnet.model.service import Pod
from kubectl_svcnet.ranges.antrea_external_ips import SOURCE

PATH = "/apis/crd.antrea.io/v1beta1/externalippools"


def census(**labels: str) -> Census:
    return Census(
        pods=(Pod(namespace="kube-system", name="a", labels=labels or {"app": "antrea"}),)
    )


def pool(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": spec}


@pytest.mark.parametrize(
    ("span", "networks"),
    [
        ({"cidr": "10.10.0.0/29"}, ["10.10.0.0/29"]),
        ({"start": "10.10.0.2", "end": "10.10.0.4"}, ["10.10.0.2/31", "10.10.0.4/32"]),
    ],
)
def test_a_pool(ask: Any, serving: Any, span: dict[str, str], networks: list[str]) -> None:
    reading = ask(SOURCE, census(), serving({PATH: [pool("p", ipRanges=[span])]}))
    assert [claim.text for claim in reading.claims] == networks
    assert {claim.source for claim in reading.claims} == {"ExternalIPPool/p"}
    assert {claim.confidence for claim in reading.claims} == {Confidence.STATED}
