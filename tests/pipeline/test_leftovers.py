from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend
from kubectl_svcnet.model.finding import Gap
from kubectl_svcnet.model.ipvs import VirtualServer, VirtualServers
from kubectl_svcnet.model.nodeview import NodeView
from kubectl_svcnet.model.ruleset import Ruleset
from kubectl_svcnet.parse.iptables_save import parse_save
from kubectl_svcnet.parse.nftables import parse_ruleset
from kubectl_svcnet.pipeline.collect import Collector
from kubectl_svcnet.pipeline.leftovers import AtWork, read_whole, remains_of
from kubectl_svcnet.pipeline.nodes import NodeReader
from tests.samples import agent, node, proxy
from tests.saved import PROXY, Saved, recorded

KUBE = "*nat\n:KUBE-SERVICES - [0:0]\n:KUBE-MARK-MASQ - [0:0]\n:KUBE-SEP-A - [0:0]\nCOMMIT\n"
CALI = "*filter\n:cali-FORWARD - [0:0]\nCOMMIT\n"
TABLES = parse_ruleset("table ip kube-proxy {\n}\ntable ip other {\n}\n")


def view(nft: str = "", legacy: str = "", *, native: bool = False) -> NodeView:
    texts: Mapping[Backend, str] = {Backend.NFT: nft, Backend.LEGACY: legacy}
    rulesets: dict[tuple[Family, Backend], Ruleset] = {
        (Family.IPV4, backend): parse_save(text, Family.IPV4, backend)
        for backend, text in texts.items()
    }
    return NodeView(node="n1", rulesets=rulesets, nft_tables=TABLES if native else ())


def names(view: NodeView, mode: str, backend: str = "nft", agents: object = ()) -> list[str]:
    at_work = AtWork(mode=mode, backend=backend, agents=agents)  # type: ignore[arg-type]
    return [one.what for one in remains_of(view, at_work)]


@pytest.mark.parametrize(
    ("found", "mode", "backend", "what"),
    [
        (view(KUBE), "iptables", "nft", []),
        (view(KUBE), "iptables", "legacy", ["2 chains of kube-proxy (iptables, nft)"]),
        (view(KUBE), "nftables", "nft", ["2 chains of kube-proxy (iptables, nft)"]),
        (view(KUBE), "ipvs", "nft", ["1 chain of kube-proxy (iptables, nft)"]),  # KUBE-SEP-
        (view(KUBE, KUBE), "iptables", "nft", ["2 chains of kube-proxy (iptables, legacy)"]),
        (view(native=True), "nftables", "nft", []),
        (view(native=True), "iptables", "nft", ["nft table ip kube-proxy"]),
        (view(KUBE, native=True), "", "nft", []),  # nobody knows which is which
        (view(KUBE, native=True), "ebpf", "nft", []),
    ],
)
def test_by_what_is_at_work(found: NodeView, mode: str, backend: str, what: list[str]) -> None:
    assert names(found, mode, backend) == what


def test_virtual_servers() -> None:
    one = VirtualServer(scheduler="rr")
    bound = replace(view(), ipvs=VirtualServers(servers=(one,)))
    assert names(bound, "iptables") == ["1 virtual server of ipvs"]
    assert names(bound, "ipvs") == []
    assert names(replace(bound, ipvs=None), "iptables") == []  # not read: a gap says so


def test_of_other_programs() -> None:
    found = view(KUBE + CALI)
    assert names(found, "iptables") == ["1 chain of Calico (iptables, nft)"]
    assert names(found, "iptables", agents=[agent("c", labels={"k8s-app": "calico-node"})]) == []
    assert names(found, "iptables", agents=None) == []  # not known which run there


def test_the_whole_node() -> None:
    """Both families, both backends, as a snapshot holds them."""
    collector = Collector(Saved(recorded(PROXY)).source())
    [pod] = [
        one
        for item in recorded(PROXY)
        if getattr(item.request, "path", "") == "/api/v1/pods"
        for one in item.objects
        if one["metadata"]["name"].startswith("kube-proxy-nftables")
    ][:1]
    proxied = proxy("n3")
    agents = (replace(proxied, name=pod["metadata"]["name"]),)
    reader = NodeReader(collector=collector, agents=agents, wanted=lambda *_: ())
    reading = reader.follow(node("n3"), lambda _: ())
    whole, gaps = read_whole(collector, reading)
    assert whole is not None
    assert not [gap for gap in gaps if gap.blocking]
    assert {key for key, ruleset in whole.rulesets.items() if ruleset.complete} == {
        (family, backend) for family in Family for backend in (Backend.NFT, Backend.LEGACY)
    }
    assert [str(table) for table in whole.nft_tables] == ["ip kube-proxy", "ip6 kube-proxy"]


def test_a_node_that_was_not_read() -> None:
    collector = Collector(Saved(recorded(PROXY)).source())
    reading = NodeReader(collector=collector, agents=(), wanted=lambda *_: ()).follow(
        node("n9"), lambda _: ()
    )
    assert read_whole(collector, reading) == (None, ())
    assert isinstance(reading.gaps[0], Gap)
