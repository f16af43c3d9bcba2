from __future__ import annotations

import pytest

from kubectl_svcnet.model.proxystate import ProxyState, Setting, Told

CONFIGZ = Setting(mode="nftables", source="/configz")


@pytest.mark.parametrize(
    ("told", "running"),
    [
        (Told(), ""),
        (Told(log_mode="ipvs"), "ipvs"),
        (Told(log_mode="ipvs", setting=CONFIGZ), "nftables"),
        (Told(log_mode="ipvs", setting=CONFIGZ, mode="iptables"), "iptables"),
        (Told(log_mode="ipvs", setting=Setting()), "ipvs"),
    ],
)
def test_an_endpoint_beats_the_log(told: Told, running: str) -> None:
    assert told.running == running
    assert ProxyState(node="n1", owner="kube-proxy/iptables", told=told).running == running


def test_what_it_runs_with_beats_what_it_is_to_run_with() -> None:
    configured = Setting(mode="iptables", source="configmap kube-system/kube-proxy")
    state = ProxyState(node="n1", owner="", configured=configured, told=Told(setting=CONFIGZ))
    assert state.setting is CONFIGZ
    assert ProxyState(node="n1", owner="", configured=configured).setting is configured
    assert ProxyState(node="n1", owner="").setting == Setting()
