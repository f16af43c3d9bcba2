"""Translations, marks and maps of native rules, and what doubt does to them."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.model.packet import Hook
from kubectl_svcnet.parse.nftables import parse_ruleset
from tests.engine.simulate.conftest import Ask
from tests.engine.simulate.test_nft_chains import DNAT, FILTER, Brief, table

SNAT = "type nat hook postrouting priority srcnat; policy accept;"
OUTPUT = "type nat hook output priority dstnat; policy accept;"
TO = "10.244.1.2"


def ask_nft(ask: Ask, text: str, **fields: Any) -> Any:
    view = {"nft_tables": parse_ruleset(text)} | fields.pop("view", {})
    return ask("", fields.pop("destination", "10.96.0.10"), view=view, **fields)


@pytest.mark.parametrize(
    ("rule", "fates"),
    [
        ("dnat to 10.244.1.2:8080", [f"endpoint {TO}:8080 1"]),
        ("dnat to 10.244.1.2", [f"endpoint {TO}:80 1"]),
        ("dnat to 10.244.1.2:8080-8081", [f"endpoint {TO}:8080 1"]),
        (
            "dnat to 10.244.1.2:8080-8081 random",
            [f"endpoint {TO}:8080 0.5", f"endpoint {TO}:8081 0.5"],
        ),
        ("dnat to 10.244.1.2/31:80", ["endpoint 10.244.1.2:80 1"]),
        (
            "dnat ip to numgen random mod 3 map { 0 : 10.244.1.2 . 81, 1 : 10.244.1.3 . 82 }",
            ["endpoint 10.244.1.2:81 0.33", "endpoint 10.244.1.3:82 0.33", "pass 0.33"],
        ),
        (
            "dnat to numgen inc mod 2 map { 0 : 10.244.1.2, 1 : 10.244.1.3 }:90",
            ["endpoint 10.244.1.2:90 ?", "endpoint 10.244.1.3:90 ?"],
        ),
        ("dnat to tcp dport map { 80 : 10.244.1.2 }", [f"endpoint {TO}:80 1"]),
        ("dnat to tcp dport map { 81 : 10.244.1.2 }", ["pass 1"]),
        ("tcp dport 81 dnat to 10.244.1.2", ["pass 1"]),
        ("redirect to :15001", ["endpoint 10.244.1.1:15001 1"]),
        ("redirect to tcp dport map { 80 : 15001 }", ["endpoint 10.244.1.1:15001 1"]),
        (
            "redirect to :15001-15002 random",
            ["endpoint 10.244.1.1:15001 0.5", "endpoint 10.244.1.1:15002 0.5"],
        ),
        ("dnat to ip checksum map { 3 : 10.244.1.2 }", ["unknown 1"]),
        # the first translation wins
        ("dnat to 10.244.1.2:1\ndnat to 10.244.1.3:2", [f"endpoint {TO}:1 1"]),
        # a set that rules add to: nobody is in it yet, and somebody may be
        (
            "ip saddr @seen dnat to 10.244.1.2\ndnat to 10.244.1.3",
            ["endpoint 10.244.1.2:80 ?", "endpoint 10.244.1.3:80 1"],
        ),
    ],
)
def test_destinations(ask: Ask, brief: Brief, rule: str, fates: list[str]) -> None:
    seen = "\tset seen {\n\t\ttype ipv4_addr\n\t\tflags dynamic\n\t}\n"
    text = table(a=f"{DNAT}\n{rule}").replace("{\n", "{\n" + seen, 1)
    assert brief(ask_nft(ask, text)) == fates


@pytest.mark.parametrize(
    ("rule", "masquerade"),
    [
        ("masquerade", True),
        ("snat to 192.168.0.1", True),
        ("meta mark & 0x4000 == 0x4000 masquerade", False),
        ("meta mark set meta mark | 0x4000 meta mark & 0x4000 == 0x4000 masquerade", True),
        ("ct status dnat masquerade", False),
        ('oifname "eth0" masquerade', True),
        ('oifname "cni*" masquerade', False),
        ("meta mark set ip saddr map { 10.244.1.0/24 : 0x4000 } mark 0x4000 masquerade", True),
        ("ct mark set 0x1 ct mark 0x1 masquerade", True),
        ("fib saddr type local masquerade", False),
    ],
)
def test_sources(ask: Ask, rule: str, masquerade: bool) -> None:
    (fate,) = ask_nft(ask, table(a=f"{SNAT}\n{rule}"), destination="8.8.8.8")
    assert fate.masquerade is masquerade


@pytest.mark.parametrize(("words", "masquerade"), [("", {False}), (" random", {False, True})])
def test_a_source_in_the_range_stays(ask: Ask, words: str, masquerade: set[bool]) -> None:
    """Unless its port is to be any (get_unique_tuple)."""
    rule = f"snat to 10.244.1.8-10.244.1.9{words}"
    fates = ask_nft(ask, table(a=f"{SNAT}\n{rule}"), destination="8.8.8.8")
    assert {fate.masquerade for fate in fates} == masquerade


@pytest.mark.parametrize(
    ("rule", "protocol", "kind"),
    [
        ("reject with tcp reset", Protocol.TCP, "reject"),
        ("reject with tcp reset", Protocol.UDP, "pass"),  # nft does not list that it is for TCP
        ("reject with icmp host-unreachable", Protocol.UDP, "reject"),
        ("reject with icmpv6 no-route", Protocol.UDP, "pass"),
        ("reject with icmpx admin-prohibited", Protocol.UDP, "reject"),
        ("ip daddr & 255.0.0.255 == 8.0.0.8 drop", Protocol.UDP, "drop"),
        ("ip daddr & 255.0.0.255 != 8.0.0.8 drop", Protocol.UDP, "pass"),
    ],
)
def test_what_a_reject_is_for(ask: Ask, rule: str, protocol: Protocol, kind: str) -> None:
    text = table(a=f"{FILTER}\n{rule}")
    (fate,) = ask_nft(ask, text, destination="8.8.8.8", protocol=protocol)
    assert fate.kind.value == kind


def test_a_device_that_is_not_known_may_be_any_of_a_map(ask: Ask, brief: Brief) -> None:
    vmap = 'iifname vmap { "eth0" : drop, "eth1" : accept }'
    text = table(a=f"{FILTER}\n{vmap}")
    assert brief(ask_nft(ask, text, destination="8.8.8.8", in_interface=None)) == ["unknown 1"]
    text = table(a=f"{FILTER}\n{vmap.replace('drop', 'continue')}")
    assert brief(ask_nft(ask, text, destination="8.8.8.8", in_interface=None)) == ["pass 1"]


def test_a_connection_that_is_not_there_has_no_mark(ask: Ask) -> None:
    raw = "type filter hook prerouting priority raw; policy accept;\nct mark set 0x1"
    text = table(r=raw, a=f"{SNAT}\nct mark 0x1 masquerade")
    (fate,) = ask_nft(ask, text, destination="8.8.8.8")
    assert fate.masquerade is False


def test_notrack_comes_too_late_behind_raw(ask: Ask) -> None:
    text = table(f=f"{FILTER}\nnotrack", a=f"{SNAT}\nmasquerade")
    (fate,) = ask_nft(ask, text, destination="8.8.8.8")
    assert fate.masquerade is True


def test_notrack_means_no_translation(ask: Ask, brief: Brief) -> None:
    raw = "type filter hook prerouting priority raw; policy accept;\nnotrack"
    assert brief(ask_nft(ask, table(r=raw, a=f"{DNAT}\ndnat to 10.244.1.2"))) == ["pass 1"]


def test_a_translation_in_output(ask: Ask, brief: Brief) -> None:
    text = table(a=f"{OUTPUT}\nmeta skuid 0 dnat to 10.244.1.2:1")
    assert brief(ask_nft(ask, text, hook=Hook.OUTPUT)) == [f"endpoint {TO}:1 1"]


def test_a_reject_is_answered_through_the_rules(ask: Ask, brief: Brief) -> None:
    out = "type filter hook output priority filter; policy accept;\nmeta l4proto icmp drop"
    text = table(a=f"{FILTER}\nreject", o=out)
    assert brief(ask_nft(ask, text, destination="8.8.8.8")) == ["drop 1"]
    text = table(a=f"{FILTER}\nreject with tcp reset", o=out)
    source = ip_address("10.244.1.9")
    assert brief(ask_nft(ask, text, destination="8.8.8.8", source=source)) == ["reject 1"]
