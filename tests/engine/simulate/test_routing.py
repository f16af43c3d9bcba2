"""Where packets go, and which addresses the kernel picks."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from kubectl_svcnet.engine.simulate.routing import Routing, Way
from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.nodeview import Hop, InterfaceAddress, NodeView, Route, RoutingRule
from kubectl_svcnet.model.packet import Hook
from tests.engine.simulate.conftest import Ask

Views = Callable[..., Any]


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("192.168.0.1", True),
        ("127.8.8.8", True),
        ("192.168.0.2", False),
        ("10.99.3.3", True),
        ("::1", True),
        ("fd00::1", False),
    ],
)
def test_local(view: Views, address: str, local: bool) -> None:
    anywhere = Route(ip_network("10.99.0.0/16"), "lo", kind="local", table="local")
    node = view(routes=(anywhere,))
    assert Routing(node).is_local(ip_address(address)) is local


def test_not_read_is_not_known(view: Views) -> None:
    routing = Routing(view(addresses=None))
    assert routing.is_local(ip_address("192.168.0.1")) is None
    assert routing.kind_of(ip_address("192.168.0.1")) is None
    assert routing.on_device(ip_address("192.168.0.1"), "eth0") is None
    assert routing.addresses_of("eth0", Family.IPV4) is None


ROUTES = (
    Route(ip_network("0.0.0.0/0"), "slow", metric=200),
    Route(ip_network("0.0.0.0/0"), "eth0", ip_address("192.168.0.254"), 100),
    Route(ip_network("10.0.0.0/8"), "tunnel"),
    Route(ip_network("10.1.0.0/16"), None, kind="blackhole"),
    Route(ip_network("10.2.0.0/16"), "far", table="77"),
    Route(ip_network("::/0"), "six"),
)


@pytest.mark.parametrize(
    ("address", "way"),
    [
        ("8.8.8.8", Way("eth0", "unicast", ip_address("192.168.0.254"))),
        ("10.9.9.9", Way("tunnel")),
        ("10.1.9.9", Way(None, "blackhole")),
        ("10.2.9.9", Way("tunnel")),
        ("fd00::1", Way("six")),
        ("192.168.0.1", Way("lo", "local", source=ip_address("192.168.0.1"))),
    ],
)
def test_ways(view: Views, address: str, way: Way) -> None:
    assert Routing(view(routes=ROUTES)).way(ip_address(address)) == way


def test_no_route_and_open_ways(view: Views) -> None:
    away = ip_address("8.8.8.8")
    assert Routing(view(routes=())).way(away).kind == "none"
    assert Routing(view(routes=None)).way(away) == Way(None)
    assert Routing(view(further_tables=("77",))).way(away) == Way(None)
    rule = RoutingRule(100, "77")
    assert Routing(view(routing_rules=(rule,))).way(away) == Way(None)
    only_six = RoutingRule(100, "77", Family.IPV6)
    assert Routing(view(routing_rules=(only_six,))).way(away).device == "eth0"


def test_sources(view: Views) -> None:
    routing = Routing(view())
    for destination, source in (
        ("8.8.8.8", "192.168.0.1"),
        ("10.244.1.7", "10.244.1.1"),
        ("127.0.0.9", "127.0.0.1"),
        ("10.244.1.1", "10.244.1.1"),
    ):
        address = ip_address(destination)
        assert routing.source_for(routing.way(address), address) == ip_address(source)


def test_masquerade_borrows_an_address(view: Views) -> None:
    bare = (
        InterfaceAddress(ip_address("127.0.0.1"), "lo", 8),
        InterfaceAddress(ip_address("192.168.0.1"), "eth0", 24),
    )
    routes = (Route(ip_network("10.244.1.5/32"), "cali1"),)
    routing = Routing(view(addresses=bare, routes=routes))
    pod = ip_address("10.244.1.5")
    assert routing.masquerade_sources(routing.way(pod), pod) == (ip_address("192.168.0.1"),)
    assert Routing(view(routes=None)).masquerade_sources(Way(None), pod) is None


def test_without_an_order_any_address_may_be_the_first(view: Views) -> None:
    here = ip_address("192.168.0.1")
    ordered, loose = (Routing(view(addresses_in_order=known)) for known in (True, False))
    for local in (here, ip_address("10.244.1.1"), ip_address("127.0.0.1")):
        over_lo = Way("lo", "local")
        assert ordered.masquerade_sources(over_lo, local) == (here,)
        assert loose.masquerade_sources(over_lo, local) == (here, ip_address("10.244.1.1"))


def test_broadcast(view: Views) -> None:
    routing = Routing(view())
    assert routing.kind_of(ip_address("192.168.0.255")) == "BROADCAST"
    assert routing.kind_of(ip_address("255.255.255.255")) == "BROADCAST"
    assert routing.kind_of(ip_address("192.168.0.9")) == "UNICAST"
    assert routing.kind_of(ip_address("ff02::1")) == "MULTICAST"


def test_addresses_of_a_device(view: Views) -> None:
    routing = Routing(view())
    (found,) = routing.addresses_of("cni0", Family.IPV4) or []
    assert found.address == ip_address("10.244.1.1")
    assert routing.on_device(ip_address("10.244.1.1"), "cni0") is True
    assert routing.on_device(ip_address("10.244.1.1"), "eth0") is False
    nowhere = view(addresses=(InterfaceAddress(ip_address("10.9.9.9"), None),))
    assert Routing(nowhere).addresses_of("cni0", Family.IPV4) is None


def test_an_ipv6_source_is_chosen_for_the_destination(view: Views) -> None:
    """Not for the gateway, which is link-local; of several the one that shares most with it."""
    mine = tuple(
        InterfaceAddress(ip_address(one), "eth0", 64)
        for one in ("fe80::1", "fd00:9::1", "fd00:1::1", "2001:db8::1")
    )
    routes = (
        Route(ip_network("::/0"), "eth0", ip_address("fe80::ff")),
        Route(ip_network("fe80::/64"), "eth0"),
    )
    routing = Routing(view(addresses=mine, routes=routes))
    for there, source in (
        ("fd00:1::77", "fd00:1::1"),
        ("2001:db8:5::1", "2001:db8::1"),
        ("fe80::9", "fe80::1"),
    ):
        destination = ip_address(there)
        assert routing.masquerade_sources(routing.way(destination), destination) == (
            ip_address(source),
        )
        way = routing.way(destination)
        assert routing.source_for(way, destination) == ip_address(source)


def test_a_link_local_address_is_no_source_for_the_world(view: Views) -> None:
    mine = tuple(InterfaceAddress(ip_address(one), "eth0", 64) for one in ("fe80::1", "fd00::1"))
    routing = Routing(view(addresses=mine, routes=(Route(ip_network("::/0"), "eth0"),)))
    away = ip_address("2001:db8::5")
    assert routing.masquerade_sources(routing.way(away), away) == (ip_address("fd00::1"),)
    assert routing.source_for(routing.way(away), away) == ip_address("fd00::1")


def test_an_ipv6_packet_to_the_node_is_masqueraded_as_where_it_goes(view: Views) -> None:
    """RFC 6724, 5, rule 1; seen of a process that dialled [::1] under MASQUERADE."""
    own = [
        InterfaceAddress(ip_address("::1"), "lo", 128),
        InterfaceAddress(ip_address("fd00:50::1"), "eth0", 64),
        InterfaceAddress(ip_address("fd00:244:1::1"), "cni0", 64),
    ]
    routing = Routing(view(addresses=tuple(own), routes=()))
    for entry in own:
        assert routing.masquerade_sources(routing.way(entry.address), entry.address) == (
            entry.address,
        )


OUTSIDE = {
    "100": (
        Route(ip_network("203.0.113.0/24"), "lo", kind="local", table="100"),
        (RoutingRule(50, "100"), RoutingRule(32766, "main")),
    ),
    "main": (Route(ip_network("203.0.113.0/24"), "lo", kind="local"), ()),
    "local": (Route(ip_network("203.0.113.0/24"), "lo", kind="local", table="local"), ()),
}


@pytest.mark.parametrize(
    ("table", "rule", "fields", "kinds"),
    [
        ("100", "", {}, {"local"}),
        ("100", "-A INPUT -j REJECT", {}, {"drop"}),
        ("100", "", {"hook": Hook.OUTPUT}, {"reject"}),
        ("100", "", {"hook": Hook.OUTPUT, "protocol": Protocol.UDP}, {"local", "reject"}),
        ("main", "", {}, {"local"}),
        ("main", "-A INPUT -j REJECT", {}, {"unknown"}),
        ("main", "-A INPUT -m addrtype --dst-type LOCAL -j DROP", {}, {"unknown"}),
        ("main", "", {"hook": Hook.OUTPUT}, {"local", "reject"}),
        ("local", "-A INPUT -j REJECT", {}, {"reject"}),
        ("local", "-A INPUT -m addrtype --dst-type LOCAL -j DROP", {}, {"drop"}),
        ("local", "", {"hook": Hook.OUTPUT}, {"local"}),
    ],
)
def test_what_routes_deliver_beside_addresses(
    ask: Ask, view: Callable[..., NodeView], table: str, rule: str, fields: Any, kinds: set[str]
) -> None:
    route, rules = OUTSIDE[table]
    there = {"routes": (*(view().routes or ()), route), "routing_rules": rules}
    text = "\n".join(("*filter", ":INPUT ACCEPT [0:0]", rule, "COMMIT", ""))
    assert {fate.kind.value for fate in ask(text, "203.0.113.7", view=there, **fields)} == kinds


def test_a_device_without_carrier_sends_nothing(ask: Ask, view: Callable[..., NodeView]) -> None:
    down = Route(ip_network("203.0.113.0/24"), "v0", hops=(Hop("v0", linkdown=True),))
    there = {"routes": (*(view().routes or ()), down)}
    assert [fate.kind.value for fate in ask("", "203.0.113.7", view=there)] == ["drop"]
    refused = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j REJECT\nCOMMIT\n"
    assert [fate.kind.value for fate in ask(refused, "203.0.113.7", view=there)] == ["reject"]
