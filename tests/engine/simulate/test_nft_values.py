"""What expressions are for a packet: known, not known, one of several, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest

from kubectl_svcnet.engine.simulate.flow import Answering, Cause, Flow, Tracking
from kubectl_svcnet.engine.simulate.matching import NotKnown, Place
from kubectl_svcnet.engine.simulate.nft_sets import Sets
from kubectl_svcnet.engine.simulate.nft_values import NO_VALUE, Sight, Spread, evaluate
from kubectl_svcnet.engine.simulate.routing import Routing
from kubectl_svcnet.model import nft
from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.ruleset import Unknown
from tests.samples import FLOW as PLAIN

FLOW = PLAIN._replace(mark=0x4001)
SADDR, DPORT, L4 = nft.Field("ip", "saddr"), nft.Field("th", "dport"), nft.Meta("l4proto")
ICMP = FLOW._replace(answering=Answering.ICMP, tracking=Tracking.RELATED)
RAW = FLOW._replace(tracking=Tracking.NONE)
PORTS = nft.Elements((nft.Element(80, 8080), nft.Element(nft.Interval(90, 99), 9090)))
ONLY_ONE = nft.Elements((nft.Element(0, ip_address("10.0.0.1")),))


@pytest.fixture
def look(view: Callable[..., Any], packet: Callable[..., Any]) -> Callable[..., object]:
    def _look(expression: object, flow: Flow = FLOW, hook: str = "PREROUTING") -> object:
        node = view()
        place = Place(hook, Routing(node), node.sysctls)
        table = nft.Table(family="ip", name="t")
        return evaluate(expression, Sight(flow, place, packet(), Sets(table)))

    return _look


def test_the_first_source_of_the_nodes_own(
    view: Callable[..., Any], packet: Callable[..., Any]
) -> None:
    """It is chosen on the way, and is the connection's until a rule changes it."""
    node = view()
    place, sets = (
        Place("OUTPUT", Routing(node), node.sysctls),
        Sets(nft.Table(family="ip", name="t")),
    )
    sent, first = packet(source=None), nft.Ct("ip saddr", "original")
    assert evaluate(first, Sight(FLOW, place, sent, sets)) == ip_address("10.244.1.9")
    changed = FLOW._replace(source_changed=True)
    assert isinstance(evaluate(first, Sight(changed, place, sent, sets)), NotKnown)


