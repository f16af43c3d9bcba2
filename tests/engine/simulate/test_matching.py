"""Each match against packets: yes, no, or who decides."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from kubectl_svcnet.engine.simulate.flow import Answering, Tracking
from kubectl_svcnet.engine.simulate.matching import (
    _EVALUATORS,
    BySender,
    Depends,
    NotKnown,
    NotRead,
    Odds,
    Place,
    answer,
)
from kubectl_svcnet.engine.simulate.noted import Noting
from kubectl_svcnet.engine.simulate.routing import Routing
from kubectl_svcnet.model import matches as m
from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.ipset import IPSet, Member
from kubectl_svcnet.model.nodeview import InterfaceAddress, NodeView, Route
from kubectl_svcnet.model.ruleset import Unknown
from tests.samples import FLOW, packet

S, D, E = m.Side.SOURCE, m.Side.DESTINATION, m.Side.EITHER
VIEW = NodeView(
    node="n1",
    addresses=(
        InterfaceAddress(ip_address("192.168.0.1"), "eth0", 24),
        InterfaceAddress(ip_address("10.244.1.1"), "cni0", 24),
    ),
    routes=(Route(ip_network("0.0.0.0/0"), "eth0"),),
)
PACKET = packet(destination=ip_address("10.96.0.99"), destination_port=8080, in_interface="cni0")


def ask(match: object, hook: str = "PREROUTING", view: NodeView = VIEW, **fields: Any) -> object:
    sysctls, sets = fields.pop("sysctls", {}), fields.pop("sets", None)
    place = Place(hook, Routing(view), sysctls, PACKET, sets)
    found = answer(match, FLOW._replace(**fields), place)
    return found.then if isinstance(found, Noting) else found


def net(text: str) -> Any:
    return ip_network(text)


SIX = {"family": Family.IPV6, "destination": ip_address("fd00::99")}
VIP = IPSet(name="X", kinds=("ip",), members={(net("10.96.0.10/32"),): Member()})

ROWS: list[tuple[object, dict[str, Any], object]] = [
    (m.AddressIn(S, net("10.244.0.0/16")), {}, True),
    (m.AddressIn(S, net("10.244.0.0/16"), True), {}, False),
    (m.AddressIn(D, net("10.96.0.11/32")), {}, False),
    (m.AddressIn(S, net("10.0.0.0/8")), {"source": None}, NotKnown),
    (m.AddressIn(S, net("0.0.0.0/0")), {"source": None}, True),
    (m.AddressIn(D, net("fd00::/8"), True), {}, False),
    (m.AddressMasked(D, ip_address("10.0.0.10"), ip_address("255.0.0.255")), {}, True),
    (m.AddressMasked(S, ip_address("10.0.0.10"), ip_address("255.0.0.255"), True), {}, True),
    (
        m.AddressMasked(S, ip_address("10.0.0.9"), ip_address("0.0.0.255")),
        {"source": None},
        NotKnown,
    ),
    (m.AddressRange(D, ip_address("10.96.0.9"), ip_address("10.96.0.10")), {}, True),
    (m.AddressRange(D, ip_address("10.96.0.11"), ip_address("10.96.0.12"), True), {}, True),
    (m.Interface(False, "cni0"), {}, True),
    (m.Interface(False, "cni+"), {}, True),
    (m.Interface(False, "eth+", True), {}, True),
    (m.Interface(False, "cni0"), {"in_device": None}, NotKnown),
    (m.Interface(True, "cni0"), {"out_device": None}, NotKnown("the output device is not known")),
    (m.Interface(False, "+"), {"in_device": None}, True),
    (m.Interface(True, "eth0"), {}, False),
    (m.Interface(True, "eth0", True), {}, True),
    (m.IPProtocol(6), {}, True),
    (m.IPProtocol(17), {}, False),
    (m.IPProtocol(17, True), {}, True),
    (m.IPProtocol(0), {}, True),
    (m.IPProtocol(1), {"answering": Answering.ICMP}, True),
    (m.Fragment(), {}, False),
    (m.Fragment(True), {}, True),
    (m.Ports(D, ((80, 80),)), {}, True),
    (m.Ports(D, ((81, 90), (443, 443))), {}, False),
    (m.Ports(D, ((80, 80),), True), {}, False),
    (m.Ports(S, ((53, 53),)), {}, False),  # no kernel gives that one to a client
    (m.Ports(S, ((53, 53),), True), {}, True),
    (m.Ports(S, ((1024, 40000), (80, 80), (40001, 65535))), {}, True),
    (m.Ports(S, ((80, 80), (1025, 65535))), {}, BySender),
    (m.Ports(S, ((1024, 40000), (40002, 65535))), {}, BySender),
    (m.Ports(S, ((0, 65535),)), {}, True),
    (m.Ports(E, ((80, 80),)), {}, True),
    (m.Ports(E, ((53, 53),)), {"source_port": 53}, True),
    (m.Ports(D, ((80, 80),)), {"answering": Answering.ICMP}, False),
    (m.Ports(D, ((40000, 40000),)), {"answering": Answering.RESET}, BySender),
    (m.Ports(S, ((80, 80),)), {"answering": Answering.RESET}, True),
    (m.TcpFlags(frozenset({"SYN", "ACK"}), frozenset({"SYN"})), {}, True),
    (m.TcpFlags(frozenset({"SYN", "ACK"}), frozenset({"ACK"})), {}, False),
    (m.TcpFlags(frozenset({"RST"}), frozenset({"RST"}), True), {}, True),
    (m.TcpFlags(frozenset({"SYN"}), frozenset({"SYN"})), {"protocol": Protocol.UDP}, False),
    (m.TcpFlags(frozenset({"RST"}), frozenset({"RST"})), {"answering": Answering.RESET}, True),
    (m.Icmp("8"), {}, False),
    (m.Icmp("3"), {"answering": Answering.ICMP}, True),
    (m.Icmp("8"), {"answering": Answering.ICMP}, False),
    (m.Icmp("3/3"), {"answering": Answering.ICMP}, NotKnown),
    (m.MarkIs(0x4000, 0x4000), {}, True),
    (m.MarkIs(0x4000, 0x4000, True), {}, False),
    (m.MarkIs(0x4000, 0x4000), {"mark": 0xC000}, True),
    (m.ConnmarkIs(0x10, 0xF0), {"connection_mark": 0x1F}, True),
    (m.MarkIs(0x4000, 0xFFFFFFFF), {"mark": 0x4001}, False),
    (m.ConnmarkIs(0, 0xFF), {}, True),
    (m.ConnmarkIs(0, 0xFF, True), {}, False),
    (m.ConnmarkIs(1, 0xFF, True), {}, True),
    (m.Icmp("8", True), {"answering": Answering.ICMP}, True),
    (m.Icmp("3", True), {"answering": Answering.ICMP}, False),
    (m.AddressRange(S, ip_address("10.244.1.9"), ip_address("10.244.1.9")), {}, True),
    (m.AddressRange(D, ip_address("10.96.0.10"), ip_address("10.96.0.20")), {}, True),
    (m.Ports(D, ((80, 90),)), {}, True),
    (m.Ports(D, ((70, 80),)), {}, True),
    (m.Owner("uid", 0, 0), {"own": True}, False),
    (m.ConnmarkIs(0, 0xFF), {"tracking": Tracking.UNTRACKED}, False),
    (m.ConnmarkIs(1, 0xFF, True), {"tracking": Tracking.NONE}, False),
    (m.CtState(frozenset({"NEW"})), {}, True),
    (m.CtState(frozenset({"RELATED", "ESTABLISHED"})), {}, False),
    (m.CtState(frozenset({"INVALID"})), {"tracking": Tracking.NONE}, True),
    (m.CtState(frozenset({"NEW"}), True), {"tracking": Tracking.NONE}, True),
    (m.CtState(frozenset({"UNTRACKED"})), {"tracking": Tracking.UNTRACKED}, True),
    (m.CtState(frozenset({"UNTRACKED"})), {"tracking": Tracking.NONE}, False),
    (m.CtState(frozenset({"DNAT"})), {"destination_changed": True}, True),
    (m.CtState(frozenset({"DNAT"}), True), {}, True),
    (m.CtState(frozenset({"RELATED"})), {"tracking": Tracking.RELATED}, True),
    (m.AddressType(D, frozenset({"LOCAL"})), {}, False),
    (m.AddressType(D, frozenset({"LOCAL"}), True), {}, True),
    (m.AddressType(D, frozenset({"LOCAL"})), {"destination": ip_address("10.244.1.1")}, True),
    (m.AddressType(D, frozenset({"LOCAL"})), {"destination": ip_address("127.0.0.9")}, True),
    (m.AddressType(S, frozenset({"UNICAST"})), {}, True),
    (m.AddressType(D, frozenset({"LOCAL", "UNICAST"})), {}, True),
    (m.AddressType(D, frozenset({"LOCAL", "UNICAST"})), SIX, False),
    (m.AddressType(D, frozenset({"UNICAST"})), SIX, True),
    (m.AddressType(D, frozenset({"BROADCAST"})), {"destination": ip_address("10.244.1.255")}, True),
    (m.AddressType(D, frozenset({"MULTICAST"})), {"destination": ip_address("224.0.0.1")}, True),
    (
        m.AddressType(D, frozenset({"LOCAL"}), False, "in"),
        {"destination": ip_address("192.168.0.1")},
        False,
    ),
    (
        m.AddressType(D, frozenset({"LOCAL"}), False, "in"),
        {"destination": ip_address("10.244.1.1")},
        True,
    ),
    (m.AddressType(S, frozenset({"LOCAL"})), {"source": None, "own": True}, True),
    (m.Chance(0.25), {}, Odds(0.25)),
    (m.Chance(0.25, True), {}, Odds(0.75)),
    (m.Chance(1.0), {}, True),
    (m.Chance(0.0), {}, False),
    (m.Recent("set", "A"), {}, True),
    (m.Recent("set", "A", True), {}, False),
    (m.Recent("rcheck", "A"), {}, Depends),
    (m.Limit("--limit 3/min"), {}, Depends),
    (m.Owner("uid"), {}, False),
    (m.Owner("uid", negated=True), {}, True),
    (m.PacketType("unicast"), {}, True),
    (m.PacketType("multicast"), {"destination": ip_address("224.0.0.1")}, False),  # it came so
    (Unknown("-m u32 --u32 0"), {}, NotKnown),
    (m.Varies("length 60"), {}, Depends),
    (m.Never(), {}, False),
    (m.Ipsec(False, True), {}, True),
    (m.Ipsec(False, False), {}, False),
    (m.Ipsec(True, True), {}, Depends("whether an IPsec policy covers it", True)),
    (m.ByIpvs(negated=True), {}, True),
    (m.ReversePath(), {}, False),  # the way back is by eth0
    (m.ReversePath(), {"in_device": "eth0"}, True),
    (m.ReversePath(negated=True), {"in_device": "eth0"}, False),
    (m.ReversePath(loose=True), {}, True),
    (m.ReversePath(), {"in_device": "lo"}, True),
    (m.ReversePath(), {"in_device": None}, NotKnown),
    (m.ReversePath(), {"source": ip_address("192.168.0.1")}, False),
    (m.ReversePath(own_address=True), {"source": ip_address("192.168.0.1")}, True),
    (m.HasSocket(), {}, Depends("whether a process has a socket for 10.96.0.10", False)),
    (m.HasSocket(), {"destination": ip_address("10.244.1.1")}, Depends),
    # Only the local table is asked: elsewhere an address of the node is UNICAST.
    (
        m.AddressType(D, frozenset({"UNICAST"}), False, "in"),
        {"destination": ip_address("192.168.0.1")},
        True,
    ),
    (
        m.AddressType(D, frozenset({"LOCAL"}), False, "out"),
        {"destination": ip_address("10.244.1.1")},
        False,
    ),
    (m.InSet("X", (D,)), {"sets": {"X": IPSet(name="X", kinds=("ip",))}}, False),
    (m.InSet("X", (D,), True), {"sets": {"X": IPSet(name="X", kinds=("ip",))}}, True),
    (m.InSet("X", (D,), True), {"sets": {}}, NotKnown),
    (m.InSet("X", (D,)), {}, NotRead),
    (m.InSet("X", (D,)), {"sets": {"X": VIP}}, True),
    (m.InSet("X", (D,), True), {"sets": {"X": VIP}}, False),
    (m.InSet("X", (D,), counters="--packets-gt 3"), {"sets": {"X": VIP}}, Depends),
    (m.CtStatus(frozenset({"SEEN_REPLY", "ASSURED", "CONFIRMED"})), {}, False),
    (m.CtStatus(frozenset({"CONFIRMED"}), True), {}, True),
    (m.CtStatus(frozenset({"CONFIRMED"})), {"own": True}, True),  # it came back over lo
    (m.CtStatus(frozenset({"EXPECTED"})), {}, NotKnown),
    (m.CtStatus(frozenset({"ASSURED"}), True), {"tracking": Tracking.NONE}, False),
    (m.CtStatus(frozenset({"ASSURED"}), True, False), {"tracking": Tracking.NONE}, True),
    (m.CtDirection(False), {}, True),
    (m.CtDirection(True), {}, False),
    (m.CtDirection(False, False), {"tracking": Tracking.NONE}, True),
    (m.CtDirection(True, False), {"tracking": Tracking.UNTRACKED}, True),
    (m.CtDirection(True), {"answering": Answering.ICMP, "tracking": Tracking.RELATED}, True),
    (m.CtDirection(False), {"tracking": Tracking.UNTRACKED}, False),
    (m.CtTuple(True, m.IPProtocol(6)), {}, True),
    (m.CtTuple(True, m.IPProtocol(6, True)), {}, False),
    (m.CtTuple(True, m.AddressIn(D, net("10.96.0.99/32"))), {}, True),
    (m.CtTuple(True, m.AddressIn(D, net("10.96.0.10/32"))), {}, False),
    (m.CtTuple(True, m.AddressIn(D, net("10.96.0.10/32"))), {"tracking": Tracking.NONE}, False),
    (m.CtTuple(True, m.Ports(D, ((8080, 8080),))), {}, True),
    (m.CtTuple(True, m.Ports(D, ((80, 80),), True)), {}, True),
    (m.CtTuple(True, m.Ports(S, ((4000, 5000),))), {}, BySender),
    (m.CtTuple(False, m.AddressIn(S, net("10.96.0.10/32"))), {}, True),
    (m.CtTuple(False, m.AddressIn(D, net("10.244.1.9/32"))), {}, True),
    (m.CtTuple(False, m.Ports(S, ((80, 80),))), {}, True),
]


@pytest.mark.parametrize(("match", "fields", "expected"), ROWS)
def test_matches(match: object, fields: dict[str, Any], expected: object) -> None:
    found = ask(match, **fields)
    if isinstance(expected, type):
        assert isinstance(found, expected)
    else:
        assert found == expected


#: Where `!` changes nothing: what is asked for is not there at all.
UNTURNED = [
    m.AddressIn(D, net("fd00::/8"), True),
    m.Icmp("8"),
    m.TcpFlags(frozenset({"SYN"}), frozenset({"SYN"})),
    m.Ports(D, ((80, 80),)),
]


@pytest.mark.parametrize(
    ("match", "fields", "expected"),
    [row for row in ROWS if hasattr(row[0], "negated") and isinstance(row[2], bool)],
)
def test_negation_turns_every_answer(match: Any, fields: dict[str, Any], expected: bool) -> None:
    unconnected = fields.get("tracking") in (Tracking.NONE, Tracking.UNTRACKED)
    nothing_there = match in UNTURNED and (
        fields.get("protocol") is Protocol.UDP
        or fields.get("answering") is Answering.ICMP
        or not fields
    )
    nothing_there &= ask(match, **fields) is False and expected is False
    if isinstance(match, m.ConnmarkIs | m.CtStatus) and unconnected:
        nothing_there = True
    if isinstance(match, m.Icmp) and fields:
        nothing_there = False
    if isinstance(match, m.Ports) and not fields:
        nothing_there = False
    turned = ask(replace(match, negated=not match.negated), **fields)
    assert turned is (expected if nothing_there else not expected)


def test_an_affinity_list_does_not_know_a_new_client() -> None:
    found = ask(m.Recent("rcheck", "A")), ask(m.Recent("rcheck", "A", True))
    assert [one.usual for one in found if isinstance(one, Depends)] == [False, True]


@pytest.mark.parametrize(
    ("hook", "own", "match", "expected"),
    [
        ("OUTPUT", True, m.Owner("uid", 0, 0), True),
        ("OUTPUT", True, m.Owner("uid", 1000, 1000), False),
        ("POSTROUTING", True, m.Owner("socket"), True),
        ("POSTROUTING", False, m.Owner("socket"), False),
        ("OUTPUT", True, m.Owner("uid", 0, 0, True), False),
        ("OUTPUT", True, m.Owner("gid", 5, 5, True), True),
        ("OUTPUT", True, m.Owner("socket", negated=True), False),
    ],
)
def test_owner(hook: str, own: bool, match: m.Owner, expected: bool) -> None:
    assert ask(match, hook, own=own) is expected


BRIDGED = {"net.bridge.bridge-nf-call-iptables": "1"}
ROUTED = {"net.bridge.bridge-nf-call-iptables": "0"}


@pytest.mark.parametrize(
    ("question", "sysctls", "port", "expected"),
    [
        ("is-in", BRIDGED, "veth1", True),
        ("is-in", BRIDGED, None, NotKnown),
        ("is-in", ROUTED, "veth1", False),
        ("is-in", {"net.ipv4.ip_forward": "1"}, "veth1", False),
        ("is-in", {}, "veth1", NotKnown),
        ("is-bridged", BRIDGED, "veth1", False),
    ],
)
def test_bridge_ports(
    question: str, sysctls: dict[str, str], port: str | None, expected: object
) -> None:
    found = ask(m.Physdev(question), sysctls=sysctls, physical_in=port)
    if isinstance(expected, type):
        assert isinstance(found, expected)
    else:
        assert found is expected


@pytest.mark.parametrize(
    ("match", "masters", "out", "expected"),
    [
        (m.Physdev("is-in"), {}, "", False),
        (m.Physdev("is-in"), {"veth1": "cni0"}, "", NotKnown),
        (m.Physdev("is-in"), {"veth1": "br1"}, "", False),
        (m.Physdev("is-in"), None, "", NotKnown),
        (m.Physdev("in", "veth1"), {"veth1": "cni0"}, "", NotKnown),
        (m.Physdev("in", "veth2"), {"veth1": "cni0"}, "", False),
        (m.Physdev("in", "veth+"), {"veth1": "cni0"}, "", NotKnown),
        (m.Physdev("is-out"), {"veth1": "cni0"}, "cni0", False),
        (m.Physdev("is-out"), {"veth1": "cni0"}, "eth0", False),
        (m.Physdev("out", "vethwe-bridge"), {"veth1": "cni0"}, "cni0", False),
        (m.Physdev("out", "vethwe-bridge", True), {"veth1": "cni0"}, "cni0", NotKnown),
        (m.Physdev("out", "vethwe-bridge", True), {"veth1": "cni0"}, "eth0", NotKnown),
        (m.Physdev("out", "vethwe-bridge", True), {}, "eth0", True),
        (m.Physdev("is-bridged"), {}, "cni0", False),
    ],
)
def test_who_is_no_bridge_has_no_port(
    match: m.Physdev, masters: dict[str, str] | None, out: str, expected: object
) -> None:
    node = replace(VIEW, masters=masters)
    found = ask(match, "FORWARD", view=node, sysctls=BRIDGED, physical_in=None, out_device=out)
    if isinstance(expected, type):
        assert isinstance(found, expected)
    else:
        assert found is expected


@pytest.mark.parametrize("question", ["in", "is-in", "out", "is-out", "is-bridged"])
def test_no_bridge_brings_what_the_node_sends(question: str) -> None:
    assert ask(m.Physdev(question), "OUTPUT", sysctls=BRIDGED, own=True) is False


def test_without_addresses_nobody_knows_what_is_local() -> None:
    nothing = NodeView(node="n1")
    local = m.AddressType(D, frozenset({"LOCAL"}))
    assert isinstance(ask(local, view=nothing), NotKnown)
    assert ask(local, view=nothing, destination=ip_address("127.0.0.1")) is True


def test_every_match_of_the_model_has_an_answer() -> None:
    classes = {
        one for one in vars(m).values() if isinstance(one, type) and one.__module__ == m.__name__
    }
    assert classes - {m.Side} == set(_EVALUATORS)


def test_what_is_turned_elsewhere() -> None:
    """An ICMP answer has no user, a bridge port is none, a blackhole leads to no device."""
    answer_: dict[str, Any] = {"own": True, "answering": Answering.ICMP}
    assert ask(m.Owner("uid"), "OUTPUT", **answer_) is False
    assert ask(m.Owner("uid", negated=True), "OUTPUT", **answer_) is True
    port: dict[str, Any] = {"sysctls": BRIDGED, "physical_in": "veth1"}
    assert ask(m.Physdev("is-in", "", True), **port) is False
    assert ask(m.Physdev("in", "veth2", True), **port) is True
    routed = port | {"out_device": "eth0"}
    assert ask(m.Physdev("out", "veth2", True), "FORWARD", **routed) is False
    assert ask(m.Physdev("is-out", "", True), "FORWARD", **routed) is True
    nowhere = NodeView(
        node="n1",
        addresses=VIEW.addresses,
        routes=(Route(net("0.0.0.0/0"), None, kind="blackhole"),),
    )
    assert ask(m.ReversePath(), view=nowhere) is False
    assert ask(m.ReversePath(negated=True), view=nowhere) is True
