"""Routing rules: which of them a packet meets, and where their tables send it."""

from __future__ import annotations

import json
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.fate import Backend, Fate, FateKind
from kubectl_svcnet.model.nodeview import Hop, InterfaceAddress, Route
from kubectl_svcnet.model.packet import Hook
from kubectl_svcnet.parse.ip_json import parse_rules
from kubectl_svcnet.parse.iptables_save import parse_save

Ask = Callable[..., tuple[Fate, ...]]

ROUTES = (
    Route(ip_network("192.168.0.0/24"), "eth0"),
    Route(ip_network("10.244.1.0/24"), "cni0"),
    Route(ip_network("0.0.0.0/0"), "eth0", ip_address("192.168.0.254")),
    Route(ip_network("0.0.0.0/0"), "tun0", table="100"),
    Route(ip_network("8.8.4.4/32"), None, kind="throw", table="100"),
    Route(ip_network("8.8.0.0/16"), None, kind="unreachable", table="101"),
    Route(ip_network("0.0.0.0/0"), "lo", kind="local", table="2004"),
)
LOCAL = {"priority": 0, "src": "all", "table": "local"}
REST = [
    {"priority": 32766, "src": "all", "table": "main"},
    {"priority": 32767, "src": "all", "table": "default"},
]


def way(ask: Ask, *rules: dict[str, Any], to: str = "8.8.8.8", **fields: Any) -> str:
    """By which device it leaves, or what else becomes of it."""
    entries = [LOCAL, *({"priority": 9, "src": "all", **rule} for rule in rules), *REST]
    view = {"routes": ROUTES, "routing_rules": parse_rules(json.dumps(entries))}
    for device in ("eth0", "tun0", "cni0"):
        text = f"*mangle\n-A POSTROUTING -o {device} -j DROP\nCOMMIT\n"
        (fate,) = ask(text, to, view=view, **fields)
        if fate.kind is FateKind.DROP:
            return device
    return fate.kind.value


T100 = {"table": "100"}
SENDERS = {"sport_start": 1, "sport_end": 65535}
ROWS: list[tuple[str, list[dict[str, Any]], dict[str, Any], str]] = [
    ("no rule", [], {}, "eth0"),
    ("any source", [T100], {}, "tun0"),
    ("from", [T100 | {"src": "10.244.0.0", "srclen": 16}], {}, "tun0"),
    ("not from there", [T100 | {"src": "10.9.0.0", "srclen": 16}], {}, "eth0"),
    ("not", [T100 | {"src": "10.9.0.0", "srclen": 16, "not": None}], {}, "tun0"),
    ("to", [T100 | {"dst": "8.8.0.0", "dstlen": 16}], {}, "tun0"),
    ("mark", [T100 | {"fwmark": "0x80", "fwmask": "0xff"}], {"mark": 0x180}, "tun0"),
    ("other mark", [T100 | {"fwmark": "0x80"}], {"mark": 0x180}, "eth0"),
    ("iif", [T100 | {"iif": "cni0"}], {}, "tun0"),
    ("iif lo is of the node", [T100 | {"iif": "lo"}], {}, "eth0"),
    ("oif", [T100 | {"oif": "eth0"}], {}, "eth0"),
    ("uids", [T100 | {"uid_start": 0, "uid_end": 9}], {}, "tun0"),
    ("other uids", [T100 | {"uid_start": 1, "uid_end": 9}], {}, "eth0"),
    ("port", [T100 | {"ipproto": "tcp", "dport": 80}], {}, "tun0"),
    ("other protocol", [T100 | {"ipproto": "udp"}], {}, "eth0"),
    ("source port", [T100 | {"sport": 40000}], {}, "tun0"),
    ("throw goes on", [T100], {"to": "8.8.4.4"}, "eth0"),
    ("unreachable", [{"table": "101"}], {}, "reject"),
    ("a table without a route goes on", [{"table": "101"}], {"to": "9.9.9.9"}, "eth0"),
    ("blackhole", [{"action": "blackhole"}], {}, "drop"),
    ("nop", [{"nop": None}], {}, "eth0"),
    ("suppressed", [{"table": "main", "suppress_prefixlen": 0}, T100], {}, "tun0"),
    (
        "not suppressed",
        [{"table": "main", "suppress_prefixlen": 0}, T100],
        {"to": "10.244.1.7"},
        "cni0",
    ),
    (
        "local by mark",
        [{"table": "2004", "fwmark": "0x200", "fwmask": "0xf00"}],
        {"mark": 0x200},
        "local",
    ),
    ("local comes first", [T100], {"to": "192.168.0.1"}, "local"),
    ("not clear", [T100 | {"tos": "0x10"}], {}, "unknown"),
    ("not clear, no difference", [{"table": "main", "sport": 7}], {"source_port": None}, "eth0"),
    ("no sender's port", [T100 | {"sport": 7}], {"source_port": None}, "eth0"),
    ("all senders' ports", [T100 | SENDERS], {"source_port": None}, "tun0"),
    ("not known", [T100 | {"iif": "cni0"}], {"in_interface": None}, "unknown"),
    ("no difference", [{"table": "main", "iif": "cni0"}], {"in_interface": None}, "eth0"),
    ("goto", [T100 | {"priority": 8, "goto": 32766}, T100], {}, "eth0"),
    ("goto where no rule is", [{"priority": 8, "goto": 10000}, T100], {}, "tun0"),
    ("goto of others", [{"priority": 8, "goto": 32766, "iif": "eth0"}, T100], {}, "tun0"),
    ("goto, not clear", [{"priority": 8, "goto": 32766, "tos": "0x10"}, T100], {}, "unknown"),
]


