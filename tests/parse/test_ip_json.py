"""What `ip -j` prints, from iproute2 and from a real node."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.nodeview import Hop, InterfaceAddress, Route
from kubectl_svcnet.parse.ip_json import (
    further_tables,
    parse_addresses,
    parse_masters,
    parse_routes,
    parse_rules,
)

FIXTURE = Path(__file__).parent.parent / "fixtures" / "iptables" / "kube-proxy-1.36--ipvs"


def test_addresses_of_a_node_in_mode_ipvs() -> None:
    found = parse_addresses((FIXTURE / "ip-j-addr.json").read_text(encoding="utf-8"))
    assert InterfaceAddress(ip_address("10.0.2.15"), "eth0", 24) in found
    assert found[0] == InterfaceAddress(ip_address("127.0.0.1"), "lo", 8)
    assert "kube-ipvs0" in {entry.interface for entry in found}


ROUTES = [
    (
        {"dst": "default", "gateway": "192.0.2.1", "dev": "eth0", "flags": []},
        Route(ip_network("0.0.0.0/0"), "eth0", ip_address("192.0.2.1")),
    ),
    (
        {"dst": "default", "dev": "eth0", "metric": 1024, "pref": "medium"},
        Route(ip_network("::/0"), "eth0", None, 1024),
    ),
    (
        {"dst": "192.0.2.0/24", "dev": "eth0", "prefsrc": "192.0.2.2"},
        Route(ip_network("192.0.2.0/24"), "eth0", source=ip_address("192.0.2.2")),
    ),
    (
        {"type": "local", "dst": "127.0.0.1", "dev": "lo", "table": "local"},
        Route(ip_network("127.0.0.1/32"), "lo", kind="local", table="local"),
    ),
    (
        {"type": "blackhole", "dst": "10.7.0.0/16", "table": "77"},
        Route(ip_network("10.7.0.0/16"), None, kind="blackhole", table="77"),
    ),
    (
        {"dst": "10.8.0.0/16", "nexthops": [{"dev": "a"}, {"dev": "b", "gateway": "10.0.0.9"}]},
        Route(ip_network("10.8.0.0/16"), None, hops=(Hop("a"), Hop("b", ip_address("10.0.0.9")))),
    ),
    (
        {"dst": "10.8.0.0/16", "nexthops": [{"dev": "a", "flags": ["dead"]}, {"dev": "b"}]},
        Route(ip_network("10.8.0.0/16"), "b"),
    ),
    (
        {"dst": "10.7.0.0/16", "dev": "a", "flags": ["linkdown"]},
        Route(ip_network("10.7.0.0/16"), "a", hops=(Hop("a", linkdown=True),)),
    ),
]


@pytest.mark.parametrize(("entry", "route"), ROUTES)
def test_routes(entry: dict[str, object], route: Route) -> None:
    assert parse_routes(json.dumps([entry, {}])) == (route,)


def test_ports_of_bridges() -> None:
    links = [{"ifname": "veth1", "master": "cni0"}, {"ifname": "cni0"}, {}]
    assert parse_masters(json.dumps(links)) == {"veth1": "cni0"}


def test_dead_routes_are_not_taken_and_tables_are_named() -> None:
    dead = {"dst": "10.9.0.0/16", "dev": "x", "flags": ["dead", "linkdown"]}
    entries = [dead, *(entry for entry, _ in ROUTES)]
    assert further_tables(parse_routes(json.dumps(entries))) == ("77",)


USUAL: list[dict[str, object]] = [
    {"priority": 0, "src": "all", "table": "local"},
    {"priority": 32766, "src": "all", "table": "main"},
    {"priority": 32767, "src": "all", "table": "default"},
]


def test_the_rules_of_every_kernel_are_none() -> None:
    assert parse_rules(json.dumps(USUAL)) == ()
    assert parse_rules(json.dumps(USUAL[:2])) == ()
    marked = {"priority": 32765, "src": "all", "fwmark": "0x1", "table": "77"}
    found = parse_rules(json.dumps([*USUAL, marked]))
    assert [rule.table for rule in found] == ["local", "main", "default", "77"]
    moved = {"priority": 100, "src": "all", "table": "local"}
    assert parse_rules(json.dumps([moved, *USUAL[1:]]))[0].priority == 100


RULES: list[tuple[dict[str, object], dict[str, object]]] = [
    ({"src": "10.0.0.0", "srclen": 8, "table": "1"}, {"source": ip_network("10.0.0.0/8")}),
    ({"src": "10.0.0.1"}, {"source": ip_network("10.0.0.1/32")}),
    ({"dst": "fd00::", "dstlen": 8}, {"destination": ip_network("fd00::/8")}),
    ({"fwmark": "0x80", "fwmask": "0xff"}, {"mark": (0x80, 0xFF)}),
    ({"fwmark": "0xca6c", "not": None}, {"mark": (0xCA6C, 0xFFFFFFFF), "negated": True}),
    ({"iif": "d0", "iif_detached": None}, {"in_device": "d0"}),
    ({"oif": "d0"}, {"out_device": "d0"}),
    ({"uid_start": 0, "uid_end": 99}, {"uids": (0, 99)}),
    ({"ipproto": "tcp", "dport": 80}, {"protocol": 6, "ports": (80, 80)}),
    ({"sport_start": 1, "sport_end": 9}, {"source_ports": (1, 9)}),
    ({"table": "main", "suppress_prefixlen": 0}, {"suppress": 0}),
    ({"action": "blackhole"}, {"action": "blackhole"}),
    ({"nop": None}, {"action": "nop"}),
    ({"goto": 32766}, {"action": "goto", "goto": 32766}),
    ({"suppress_ifgroup": "3"}, {"clear": False}),
    ({"l3mdev": None}, {"clear": False}),
    ({"tos": "0x10"}, {"clear": False}),
    ({"action": "nat"}, {"action": "nat", "clear": False}),
]


@pytest.mark.parametrize(("entry", "fields"), RULES)
def test_words_of_rules(entry: dict[str, object], fields: dict[str, object]) -> None:
    (*_, rule) = parse_rules(json.dumps([*USUAL, {"priority": 5, "src": "all", **entry}]))
    plain = parse_rules(json.dumps([*USUAL, {"priority": 5, "src": "all", "table": "x"}]))[-1]
    expected = replace(plain, table=str(entry.get("table", "")), **fields)  # type: ignore[arg-type]
    assert replace(rule, family=None) == replace(expected, family=None)


@pytest.mark.parametrize(
    ("entries", "family"),
    [
        ([*USUAL, {"priority": 5, "src": "all", "table": "x"}], None),
        ([{"priority": 5, "src": "all", "table": "x"}, *USUAL], Family.IPV4),
        ([{"priority": 5, "src": "fd00::1", "table": "x"}, *USUAL[:2]], Family.IPV6),
        ([{"priority": 5, "src": "10.0.0.1", "table": "x"}, *USUAL[:2]], Family.IPV4),
        ([{"priority": 5, "src": "all", "table": "x"}, *USUAL[:2]], None),
    ],
)
def test_the_family_of_rules(entries: list[object], family: Family | None) -> None:
    assert {rule.family for rule in parse_rules(json.dumps(entries))} == {family}
    told = parse_rules(json.dumps(entries), Family.IPV6)
    assert {rule.family for rule in told} == {Family.IPV6}


@pytest.mark.parametrize(
    "text", ["[", "{}", "[1]", '[{"dst": "nowhere"}]', "Command line is not complete."]
)
def test_what_is_no_list_of_routes_is_an_error(text: str) -> None:
    with pytest.raises(ParseError):
        parse_routes(text)


@pytest.mark.parametrize(
    "entry", [{"src": "all"}, {"ifname": "lo", "addr_info": []}, {"priority": float("inf")}]
)
def test_what_is_no_rule(entry: dict[str, object]) -> None:
    with pytest.raises(ParseError, match="not an entry of rules"):
        parse_rules(json.dumps([*USUAL, entry]).replace("Infinity", "1e999"))


def test_an_empty_answer_has_none() -> None:
    assert parse_routes("") == ()
    assert parse_addresses("[]") == ()


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["dst", "dev", "addr_info", "local", "gateway", "via", "priority"]),
                inner,
            )
        ),
        max_leaves=8,
    )
)
def test_any_json_is_an_answer_or_a_parse_error(value: object) -> None:
    text = json.dumps([value])
    for parse in (parse_routes, parse_addresses, parse_masters, parse_rules):
        with contextlib.suppress(ParseError):
            parse(text)
