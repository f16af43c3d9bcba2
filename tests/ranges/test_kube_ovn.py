from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.ranges.kube_ovn import SOURCE

PATH = "/apis/kubeovn.io/v1/subnets"


@pytest.fixture
def census(agent: Any) -> Census:
    return Census(pods=(agent("cni-server", labels={"app": "kube-ovn-cni"}),))


def subnet(name: str, cidr: Any, **more: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"cidrBlock": cidr, **more}}


def test_pods_and_join(ask: Any, census: Census, serving: Any, texts: Any) -> None:
    subnets = [subnet("ovn-default", "10.16.0.0/16,fd00::/112"), subnet("join", "100.64.0.0/16")]
    assert texts(ask(SOURCE, census, serving({PATH: subnets}))) == [
        ("Pod", "", "10.16.0.0/16"),
        ("Pod", "", "fd00::/112"),
        ("Tunnel", "", "100.64.0.0/16"),
    ]


def test_a_vpc_is_named(ask: Any, census: Census, serving: Any) -> None:
    (claim,) = ask(SOURCE, census, serving({PATH: [subnet("a", "10.9.0.0/24", vpc="v")]})).claims
    assert claim.evidence == "spec.cidrBlock: 10.9.0.0/24 (vpc v)"


def test_a_bad_subnet_is_a_gap(ask: Any, census: Census, serving: Any) -> None:
    (gap,) = ask(SOURCE, census, serving({PATH: [subnet("a", "ten")]})).gaps
    assert gap.next == "kubectl get subnets.kubeovn.io a -o yaml"


def test_no_right_is_a_gap(ask: Any, census: Census, refused: Any) -> None:
    (gap,) = ask(SOURCE, census, refused(Reason.FORBIDDEN)).gaps
    assert gap.next == "kubectl auth can-i list subnets.kubeovn.io -A"


def test_nothing_is_asked_where_no_agent_runs(agent: Any) -> None:
    assert SOURCE.recognise(Census(pods=(agent("flannel"),))) == ()
