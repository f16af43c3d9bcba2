from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.ranges.kubeadm import SOURCE

PATH = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"
TEXT = """\
kind: ClusterConfiguration
networking:
  podSubnet: 10.244.0.0/16
  serviceSubnet: 10.96.0.0/12
"""


def config_map(text: str) -> dict[str, Any]:
    meta = {"namespace": "kube-system", "name": "kubeadm-config"}
    return {PATH: {"metadata": meta, "data": {"ClusterConfiguration": text}}}


def test_both_subnets(ask: Any, serving: Any) -> None:
    claims = ask(SOURCE, Census(), serving(config_map(TEXT))).claims
    assert [(c.source, c.text, c.evidence.strip()) for c in claims] == [
        ("kubeadm-config serviceSubnet", "10.96.0.0/12", "serviceSubnet: 10.96.0.0/12"),
        ("kubeadm-config podSubnet", "10.244.0.0/16", "podSubnet: 10.244.0.0/16"),
    ]


def test_no_such_object_is_an_answer(ask: Any, serving: Any) -> None:
    reading = ask(SOURCE, Census(), serving({}))
    assert reading.claims == reading.gaps == ()


@pytest.mark.parametrize("text", ["", "kind: Other"])
def test_nothing_stated(ask: Any, serving: Any, text: str) -> None:
    reading = ask(SOURCE, Census(), serving(config_map(text)))
    assert reading.claims == reading.gaps == ()


def test_broken_yaml_is_a_gap(ask: Any, serving: Any) -> None:
    (gap,) = ask(SOURCE, Census(), serving(config_map("kind: ["))).gaps
    assert gap.next == "kubectl get -n kube-system configmap kubeadm-config -o yaml"


def test_no_right_is_a_gap(ask: Any, refused: Any) -> None:
    (gap,) = ask(SOURCE, Census(), refused(Reason.FORBIDDEN)).gaps
    assert "needs get configmaps/kubeadm-config" in gap.why
    assert gap.next == "kubectl auth can-i get configmaps/kubeadm-config -n kube-system"
