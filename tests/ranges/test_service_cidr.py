from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.ranges.service_cidr import SOURCE

V1, BETA = (f"/apis/networking.k8s.io/{version}/servicecidrs" for version in ("v1", "v1beta1"))


def cidr(name: str, *cidrs: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"cidrs": [*cidrs]}}


@pytest.mark.parametrize("path", [V1, BETA])
def test_either_version(ask: Any, serving: Any, path: str) -> None:
    objects = [cidr("kubernetes", "10.96.0.0/16", "fd00::/112"), cidr("extra", "10.97.0.0/16")]
    claims = ask(SOURCE, Census(), serving({path: objects})).claims
    assert [(c.source, c.text) for c in claims] == [
        ("ServiceCIDR/kubernetes", "10.96.0.0/16"),
        ("ServiceCIDR/kubernetes", "fd00::/112"),
        ("ServiceCIDR/extra", "10.97.0.0/16"),
    ]
    assert len({claim.statement for claim in claims}) == 1  # together they are the range


def test_v1_counts_where_both_answer(ask: Any, serving: Any) -> None:
    both = {V1: [cidr("kubernetes", "10.96.0.0/16")], BETA: [cidr("old", "10.9.0.0/16")]}
    (claim,) = ask(SOURCE, Census(), serving(both)).claims
    assert claim.text == "10.96.0.0/16"


def test_an_api_that_is_not_there_is_an_answer(ask: Any, serving: Any) -> None:
    reading = ask(SOURCE, Census(), serving({}))
    assert reading.claims == reading.gaps == ()


def test_no_right_is_one_gap(ask: Any, refused: Any) -> None:
    (gap,) = ask(SOURCE, Census(), refused(Reason.FORBIDDEN)).gaps
    assert gap.next == "kubectl auth can-i list servicecidrs.networking.k8s.io"


def test_a_broken_object_is_a_gap(ask: Any, serving: Any) -> None:
    objects = [cidr("a", "ten"), cidr("kubernetes", "10.96.0.0/16")]
    reading = ask(SOURCE, Census(), serving({V1: objects}))
    assert [claim.text for claim in reading.claims] == ["10.96.0.0/16"]
    (gap,) = reading.gaps
    assert gap.what == "ServiceCIDR"
    assert gap.next == "kubectl get servicecidr a -o yaml"
