from __future__ import annotations

import pytest

from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.model.capture import ApiRequest, Capture, Failure, Reason
from kubectl_svcnet.model.service import Pod
from kubectl_svcnet.pipeline.at_once import read_others
from kubectl_svcnet.pipeline.collect import Collector
from tests.samples import agent, node, proxy

CILIUM = agent("cilium-x", labels={"k8s-app": "cilium"})
ROUTER = {"k8s-app": "kube-router"}
CALICO = {"k8s-app": "calico-node"}


def cilium_config(value: str | None, failure: Failure | None = None) -> Capture:
    path = "/api/v1/namespaces/kube-system/configmaps/cilium-config"
    data = {} if value is None else {"kube-proxy-replacement": value}
    item = {"metadata": {"name": "cilium-config", "namespace": "kube-system"}, "data": data}
    return Capture(
        request=ApiRequest(path=path, many=False),
        objects=() if failure else (item,),
        failure=failure,
    )


def others(*pods: Pod, config: Capture | None = None) -> tuple[dict[str, tuple[str, ...]], int]:
    source = ReplaySource.of([config] if config else [])
    found, gaps = read_others(Collector(source), [node("n1"), node("n2")], pods)
    return found, len(gaps)


@pytest.mark.parametrize(
    ("pods", "names"),
    [
        ((proxy(), agent("r", labels=ROUTER)), ("kube-router",)),
        ((proxy(), agent("r", labels=ROUTER, command=("--run-service-proxy=false",))), ()),
        ((agent("r", labels=ROUTER),), ()),  # alone
        (
            (proxy(), agent("kube-proxy-x", labels={"app": "kube-proxy"})),
            ("kube-proxy (pod kube-system/kube-proxy-x)",),
        ),
        ((proxy("n2"), agent("r", labels=ROUTER)), ()),  # on another node
        (
            (proxy(), agent("c", labels=CALICO, environment={"FELIX_BPFENABLED": "true"})),
            ("calico-ebpf",),
        ),
        ((proxy(), agent("c", labels=CALICO)), ()),
        ((proxy(), agent("a", labels={"component": "antrea-agent"})), ()),  # by design
    ],
)
def test_by_their_pods(pods: tuple[Pod, ...], names: tuple[str, ...]) -> None:
    assert others(*pods) == ({"n1": names} if names else {}, 0)


@pytest.mark.parametrize(
    ("value", "names"),
    [("true", ("cilium",)), ("strict", ("cilium",)), ("false", ()), ("disabled", ()), (None, ())],
)
def test_cilium_by_its_configuration(value: str | None, names: tuple[str, ...]) -> None:
    found = others(proxy(), CILIUM, config=cilium_config(value))
    assert found == ({"n1": names} if names else {}, 0)


def test_cilium_whose_configuration_cannot_be_read() -> None:
    no = Failure(reason=Reason.FORBIDDEN, message="no")
    assert others(proxy(), CILIUM, config=cilium_config(None, no)) == ({}, 1)
    gone = Failure(reason=Reason.NOT_FOUND, message="no")
    assert others(proxy(), CILIUM, config=cilium_config(None, gone)) == ({}, 0)
