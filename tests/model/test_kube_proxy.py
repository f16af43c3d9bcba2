from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubectl_svcnet.model.kube_proxy import (
    LABELS,
    embedded,
    image_version,
    is_proxy,
    minor_version,
    proxy_container,
)
from kubectl_svcnet.model.service import Container
from tests.samples import agent, node, pod, proxy


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


@pytest.mark.parametrize(
    ("values", "who"),
    [
        ({"kubelet": "v1.30.4+k3s1"}, "k3s"),
        ({"kubelet": "v1.30.4+rke2r1"}, ""),  # which runs a static pod
        ({"labels": {"microk8s.io/cluster": "true"}}, "MicroK8s"),
        ({"kubelet": "v1.36.3"}, ""),
    ],
)
def test_where_no_pod_shows_it(values: dict[str, Any], who: str) -> None:
    assert embedded(node(**values)) == who


def test_its_container() -> None:
    side, main = Container(name="exporter"), Container(name="kube-proxy")
    assert proxy_container(pod("p", containers=(side, main))) == main
    assert proxy_container(pod("p", containers=(side,))) == side
    assert proxy_container(pod("p")) is None


@pytest.mark.parametrize(
    ("image", "version", "minor"),
    [
        ("registry.k8s.io/kube-proxy:v1.36.3", "v1.36.3", 36),
        ("localhost:5000/kube-proxy:v1.30.14-eksbuild.2@sha256:abc", "v1.30.14", 30),
        ("kube-proxy:latest", "", None),
        ("kube-proxy@sha256:abc", "", None),
        ("kube-proxy:v2.1.0", "v2.1.0", None),
        ("", "", None),
    ],
)
def test_versions(image: str, version: str, minor: int | None) -> None:
    made = proxy()
    found = replace(made, containers=(replace(made.containers[0], image=image),))
    assert image_version(found) == version
    assert minor_version(version) == minor
