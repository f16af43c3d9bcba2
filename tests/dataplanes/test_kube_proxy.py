from __future__ import annotations

from kubectl_svcnet.dataplanes.kube_proxy import proxy_pod, rivals
from tests.samples import agent, pod, proxy


def test_a_running_one_first() -> None:
    dead = proxy(phase="Failed")
    running = agent("kube-proxy-zz", labels={"k8s-app": "kube-proxy"})
    assert proxy_pod((pod("web"), dead, running)) == running
    assert proxy_pod((dead,)) == dead
    assert proxy_pod((pod("web"),)) is None


def test_two_at_work() -> None:
    """While a pod is replaced, or where one does not run, there is one."""
    first = proxy()
    second = agent("kube-proxy-zz", labels={"app": "kube-proxy"})
    down = agent("kube-proxy-aa", labels={"k8s-app": "kube-proxy"}, running=False)
    going = agent("kube-proxy-ab", labels={"k8s-app": "kube-proxy"}, deleting=True)
    everybody = (second, down, going, first)
    assert proxy_pod(everybody) == first
    assert rivals(everybody) == [second]
    assert rivals((down, going, first)) == []
    assert proxy_pod((down, going)) == going
