from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.model.iprange import Census, Confidence
from kubectl_svcnet.ranges.antrea import SOURCE

CONFIG = "/api/v1/namespaces/kube-system/configmaps/antrea-config-x"
POOLS = "/apis/crd.antrea.io/v1beta1/ippools"


@pytest.fixture
def census(agent: Any) -> Census:
    labels = {"app": "antrea", "component": "antrea-agent"}
    volumes = {"antrea-config": "antrea-config-x"}
    return Census(pods=(agent("antrea-agent", labels=labels, config_maps=volumes),))


def config(text: str) -> dict[str, Any]:
    return {CONFIG: {"metadata": {"name": "x"}, "data": {"antrea-controller.conf": text}}}


def pool(*ranges: Any) -> dict[str, Any]:
    return {POOLS: [{"metadata": {"name": "a"}, "spec": {"ipRanges": list(ranges)}}]}


def test_its_own_allocator(ask: Any, census: Census, serving: Any) -> None:
    text = "nodeIPAM:\n  enableNodeIPAM: true\n  clusterCIDRs: [10.244.0.0/16]\n"
    (claim,) = ask(SOURCE, census, serving(config(text))).claims
    assert (claim.text, claim.evidence) == ("10.244.0.0/16", "nodeIPAM.clusterCIDRs: 10.244.0.0/16")
    assert claim.object == "configmap kube-system/antrea-config-x"


def test_services_of_the_agent_are_assumed(ask: Any, census: Census, serving: Any) -> None:
    text = "serviceCIDR: 10.96.0.0/12\nserviceCIDRv6: fd00::/112\n#serviceCIDR: 10.9.0.0/16\n"
    config = {"metadata": {"name": "antrea-config"}, "data": {"antrea-agent.conf": text}}
    claims = ask(SOURCE, census, serving({CONFIG: config})).claims
    assert [claim.text for claim in claims] == ["10.96.0.0/12", "fd00::/112"]
    assert {claim.confidence for claim in claims} == {Confidence.ASSUMED}


def test_pools_lie_beside_the_clusters_range(ask: Any, census: Census, serving: Any) -> None:
    answer = serving(pool({"cidr": "10.2.0.0/24"}, {"start": "10.3.0.1", "end": "10.3.0.3"}))
    claims = ask(SOURCE, census, answer).claims
    assert [claim.text for claim in claims] == ["10.2.0.0/24", "10.3.0.1/32", "10.3.0.2/31"]
    assert {claim.confidence for claim in claims} == {Confidence.OBSERVED}


@pytest.mark.parametrize(
    "part",
    [{"start": "10.3.0.9", "end": "10.3.0.1"}, {"start": "10.3.0.9", "end": "fd00::1"}, {}, 7],
)
def test_a_bad_stretch_is_a_gap(ask: Any, census: Census, serving: Any, part: Any) -> None:
    (gap,) = ask(SOURCE, census, serving(pool(part))).gaps
    assert gap.next == "kubectl get ippools.crd.antrea.io a -o yaml"


def test_bad_yaml_is_a_gap(ask: Any, census: Census, serving: Any) -> None:
    (gap,) = ask(SOURCE, census, serving(config("a: ["))).gaps
    assert gap.what == "antrea clusterCIDRs"


def test_no_rights(ask: Any, census: Census, refused: Any) -> None:
    gaps = ask(SOURCE, census, refused(Reason.FORBIDDEN)).gaps
    assert [gap.what for gap in gaps] == ["antrea clusterCIDRs", "Antrea IPPool"]
