from __future__ import annotations

import pytest

from kubectl_svcnet.model.kube_proxy import LABELS, is_proxy, proxy_container
from kubectl_svcnet.model.service import Container
from tests.samples import agent, pod


@pytest.mark.parametrize("label", LABELS)
def test_labels(label: tuple[str, str]) -> None:
    assert is_proxy(agent("any-name", labels=dict([label])))


@pytest.mark.parametrize(
    ("name", "labels", "found"),
    [
        ("kube-proxy-gke-node-1", {}, True),  # a static pod
        ("kube-proxy", {}, False),
        ("web", {"k8s-app": "kube-dns"}, False),
        ("web", {"app": "kube-proxy-exporter"}, False),
    ],
)
def test_names(name: str, labels: dict[str, str], found: bool) -> None:
    assert is_proxy(agent(name, labels=labels)) is found


def test_its_container() -> None:
    side, main = Container(name="exporter"), Container(name="kube-proxy")
    assert proxy_container(pod("p", containers=(side, main))) == main
    assert proxy_container(pod("p", containers=(side,))) == side
    assert proxy_container(pod("p")) is None