def test_where_the_sender_s_port_decides_both_ways_are_walked(ask: Ask) -> None:
    entries = [LOCAL, {"priority": 9, "src": "all", "sport": 2000, **T100}, *REST]
    view = {"routes": ROUTES, "routing_rules": parse_rules(json.dumps(entries))}
    text = "*filter\n-A FORWARD -o tun0 -j DROP\nCOMMIT\n"
    kinds = {
        fate.kind: fate.probability for fate in ask(text, "8.8.8.8", view=view, source_port=None)
    }
    assert kinds == {FateKind.PASS: None, FateKind.DROP: None}


@pytest.mark.parametrize(
    ("rules", "fields", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_rules(
    ask: Ask, rules: list[dict[str, Any]], fields: dict[str, Any], expected: str
) -> None:
    if expected == "drop":
        entries = [LOCAL, {"priority": 9, "src": "all", **rules[0]}, *REST]
        view = {"routes": ROUTES, "routing_rules": parse_rules(json.dumps(entries))}
        assert [one.kind for one in ask("", "8.8.8.8", view=view)] == [FateKind.DROP]
    else:
        assert way(ask, *rules, **fields) == expected


OWN = {"hook": Hook.OUTPUT}


def test_a_process_of_the_node(ask: Ask) -> None:
    assert way(ask, T100 | {"iif": "lo"}, **OWN) == "tun0"
    # It has no source yet when it asks first, and asks again when it has one.
    assert way(ask, T100 | {"src": "192.168.0.1"}, **OWN) == "tun0"
    assert way(ask, T100 | {"src": "10.9.9.9"}, **OWN) == "eth0"


def test_a_mark_that_mangle_sets(ask: Ask) -> None:
    entries = [LOCAL, {"priority": 9, "src": "all", "fwmark": "0x1", **T100}, *REST]
    view = {"routes": ROUTES, "routing_rules": parse_rules(json.dumps(entries))}
    text = "*mangle\n-A {} -j MARK --set-mark 0x1\n-A POSTROUTING -o tun0 -j DROP\nCOMMIT\n"
    (fate,) = ask(text.format("PREROUTING"), "8.8.8.8", view=view)
    assert fate.kind is FateKind.DROP
    (fate,) = ask(text.format("OUTPUT"), "8.8.8.8", view=view, **OWN)
    assert fate.kind is FateKind.DROP
    later = text.replace("*mangle", "*filter").replace("-A POST", "COMMIT\n*mangle\n-A POST")
    (fate,) = ask(later.format("OUTPUT"), "8.8.8.8", view=view, **OWN)
    assert fate.kind is FateKind.PASS  # only mangle asks for the way anew


def test_a_hash_takes_one_of_several_hops(ask: Ask) -> None:
    hops = Hop("eth0", ip_address("192.168.0.254")), Hop("tun0")
    routes = (*ROUTES[:2], Route(ip_network("0.0.0.0/0"), None, hops=hops))
    text = "*nat\n-A POSTROUTING -o tun0 -j MASQUERADE\nCOMMIT\n"
    fates = ask(text, "8.8.8.8", view={"routes": routes})
    assert [(fate.masquerade, fate.probability) for fate in fates] == [(False, None), (True, None)]
    (own,) = ask(text, "8.8.8.8", view={"routes": routes}, **OWN)
    assert own.masquerade is False  # tun0 has no address, so both ways it is from eth0's


def test_a_mark_of_nat_moves_nothing(ask: Ask) -> None:
    entries = [LOCAL, {"priority": 9, "src": "all", "fwmark": "0x1", **T100}, *REST]
    view = {"routes": ROUTES, "routing_rules": parse_rules(json.dumps(entries))}
    text = "*nat\n-A OUTPUT -j MARK --set-mark 0x1\nCOMMIT\n"
    text += "*mangle\n-A POSTROUTING -o tun0 -j DROP\nCOMMIT\n"
    (fate,) = ask(text, "8.8.8.8", view=view, **OWN)
    assert fate.kind is FateKind.PASS


def test_a_datagram_goes_with_a_connection_or_without(ask: Ask) -> None:
    """Only connect asks for the way again once there is a source (ip_route_connect)."""
    entries = [LOCAL, {"priority": 9, "src": "192.168.0.1", **T100}, *REST]
    view = {"routes": ROUTES, "routing_rules": parse_rules(json.dumps(entries))}
    text = "*mangle\n-A POSTROUTING -o tun0 -j DROP\nCOMMIT\n"
    (fate,) = ask(text, "8.8.8.8", view=view, **OWN)
    assert fate.kind is FateKind.DROP
    fates = ask(text, "8.8.8.8", view=view, protocol=Protocol.UDP, **OWN)
    assert {fate.kind for fate in fates} == {FateKind.DROP, FateKind.PASS}


def test_ipv6_keeps_the_first_way_that_is_one(ask: Ask) -> None:
    mine = InterfaceAddress(ip_address("fd00::1"), "eth0", 64)
    entries = [LOCAL, {"priority": 9, "src": "fd00::1", **T100}, REST[0]]
    text = "*mangle\n-A POSTROUTING -o tun0 -j DROP\nCOMMIT\n"
    view = {
        "addresses": (mine,),
        "routes": (
            Route(ip_network("::/0"), "eth0"),
            Route(ip_network("::/0"), "tun0", table="100"),
        ),
        "routing_rules": parse_rules(json.dumps(entries)),
        "rulesets": {
            (Family.IPV6, backend): parse_save(rules, Family.IPV6, backend)
            for backend, rules in ((Backend.NFT, text), (Backend.LEGACY, ""))
        },
    }
    (fate,) = ask("", "fd01::9", view=view, **OWN)
    assert fate.kind is FateKind.PASS


def test_a_way_back_that_nobody_knows_is_not_taken_for_right(ask: Ask) -> None:
    entries = [LOCAL, {"priority": 9, "src": "all", "tos": "0x10", **T100}, *REST]
    names = [f"net.ipv4.conf.{one}.rp_filter" for one in ("all", "cni0")]
    view = {
        "routes": ROUTES,
        "routing_rules": parse_rules(json.dumps(entries)),
        "sysctls": dict.fromkeys(names, "1"),
    }
    (fate,) = ask("", "192.168.0.1", view=view)
    assert fate.kind is FateKind.UNKNOWN
    assert "rp_filter" in fate.because
