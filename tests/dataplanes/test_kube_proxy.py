from __future__ import annotations

from kubectl_svcnet.dataplanes.kube_proxy import proxy_pod
from tests.samples import agent, pod, proxy


def test_a_running_one_first() -> None:
    dead = proxy(phase="Failed")
    running = agent("kube-proxy-zz", labels={"k8s-app": "kube-proxy"})
    assert proxy_pod((pod("web"), dead, running)) == running
    assert proxy_pod((dead,)) == dead
    assert proxy_pod((pod("web"),)) is None
