"""A real kube-proxy 1.24 in userspace mode: what leads to the proxy is seen, and no more."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from kubectl_svcnet.dataplanes import shown_by
from kubectl_svcnet.dataplanes.kube_proxy_userspace import DATAPLANE, OWN
from kubectl_svcnet.engine.judge.services import judge_node
from kubectl_svcnet.engine.simulate import Simulator
from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.fate import Backend, FateKind
from kubectl_svcnet.model.nodeview import NodeView, Route
from kubectl_svcnet.model.packet import Hook, Packet
from kubectl_svcnet.model.report import Verdict, Walk
from kubectl_svcnet.model.ruleset import Ruleset
from kubectl_svcnet.parse.ip_json import parse_addresses
from kubectl_svcnet.parse.iptables_save import parse_save
from tests.samples import asked

FOLDER = Path(__file__).parents[1] / "fixtures" / "iptables" / "kube-proxy-1.24--userspace"
SAVES = {Family.IPV4: "iptables-save.txt", Family.IPV6: "ip6tables-save.txt"}
RULE = re.compile(
    r"-A KUBE-(PORTALS|NODEPORT)-(CONTAINER|HOST) (?:-d (\S+)/\d+ )?-p (tcp|udp) .*--dport (\d+) "
    r"-j (?:REDIRECT --to-ports |DNAT --to-destination \S+:)(\d+)$",
    re.MULTILINE,
)
NODE = "172.18.0.5"
LED = RULE.findall((FOLDER / "iptables-save.txt").read_text())


def view() -> NodeView:
    rulesets = {
        (family, Backend.NFT): parse_save((FOLDER / name).read_text(), family, Backend.NFT)
        for family, name in SAVES.items()
    }
    rulesets |= {
        (family, Backend.LEGACY): Ruleset(family=family, backend=Backend.LEGACY, complete=True)
        for family in Family
    }
    return NodeView(
        node="n4",
        rulesets=rulesets,
        addresses=parse_addresses((FOLDER / "ip-j-addr.json").read_text()),
        addresses_in_order=True,
        routes=tuple(Route(ip_network(net), "eth0") for net in ("0.0.0.0/0", "::/0")),
        sysctls={"net.ipv4.ip_forward": "1", "net.ipv4.conf.all.route_localnet": "1"},
    )


def sent(where: str, address: str, protocol: str, port: int) -> Packet:
    own = where == "HOST"
    return Packet(
        hook=Hook.OUTPUT if own else Hook.PREROUTING,
        protocol=Protocol(protocol.upper()),
        source=None if own else ip_address("10.244.4.9"),
        in_interface=None if own else "cni0",
        destination=ip_address(address),
        destination_port=port,
    )


def test_its_rules_prove_it() -> None:
    assert shown_by(view()) == (DATAPLANE,)
    assert len(LED) > 60


@pytest.mark.parametrize("rule", LED, ids=lambda rule: "-".join(rule[:5]))
def test_what_leads_to_the_proxy_is_unread(rule: tuple[str, ...]) -> None:
    kind, where, address, protocol, port, own_port = rule
    packet = sent(where, address or NODE, protocol, int(port))
    fates = Simulator(VIEW).fates(packet)
    assert {fate.kind for fate in fates} == {FateKind.ENDPOINT}
    assert {str(f.endpoint.port) for f in fates if f.endpoint} == {own_port}
    for wanted in (asked("10.244.2.3:8080"), asked()):
        judged = judge_node(
            (Walk(asked=wanted, fates=fates),),
            node="n4",
            dataplane=DATAPLANE.name,
            own=OWN,
            proven=True,
        )
        assert judged.problems == (Verdict.UNREAD,)
        told = f"leads to the proxy's own port {own_port}, and no rule shows what follows"
        assert re.fullmatch(rf"nat/KUBE-{kind}-{where}:\d+ {told}", judged.reason)


@pytest.mark.parametrize("where", ["CONTAINER", "HOST"])
@pytest.mark.parametrize(("address", "port"), [("10.96.0.77", 80), (NODE, 31999)])
def test_what_nothing_leads_there_is_absent(where: str, address: str, port: int) -> None:
    fates = Simulator(VIEW).fates(sent(where, address, "tcp", port))
    walk = Walk(asked=asked("10.244.2.3:8080"), fates=fates)
    judged = judge_node((walk,), node="n4", dataplane="x", own=OWN, proven=True)
    assert judged.problems == (Verdict.ABSENT,)


VIEW = view()
