"""What the node does with a packet before and beside its rules; each row is the kernel's answer."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.fate import Backend, Fate
from kubectl_svcnet.model.nodeview import InterfaceAddress, Route, RoutingRule
from kubectl_svcnet.model.packet import Hook
from kubectl_svcnet.parse.iptables_save import parse_save

Ask = Callable[..., tuple[Fate, ...]]
Brief = Callable[[tuple[Fate, ...]], list[str]]

CONF = "net.ipv4.conf"
PLAIN = {
    "net.ipv4.ip_forward": "1",
    "net.bridge.bridge-nf-call-iptables": "1",
    f"{CONF}.eth0.forwarding": "1",
    f"{CONF}.cni0.forwarding": "1",
    **{
        f"{CONF}.{device}.{name}": "0"
        for device in ("all", "eth0", "cni0", "cali1")
        for name in ("route_localnet", "accept_local", "rp_filter")
    },
}
DNAT = "*nat\n-A PREROUTING -p tcp -j DNAT --to-destination 10.244.1.2:8080\nCOMMIT\n"
OUTSIDE: dict[str, Any] = {"source": ip_address("8.8.8.8"), "in_interface": "eth0"}
STRAY: dict[str, Any] = {"source": ip_address("8.8.8.8"), "in_interface": "cni0"}
OWN: dict[str, Any] = {"source": ip_address("192.168.0.1"), "in_interface": "eth0"}
UDP: dict[str, Any] = {"protocol": Protocol.UDP}
SELF: dict[str, Any] = {"hook": Hook.OUTPUT, "source": ip_address("127.0.0.1")}
BRIDGED: dict[str, Any] = {"physical_in": "veth1"}
JUMP = "-j DNAT --to-destination 127.0.0.1"

#: What stands out, destination, packet, sysctls, fates.
WAYS: list[tuple[str, str, dict[str, Any], dict[str, str], list[str]]] = [
    ("a broadcast to one's network", "192.168.0.255", UDP, {}, ["local 1"]),
    ("a broadcast to another one", "10.244.1.255", OUTSIDE | UDP, {}, ["local 1"]),
    ("a broadcast to all", "255.255.255.255", UDP, {}, ["local 1"]),
    ("all hosts", "224.0.0.1", UDP, {}, ["local 1"]),
    ("a group", "239.1.1.1", UDP, {}, ["drop 1", "local ?"]),
    ("a group, from here", "239.1.1.1", UDP | {"hook": Hook.OUTPUT}, {}, ["pass 1"]),
    ("a loopback source from here", "8.8.8.8", SELF, {}, ["drop 1"]),
    ("allowed", "8.8.8.8", SELF, {f"{CONF}.eth0.route_localnet": "1"}, ["pass 1"]),
    ("to itself", "192.168.0.1", SELF, {}, ["local 1"]),
    ("loopback from outside", "127.0.0.1", OUTSIDE, {}, ["drop 1"]),
    (
        "a loopback source from outside",
        "8.8.4.4",
        STRAY | SELF | {"hook": Hook.PREROUTING},
        {},
        ["drop 1"],
    ),
    ("the wrong device", "10.244.1.3", STRAY, {}, ["pass 1"]),
    ("strict", "10.244.1.3", STRAY, {f"{CONF}.all.rp_filter": "1"}, ["drop 1"]),
    ("strict here", "10.244.1.3", STRAY, {f"{CONF}.cni0.rp_filter": "1"}, ["drop 1"]),
    ("strict elsewhere", "10.244.1.3", STRAY, {f"{CONF}.eth0.rp_filter": "1"}, ["pass 1"]),
    (
        "loose counts more",
        "10.244.1.3",
        STRAY,
        {f"{CONF}.all.rp_filter": "1", f"{CONF}.cni0.rp_filter": "2"},
        ["pass 1"],
    ),
    ("strict and right", "10.244.1.3", OUTSIDE, {f"{CONF}.all.rp_filter": "1"}, ["pass 1"]),
    (
        "a device without an address is never loose",
        "10.244.1.3",
        STRAY | {"in_interface": "cali1"},
        {f"{CONF}.all.rp_filter": "2"},
        ["drop 1"],
    ),
    ("the node's own source", "10.244.1.3", OWN, {}, ["drop 1"]),
    ("accepted", "10.244.1.3", OWN, {f"{CONF}.eth0.accept_local": "1"}, ["pass 1"]),
    ("accepted elsewhere", "10.244.1.3", OWN, {f"{CONF}.cni0.accept_local": "1"}, ["drop 1"]),
    ("no forwarding by this device", "8.8.8.8", {}, {f"{CONF}.cni0.forwarding": "0"}, ["drop 1"]),
    ("by another", "8.8.8.8", {}, {f"{CONF}.eth0.forwarding": "0"}, ["pass 1"]),
]


@pytest.mark.parametrize(
    ("destination", "fields", "sysctls", "fates"),
    [way[1:] for way in WAYS],
    ids=[way[0] for way in WAYS],
)
def test_ways(
    ask: Ask,
    brief: Brief,
    destination: str,
    fields: dict[str, Any],
    sysctls: dict[str, str],
    fates: list[str],
) -> None:
    found = ask("", destination, view={"sysctls": PLAIN | sysctls}, **fields)
    assert brief(found) == fates


@pytest.mark.parametrize(
    ("of_all", "of_device", "name"),
    [
        ("1", "0", f"{CONF}.cni0.forwarding"),
        ("0", "0", "net.ipv4.ip_forward"),  # which has set the other
        ("0", None, "net.ipv4.ip_forward"),
        ("0", "1", None),
    ],
)
def test_which_sysctl_forwards_nothing(
    ask: Ask, of_all: str, of_device: str | None, name: str | None
) -> None:
    known = {"net.ipv4.ip_forward": of_all}
    known |= {f"{CONF}.cni0.forwarding": of_device} if of_device else {}
    (fate,) = ask("", "8.8.8.8", view={"sysctls": known})
    assert fate.because == (f"{name} is 0" if name else "")


def test_the_way_back_is_the_marks_where_src_valid_mark_says_so(ask: Ask, brief: Brief) -> None:
    mark = "*mangle\n-A PREROUTING -j MARK --set-mark 1\nCOMMIT\n"
    view = {
        "routing_rules": (RoutingRule(100, "9", mark=(1, 1)), RoutingRule(32766, "main")),
        "routes": (Route(ip_network("0.0.0.0/0"), "cni0", table="9"),),
    }
    strict = PLAIN | {f"{CONF}.all.rp_filter": "1"}
    for value, fates in (("0", ["drop 1"]), ("1", ["pass 1"])):
        sysctls = strict | {f"{CONF}.all.src_valid_mark": value}
        assert brief(ask(mark, "10.244.1.3", view=view | {"sysctls": sysctls}, **STRAY)) == fates


def test_frames_from_port_to_port_meet_rules_by_br_netfilter_alone(ask: Ask, brief: Brief) -> None:
    off = PLAIN | {"net.bridge.bridge-nf-call-iptables": "0"}
    routed = ["endpoint 10.244.1.2:8080 1"]
    for sysctls, to, fields, fates in (
        (PLAIN, "10.244.1.3", BRIDGED, routed),
        (off, "10.244.1.3", BRIDGED, ["pass 1"]),
        (off, "10.96.0.10", BRIDGED, routed),
        (off, "10.244.1.3", {}, routed),
        (off, "10.244.1.1", BRIDGED, routed),
        ({}, "10.244.1.3", BRIDGED, routed),
        (PLAIN | {f"{CONF}.cni0.forwarding": "0"}, "10.244.1.3", BRIDGED, routed),
    ):
        assert brief(ask(DNAT, to, view={"sysctls": sysctls}, **fields)) == fates, (to, fields)


def test_what_was_addressed_to_many_stays_so(ask: Ask, brief: Brief) -> None:
    """A translation does not make it a frame for this node, which alone is forwarded."""
    dnat = (
        "*nat\n-A PREROUTING -m addrtype ! --dst-type UNICAST -j DNAT --to-destination {}\nCOMMIT\n"
    )
    kinds = "*filter\n-A FORWARD -m pkttype ! --pkt-type unicast -j REJECT\nCOMMIT\n"
    near: dict[str, Any] = UDP | {"in_interface": "eth0", "source": ip_address("192.168.0.9")}
    for to, fields, fates in (
        ("192.168.0.255", UDP, ["endpoint 10.244.1.2:80 1"]),
        ("192.168.0.255", near, ["drop 1"]),
        ("255.255.255.255", UDP, ["drop 1"]),
        ("239.1.1.1", UDP, ["drop 1"]),
    ):
        text = dnat.format("10.244.1.2") + kinds
        assert brief(ask(text, to, view={"sysctls": PLAIN}, **fields)) == fates, (to, fields)


def test_frames_from_port_to_port_leave_by_a_port(ask: Ask, brief: Brief) -> None:
    text = "*filter\n-A FORWARD -m physdev --physdev-is-bridged -j DROP\nCOMMIT\n"
    for to, fields, fates in (
        ("10.244.1.3", BRIDGED, ["drop 1"]),
        ("8.8.8.8", BRIDGED, ["pass 1"]),
    ):
        assert brief(ask(text, to, view={"sysctls": PLAIN}, **fields)) == fates, to


def test_a_reset_of_a_bridged_packet_is_not_translated_back(ask: Ask) -> None:
    text = DNAT + "*filter\n-A FORWARD -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT\n"
    seen = "*filter\n-A OUTPUT -p tcp -j DROP\nCOMMIT\n"
    for to, legacy, fields, kind in (
        ("10.96.0.10", "", BRIDGED, "drop"),
        ("10.96.0.10", "", {}, "reject"),
        ("8.8.8.8", seen, {}, "drop"),
    ):
        (fate,) = ask(text, to, view={"sysctls": PLAIN, "legacy": legacy}, **fields)
        assert fate.kind.value == kind, (to, fields)
    (fate,) = ask(
        text.replace(DNAT, ""), view={"sysctls": PLAIN, "legacy": seen}, **BRIDGED
    )  # past OUTPUT
    assert fate.kind.value == "reject"


def test_ipv6_refuses_loopback_on_the_wire(ask: Ask, brief: Brief) -> None:
    six: dict[str, Any] = {
        "rulesets": {
            (Family.IPV6, backend): parse_save("", Family.IPV6, backend)
            for backend in (Backend.NFT, Backend.LEGACY)
        },
        "addresses": (InterfaceAddress(ip_address("fd00::1"), "eth0", 64),),
        "routes": (Route(ip_network("::/0"), "eth0", ip_address("fd00::9")),),
    }
    source = {"source": ip_address("fd00::5"), "in_interface": "eth0"}
    assert brief(ask("", "::1", view=six, **source)) == ["drop 1"]
    assert brief(ask("", "fd00::1", view=six, **source)) == ["local 1"]
    assert brief(ask("", "fd00::1", view=six, source=ip_address("::1"), in_interface="eth0")) == [
        "drop 1"
    ]
    assert brief(ask("", "::1", view=six, **source | {"in_interface": "lo"})) == ["local 1"]
