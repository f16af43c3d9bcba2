from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubectl_svcnet.dataplanes import Owner
from kubectl_svcnet.dataplanes.kube_proxy_iptables import DATAPLANE
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.model.fate import Backend
from kubectl_svcnet.model.nodeview import NodeView
from kubectl_svcnet.model.proxystate import Metrics, Setting, Told
from kubectl_svcnet.node.ipvs import IP_VS
from kubectl_svcnet.parse.iptables_save import parse_save
from kubectl_svcnet.pipeline.nodes import NodeReading
from kubectl_svcnet.pipeline.proxystates import Facts, at_work, state_of, unshown
from kubectl_svcnet.pipeline.told import Heard
from tests.samples import capture, node, proxy

NOW = 1764000000.0  # 2025-11-24T16:00:00Z

RULES = (
    "*nat\n:KUBE-SERVICES - [0:0]\n:KUBE-NODEPORTS - [0:0]\n"
    "-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS\nCOMMIT\n"
)
HINT = "*mangle\n:KUBE-KUBELET-CANARY - [0:0]\nCOMMIT\n"


def view(nft: str, legacy: str) -> NodeView:
    rulesets = {
        (Family.IPV4, backend): parse_save(text, Family.IPV4, backend)
        for backend, text in ((Backend.NFT, nft), (Backend.LEGACY, legacy))
    }
    return NodeView(node="n1", rulesets=rulesets)


def facts(
    seen: NodeView | None, told: Told | None = None, image: str = "", **owner: object
) -> Facts:
    pod = proxy("n1")
    container = replace(pod.containers[0], image=image, restarts=2, started="1970-01-01T00:00:10Z")
    made = {"name": DATAPLANE.name, "reader": DATAPLANE, **owner}
    reading = NodeReading(
        node=node("n1", kernel="6.1.0"),
        owner=Owner(**made),  # type: ignore[arg-type]
        view=seen,
        state="S",
    )
    return Facts(
        node=reading.node,
        reading=reading,
        pod=replace(pod, containers=(container,)),
        heard=Heard(told or Told()),
    )


@pytest.mark.parametrize(
    ("nft", "legacy", "programmed", "backend"),
    [
        (RULES, "", ("iptables (nft)",), "nft"),
        ("", RULES, ("iptables (legacy)",), "legacy"),
        (RULES, RULES + HINT, ("iptables (nft)", "iptables (legacy)"), "legacy"),
        (RULES + HINT, RULES + HINT, ("iptables (nft)", "iptables (legacy)"), "nft"),
        (RULES, RULES, ("iptables (nft)", "iptables (legacy)"), "nft"),
        (HINT, "", (), "nft"),
        ("", "", (), ""),
    ],
)
def test_backends(nft: str, legacy: str, programmed: tuple[str, ...], backend: str) -> None:
    state = state_of(facts(view(nft, legacy)), {}, NOW)
    assert (state.programmed, state.backend) == (programmed, backend)


def test_of_a_program_without_a_reader_nothing_is_said_to_be_programmed() -> None:
    state = state_of(facts(view(RULES, ""), reader=None, name="cilium"), {}, NOW)
    assert (state.owner, state.programmed, state.backends) == ("cilium", None, ())
    assert state_of(facts(None), {}, NOW).programmed is None


def test_what_a_bundle_does_not_hold_is_not_nothing() -> None:
    """Made by another command, it holds some chains of nat and not those asked for."""
    seen = facts(view("*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n", ""))
    assert state_of(seen, {}, NOW).programmed == ()
    missing = {IP_VS: capture(IP_VS, failure=Reason.NOT_RECORDED)}
    partly = replace(seen, reading=replace(seen.reading, captures=missing))
    state = state_of(partly, {}, NOW)
    assert state.programmed is None
    [gap] = unshown(partly, state)
    assert gap.blocking


@pytest.mark.parametrize(
    ("told", "image", "version"),
    [
        (Told(metrics=Metrics(version="v1.36.3"), log_version="v1.35.0"), "", "v1.36.3"),
        (Told(log_version="v1.35.0"), "x:v1.34.0", "v1.35.0"),
        (Told(), "registry:5000/kube-proxy:v1.34.0-eksbuild.2", "v1.34.0"),
        (Told(), "registry/kube-proxy:v1.34.0@sha256:1234", "v1.34.0"),
        (Told(), "registry:5000/kube-proxy", ""),
        (Told(), "kube-proxy:latest", ""),
    ],
)
def test_version(told: Told, image: str, version: str) -> None:
    assert state_of(facts(None, told, image), {}, NOW).version == version


def test_a_kube_proxy_within_another_process() -> None:
    seen = facts(None)
    k3s = replace(seen, pod=None, node=replace(seen.node, kubelet="v1.30.4+k3s1"))
    state = state_of(k3s, {}, NOW)
    assert (state.version, state.down, state.pod) == ("v1.30.4+k3s1", None, "")


def test_the_rest() -> None:
    setting = Setting(mode="ipvs", source="configmap a/b")
    state = state_of(facts(None), {"kube-system/kube-proxy-n1": setting}, NOW)
    assert state.configured is setting
    assert (state.pod, state.restarts, state.started) == ("kube-system/kube-proxy-n1", 2, 10.0)
    assert (state.kernel, state.process, state.apart) == ("6.1.0", "S", False)


@pytest.mark.parametrize("how", [{"os": "windows"}, {"virtual": True}])
def test_nodes_unlike_the_others(how: dict[str, Any]) -> None:
    seen = facts(None)
    assert state_of(replace(seen, node=replace(seen.node, **how)), {}, NOW).apart


def test_what_is_at_work() -> None:
    assert at_work(facts(view(RULES, ""))).mode == "iptables"  # all that the kernel shows
    assert at_work(facts(view("", ""))).mode == ""
    assert at_work(facts(view(RULES, ""), Told(mode="nftables"))).mode == "nftables"
