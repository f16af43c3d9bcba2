"""Packets that go back to the bridge they came by, as Linux 6.18 with br_netfilter treats them."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from kubectl_svcnet.engine.simulate import simulate
from kubectl_svcnet.engine.simulate.bridges import bridged_on, named, physdev
from kubectl_svcnet.engine.simulate.flow import Flow
from kubectl_svcnet.engine.simulate.questions import NotKnown, Place
from kubectl_svcnet.engine.simulate.routing import Routing
from kubectl_svcnet.model import matches as m
from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.fate import FateKind
from kubectl_svcnet.model.nodeview import NodeView
from kubectl_svcnet.parse.nftables import parse_ruleset
from tests.engine.simulate.conftest import make_packet, make_view

VIP, POD = ip_address("10.96.0.10"), ip_address("10.244.1.2")
ON, OFF = ({"net.bridge.bridge-nf-call-iptables": value} for value in "10")
NO_MODULE = {"net.ipv4.ip_forward": "1"}
PORTS = Routing(NodeView(node="n1", masters={"veth1": "cni0"}))
NO_PORTS = Routing(NodeView(node="n1", masters={}))
NOT_READ = Routing(NodeView(node="n1"))
FLOW = Flow(
    family=Family.IPV4,
    protocol=Protocol.TCP,
    source=ip_address("10.244.1.9"),
    source_port=40000,
    destination=POD,
    destination_port=8080,
    in_device="cni0",
    out_device="cni0",
    physical_in="veth2",
    own=False,
    mark=0,
)


@pytest.mark.parametrize(
    ("changes", "routing", "sysctls", "expected"),
    [
        ({}, PORTS, ON, True),
        ({}, NOT_READ, ON, True),
        ({}, PORTS, OFF, False),
        ({}, PORTS, NO_MODULE, False),
        ({}, PORTS, {}, None),
        ({"own": True}, PORTS, ON, False),
        ({"destination": VIP}, PORTS, ON, False),
        ({"out_device": "eth0"}, PORTS, ON, False),
        ({"out_device": None}, PORTS, ON, None),
        ({"physical_in": None}, PORTS, ON, None),
        ({"physical_in": None}, NO_PORTS, ON, False),
        ({"physical_in": None}, NOT_READ, ON, None),
    ],
)
def test_who_is_bridged_on(
    changes: dict[str, Any], routing: Routing, sysctls: dict[str, str], expected: bool | None
) -> None:
    assert bridged_on(FLOW._replace(**changes), VIP, routing, sysctls) is expected


@pytest.mark.parametrize(
    ("match", "bridged", "expected"),
    [
        (m.Physdev("is-bridged"), True, True),
        (m.Physdev("is-bridged", "", True), True, False),
        (m.Physdev("is-out"), True, True),
        (m.Physdev("is-out"), False, False),
        (m.Physdev("is-out"), None, NotKnown),
        (m.Physdev("out", "veth1"), True, NotKnown),
        (m.Physdev("out", "veth7"), True, False),
        (m.Physdev("out", "veth1"), False, False),
        (m.Physdev("out", "veth1", True), True, NotKnown),
        (m.Physdev("out", "veth1", True), False, False),
        (m.Physdev("is-in"), True, True),
        (m.Physdev("in", "veth2"), True, True),
    ],
)
def test_ports_of_what_is_bridged_on(
    match: m.Physdev, bridged: bool | None, expected: object
) -> None:
    flow = FLOW._replace(bridged=bridged)
    found = physdev(match, flow, Place("POSTROUTING", PORTS, ON))
    if isinstance(expected, type):
        assert isinstance(found, expected)
    else:
        assert found is expected


def test_a_plus_stands_for_any_rest() -> None:
    assert named("veth1", "veth+")
    assert not named("eth0", "veth+")
    assert not named("veth1", "veth")


@pytest.mark.parametrize(("sysctls", "kind"), [(ON, FateKind.ENDPOINT), (OFF, FateKind.DROP)])
def test_postrouting_has_no_input_device_then(sysctls: dict[str, str], kind: FateKind) -> None:
    rules = f"""
table ip t {{
	chain pre {{
		type nat hook prerouting priority dstnat; policy accept;
		ip daddr {VIP} tcp dport 80 dnat to {POD}:8080
	}}
	chain post {{
		type filter hook postrouting priority 0; policy accept;
		iifname "cni0" drop
	}}
}}
"""
    known = {"net.ipv4.ip_forward": "1"} | sysctls
    view = make_view(nft_tables=parse_ruleset(rules), sysctls=known, masters={"veth1": "cni0"})
    (fate,) = simulate(view, make_packet(str(VIP), physical_in="veth1"))
    assert fate.kind is kind
