from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.ranges.azure import SOURCE

PATH = "/apis/acn.azure.com/v1alpha/nodenetworkconfigs"


@pytest.fixture
def census(agent: Any) -> Census:
    return Census(pods=(agent("azure-cns"),))


def config(**container: Any) -> dict[str, Any]:
    meta = {"name": "n1", "namespace": "kube-system"}
    return {PATH: [{"metadata": meta, "status": {"networkContainers": [container]}}]}


def test_overlay(ask: Any, census: Census, serving: Any, texts: Any) -> None:
    objects = config(primaryIP="10.244.1.0/24", subnetAddressSpace="10.244.0.0/16")
    reading = ask(SOURCE, census, serving(objects))
    assert texts(reading) == [("Pod", "", "10.244.0.0/16"), ("Pod", "n1", "10.244.1.0/24")]
    assert reading.claims[0].object == "nodenetworkconfigs.acn.azure.com kube-system/n1"


def test_one_address_is_no_range(ask: Any, census: Census, serving: Any, texts: Any) -> None:
    objects = config(
        primaryIP="10.1.0.4", subnetAddressSpace="10.1.0.0/20", subnetAddressSpaceV6="fd00::/64"
    )
    assert texts(ask(SOURCE, census, serving(objects))) == [
        ("Pod", "", "10.1.0.0/20"),
        ("Pod", "", "fd00::/64"),
    ]


def test_a_node_that_has_nothing_yet(ask: Any, census: Census, serving: Any) -> None:
    reading = ask(SOURCE, census, serving({PATH: [{"metadata": {"name": "n1"}}]}))
    assert reading.claims == reading.gaps == ()


def test_a_bad_range_is_a_gap(ask: Any, census: Census, serving: Any) -> None:
    (gap,) = ask(SOURCE, census, serving(config(subnetAddressSpace="ten"))).gaps
    assert gap.next == "kubectl get -n kube-system nodenetworkconfigs.acn.azure.com n1 -o yaml"


def test_no_right_is_a_gap(ask: Any, census: Census, refused: Any) -> None:
    (gap,) = ask(SOURCE, census, refused(Reason.FORBIDDEN)).gaps
    assert gap.next == "kubectl auth can-i list nodenetworkconfigs.acn.azure.com -A"


def test_nothing_is_asked_where_no_agent_runs(agent: Any) -> None:
    assert SOURCE.recognise(Census(pods=(agent("azure-npm"),))) == ()