@pytest.mark.parametrize(
    ("expression", "flow", "value"),
    [
        (SADDR, FLOW, ip_address("10.244.1.9")),
        (SADDR, FLOW._replace(source=None), NotKnown),
        (nft.Field("ip6", "saddr"), FLOW, NO_VALUE),
        (nft.Field("ip", "protocol"), FLOW, 6),
        (nft.Field("ip", "protocol"), FLOW._replace(protocol=Protocol.UDP), 17),
        (DPORT, FLOW, 80),
        (DPORT, ICMP, NotKnown),
        (nft.Field("tcp", "sport"), FLOW, NotKnown),
        (nft.Field("udp", "dport"), FLOW, NO_VALUE),
        (nft.Field("tcp", "dport"), ICMP, NO_VALUE),
        (nft.Field("icmp", "type"), ICMP, NotKnown),
        (nft.Field("icmp", "type"), FLOW, NO_VALUE),
        (nft.Field("tcp", "flags"), FLOW, nft.Flags(frozenset({"syn"}))),
        (
            nft.Field("tcp", "flags"),
            FLOW._replace(answering=Answering.RESET),
            nft.Flags(frozenset({"rst", "ack"})),
        ),
        (L4, FLOW, 6),
        (L4, ICMP, 1),
        (nft.Meta("nfproto"), FLOW, "ipv4"),
        (nft.Meta("nfproto"), FLOW._replace(family=Family.IPV6), "ipv6"),
        (nft.Meta("mark"), FLOW, 0x4001),
        (nft.Meta("iifname"), FLOW, "cni0"),
        (nft.Meta("oif"), FLOW, ""),
        (nft.Meta("oif"), FLOW._replace(out_device=None), NotKnown),
        (nft.Meta("skuid"), FLOW, NO_VALUE),
        (nft.Meta("pkttype"), FLOW, "unicast"),
        (nft.Meta("pkttype"), FLOW._replace(destination=ip_address("192.168.0.1")), "unicast"),
        (nft.Meta("pkttype"), FLOW._replace(destination=ip_address("224.0.0.1")), "unicast"),
        (nft.Meta("hour"), FLOW, NotKnown),
        (nft.Ct("state"), FLOW, nft.Flags(frozenset({"new"}))),
        (nft.Ct("state"), RAW, nft.Flags(frozenset({"invalid"}))),
        (nft.Ct("status"), FLOW, nft.Flags(frozenset())),
        (
            nft.Ct("status"),
            FLOW._replace(destination_changed=True),
            nft.Flags(frozenset({"dnat"})),
        ),
        (nft.Ct("status"), FLOW._replace(source_changed=True), nft.Flags(frozenset({"snat"}))),
        (nft.Ct("status"), RAW, NO_VALUE),
        (nft.Ct("mark"), FLOW._replace(connection_mark=7), 7),
        (nft.Ct("mark"), RAW, NO_VALUE),
        (nft.Ct("direction"), FLOW, "original"),
        (nft.Ct("direction"), ICMP, "reply"),
        (
            nft.Ct("ip daddr", "original"),
            FLOW._replace(destination=ip_address("1.1.1.1")),
            ip_address("10.96.0.10"),
        ),
        (nft.Ct("ip saddr", "original"), FLOW, ip_address("10.244.1.9")),
        (nft.Ct("proto-dst", "original"), FLOW, 80),
        (nft.Ct("proto-dst", "original"), FLOW._replace(destination_port=8080), 80),
        (nft.Ct("protocol"), FLOW, 6),
        (nft.Ct("l3proto"), FLOW, "ipv4"),
        (nft.Ct("ip daddr", "reply"), FLOW, NotKnown),
        (nft.Fib(frozenset({"daddr"}), "type"), FLOW, "unicast"),
        (nft.Fib(frozenset({"saddr"}), "type"), FLOW._replace(source=None, own=True), "local"),
        (
            nft.Fib(frozenset({"daddr", "iif"}), "type"),
            FLOW._replace(destination=ip_address("192.168.0.1")),
            "unicast",
        ),
        (nft.Fib(frozenset({"saddr", "iif"}), "oif"), FLOW, "cni0"),
        (nft.Fib(frozenset({"saddr", "iif"}), "oif"), FLOW._replace(in_device="eth0"), ""),
        (nft.Bits("|", nft.Meta("mark"), 0x10), FLOW, 0x4011),
        (nft.Bits("^", nft.Meta("mark"), 0x4000), FLOW, 1),
        (nft.Bits("&", nft.Meta("mark"), 0xFFFFBFFF), FLOW, 1),
        (
            nft.Bits("&", nft.Field("tcp", "flags"), nft.Flags(frozenset({"rst", "fin"}))),
            FLOW._replace(answering=Answering.RESET),
            nft.Flags(frozenset({"rst"})),
        ),
        (nft.Bits("<<", 1, 4), FLOW, 16),
        (nft.Bits("<<", 0xC0000000, 1), FLOW, 0x80000000),
        (nft.Bits(">>", 16, 4), FLOW, 1),
        (nft.Bits("|", nft.Meta("mark"), 1), FLOW, 0x4001),
        (nft.Lookup(DPORT, PORTS), FLOW, 8080),
        (nft.Lookup(DPORT, PORTS), FLOW._replace(destination_port=95), 9090),
        (nft.Lookup(DPORT, PORTS), FLOW._replace(destination_port=1), NO_VALUE),
        (nft.Numgen("random", 1, 5), FLOW, 5),
        (nft.Joined((L4, DPORT)), FLOW, nft.Parts((6, 80))),
        (Unknown("?"), FLOW, NotKnown),
        (80, FLOW, 80),
    ],
)
def test_values(look: Any, expression: object, flow: Flow, value: object) -> None:
    found = look(expression, flow)
    assert isinstance(found, NotKnown) if value is NotKnown else found == value


def test_a_process_of_the_node_is_root(look: Any) -> None:
    assert look(nft.Meta("skuid"), FLOW._replace(own=True), "OUTPUT") == 0
    assert look(nft.Meta("skuid"), FLOW._replace(own=True), "PREROUTING") is NO_VALUE


def test_several(look: Any) -> None:
    assert look(nft.Numgen("random", 3)) == Spread((0, 1, 2), None, "numgen random")
    assert look(nft.Numgen("inc", 2, 4)).values == (4, 5)
    assert look(nft.Numgen("inc", 2)).cause is Cause.STATE
    assert look(nft.Hashed(2)).cause is Cause.STATE
    assert look(nft.Hashed(2, 4)).values == (4, 5)
    mapped = look(nft.Lookup(nft.Numgen("random", 2), ONLY_ONE))
    assert mapped.values == (ip_address("10.0.0.1"), NO_VALUE)
    both = look(nft.Joined((nft.Numgen("random", 2), nft.Hashed(2))))
    assert (len(both.values), both.cause) == (4, Cause.STATE)
    assert isinstance(look(nft.Numgen("random", 1 << 20)), NotKnown)


def test_a_part_that_is_not_known_stays_a_part(look: Any) -> None:
    found: Any = look(nft.Joined((SADDR, L4)), FLOW._replace(source=None))
    source, protocol = found.items
    assert isinstance(source, NotKnown)
    assert protocol == 6
