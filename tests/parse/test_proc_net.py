"""The files under /proc/net, as a kernel wrote them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.model.nodeview import InterfaceAddress, Route
from kubectl_svcnet.parse.proc_net import (
    parse_fib_trie,
    parse_if_inet6,
    parse_ipv6_route,
    parse_route,
    place_addresses,
)

FIB_TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     |-- 127.0.0.0
        /8 host LOCAL
     |-- 127.0.0.1
        /32 host LOCAL
     +-- 192.0.2.0/24 2 0 2
        |-- 192.0.2.0
           /24 link UNICAST
        |-- 192.0.2.2
           /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
Id 77:
     |-- 198.51.100.7
        /32 host LOCAL
Local:
     |-- 192.0.2.2
        /32 host LOCAL
     |-- 10.99.0.0
        /16 host LOCAL
"""
ROUTE = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t7\t00FFFFFF\t0\t0\t0
*\t0000060A\t00000000\t0201\t0\t0\t0\t0000FFFF\t0\t0\t0
*\t0000070A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""
IF_INET6 = """\
fd000000000000000000000000000002 04 40 00 82     eth0
00000000000000000000000000000001 01 80 10 80       lo
"""
ZERO = "0" * 32
IPV6_ROUTE = f"""\
fd{"0" * 30} 40 {ZERO} 00 {ZERO} 00000100 00000001 00000000 00000001     eth0
{ZERO} 00 {ZERO} 00 fd{"0" * 29}1 00000400 00000002 00000000 00000003     eth0
{ZERO[:-1]}1 80 {ZERO} 00 {ZERO} 00000000 00000002 00000000 80200001       lo
{ZERO} 00 {ZERO} 00 {ZERO} ffffffff 00000001 00000000 00200200       lo
"""


def test_fib_trie_has_addresses_and_the_names_of_tables() -> None:
    trie = parse_fib_trie(FIB_TRIE)
    assert [str(one) for one in trie.addresses] == ["127.0.0.1", "192.0.2.2"]
    assert trie.further_tables == ("77",)
    assert [(str(one.destination), one.kind) for one in trie.routes] == [
        ("127.0.0.0/8", "local"),
        ("192.0.2.255/32", "broadcast"),
        ("10.99.0.0/16", "local"),
    ]


def test_routes_of_the_main_table() -> None:
    assert parse_route(ROUTE) == (
        Route(ip_network("0.0.0.0/0"), "eth0", ip_address("192.0.2.1")),
        Route(ip_network("192.0.2.0/24"), "eth0", None, 7),
        Route(ip_network("10.6.0.0/16"), None, kind="unreachable"),
        Route(ip_network("10.7.0.0/16"), None, kind="blackhole"),
    )


def test_ipv6() -> None:
    assert parse_if_inet6(IF_INET6) == (
        InterfaceAddress(ip_address("fd00::2"), "eth0", 64),
        InterfaceAddress(ip_address("::1"), "lo", 128),
    )
    found = parse_ipv6_route(IPV6_ROUTE)
    assert [(str(one.destination), one.interface, one.kind) for one in found] == [
        ("fd00::/64", "eth0", "unicast"),
        ("::/0", "eth0", "unicast"),
        ("::1/128", "lo", "local"),
    ]
    assert parse_if_inet6("") == ()


def test_an_address_belongs_to_the_device_whose_connected_route_covers_it() -> None:
    addresses = [ip_address(one) for one in ("127.0.0.1", "192.0.2.2", "10.96.0.10")]
    assert place_addresses(addresses, parse_route(ROUTE)) == (
        InterfaceAddress(addresses[0], "lo", 8),
        InterfaceAddress(addresses[1], "eth0", 24),
        InterfaceAddress(addresses[2], None),
    )


@pytest.mark.parametrize("text", ["", "cat: can't open", "Main:\n  +-- 0.0.0.0/0 3 0 5\n"])
def test_a_trie_without_addresses_is_no_answer(text: str) -> None:
    with pytest.raises(ParseError):
        parse_fib_trie(text)


@pytest.mark.parametrize("text", ["", ROUTE[:-60], ROUTE.replace("010200C0", "01")])
def test_a_broken_route_file_is_no_answer(text: str) -> None:
    with pytest.raises(ParseError):
        parse_route(text)


@pytest.mark.parametrize("text", ["fd00 04", "zz 04 40 00 82 eth0", IPV6_ROUTE])
def test_broken_ipv6_files_are_no_answer(text: str) -> None:
    with pytest.raises(ParseError):
        parse_if_inet6(text)
    with pytest.raises(ParseError):
        parse_ipv6_route(text[:50])
