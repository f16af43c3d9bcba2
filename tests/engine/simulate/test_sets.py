"""A packet against ipsets of every type."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest

from kubectl_svcnet.model.fate import Fate
from kubectl_svcnet.model.packet import Hook
from kubectl_svcnet.parse.ipset_save import parse_sets

Ask = Callable[..., tuple[Fate, ...]]

SETS = parse_sets("""\
create ip hash:ip family inet
add ip 10.244.1.9
create ip24 hash:ip family inet netmask 24
add ip24 10.244.1.0
create six hash:ip family inet6
add six fd00::1
create ip-port hash:ip,port family inet
add ip-port 8.8.8.8,tcp:80
add ip-port 8.8.4.4,udp:80
create ip-port-ip hash:ip,port,ip family inet
add ip-port-ip 8.8.8.8,tcp:80,10.244.1.9
create ip-port-net hash:ip,port,net family inet
add ip-port-net 8.8.8.8,tcp:80,10.0.0.0/8
add ip-port-net 8.8.8.8,tcp:80,10.244.1.0/24 nomatch
add ip-port-net 8.8.8.8,tcp:80,10.244.1.8/31
create net hash:net family inet
add net 8.0.0.0/8
add net 8.8.0.0/16 nomatch
add net 10.244.0.0/16
create net-port hash:net,port family inet
add net-port 8.8.0.0/16,tcp:80
create net-iface hash:net,iface family inet
add net-iface 10.244.0.0/16,cni0
add net-iface 8.0.0.0/8,eth wildcard
create net-iface-two hash:net,iface family inet
add net-iface-two 10.0.0.0/8,eth0
add net-iface-two 10.244.0.0/16,cni0
create ports bitmap:port range 0-65535
add ports 80
create nobody hash:mac
add nobody 00:11:22:33:44:55
create none hash:mac
create who hash:ip,mac family inet
add who 10.244.1.9,00:11:22:33:44:55
create who6 hash:ip,mac family inet6
add who6 fd00::1,00:11:22:33:44:55
create timed hash:ip family inet timeout 60
add timed 8.8.8.8 timeout 7
create mark hash:ip,mark family inet markmask 0x0000ff00
add mark 8.8.8.8,0x00000100
create list list:set size 8
add list six
add list net
add list ip
create open list:set size 8
add open nobody
add open ip
""")

#: A match, and whether a packet from 10.244.1.9 to 8.8.8.8:80 has it.
ROWS = [
    ("ip src", "yes"),
    ("ip dst", "no"),
    ("ip24 src", "yes"),
    ("ip24 dst", "no"),
    ("six src", "no"),
    ("ip-port dst,dst", "yes"),
    ("ip-port dst,src", "no"),
    ("ip-port dst", "no"),
    ("ip-port dst,dst,src,src", "yes"),
    ("ip-port-ip dst,dst,src", "yes"),
    ("ip-port-ip dst,dst,dst", "no"),
    ("ip-port-net dst,dst,src", "yes"),
    ("ip-port-net dst,dst,dst", "no"),
    ("net dst", "no"),
    ("net src", "yes"),
    ("net dst --return-nomatch", "yes"),
    ("net src --return-nomatch", "no"),
    ("net-port dst,dst", "yes"),
    ("net-port dst,src", "no"),
    ("net-iface src,src", "yes"),
    ("net-iface src,dst", "no"),
    ("net-iface dst,dst", "yes"),
    ("net-iface-two src,src", "yes"),
    ("net-iface-two src,dst", "no"),  # the longest network has other devices alone
    ("ports dst", "yes"),
    ("ports src", "no"),
    ("nobody src", "unknown"),
    ("none src", "no"),
    ("who src,src", "unknown"),
    ("who src", "no"),
    ("who6 src,src", "no"),
    ("timed dst", "open"),
    ("timed src", "no"),
    ("mark dst,dst", "no"),
    ("list src", "yes"),
    ("list dst", "no"),
    ("open src", "yes"),
    ("open dst", "unknown"),
    ("missing dst", "unknown"),
]


def drops(ask: Ask, words: str, **fields: Any) -> str:
    view = {"sets": SETS, **fields.pop("view", {})}
    text = f"*filter\n-A FORWARD -m set {words} -j DROP\n-A OUTPUT -m set {words} -j DROP\nCOMMIT\n"
    destination = fields.pop("destination", "8.8.8.8")
    fates = ask(text, destination, view=view, **fields)
    kinds = sorted(fate.kind.value for fate in fates)
    words_for = {"drop": "yes", "pass": "no", "drop pass": "open"}
    return words_for.get(" ".join(kinds), " ".join(kinds))


@pytest.mark.parametrize(("words", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_sets(ask: Ask, words: str, expected: str) -> None:
    assert drops(ask, f"--match-set {words}") == expected
    turned = {"yes": "no", "no": "yes"}.get(expected, expected)
    assert drops(ask, f"! --match-set {words}") == turned


def test_a_mark_is_cut_before_it_is_looked_up(ask: Ask) -> None:
    assert drops(ask, "--match-set mark dst,dst", mark=0x70100) == "yes"
    assert drops(ask, "--match-set mark dst,dst", mark=0x0200) == "no"


def test_a_port_that_only_the_client_knows(ask: Ask) -> None:
    assert drops(ask, "--match-set ports src", source_port=80) == "yes"
    assert drops(ask, "--match-set ports src", source_port=None) == "open"
    assert drops(ask, "--match-set net-iface src,src", hook=Hook.OUTPUT) == "no"


def test_a_set_that_was_not_read_is_wanted_where_it_matters(ask: Ask) -> None:
    text = "*{}\n-A {} -m set --match-set ip dst -j DROP\nCOMMIT\n"
    (fate,) = ask(text.format("filter", "FORWARD"), "8.8.8.8")
    assert fate.kind.value == "unread"
    assert [(one.table, one.chain) for one in fate.unread] == [("ipset", "ip")]
    (fate,) = ask(text.format("filter", "INPUT"), "8.8.8.8")
    assert fate.kind.value == "pass"
    same = text.format("filter", "FORWARD").replace("DROP", "ACCEPT")
    assert [one.kind.value for one in ask(same, "8.8.8.8")] == ["pass"]


def test_an_answer_to_a_refused_packet_has_no_port(ask: Ask) -> None:
    text = "*filter\n-A FORWARD -j REJECT\n-A OUTPUT -m set --match-set {} -j DROP\nCOMMIT\n"
    view = {"sets": SETS}
    source = {"source": ip_address("10.244.1.9"), "view": view}
    assert ask(text.format("ports src"), "8.8.8.8", **source)[0].kind.value == "reject"
    assert ask(text.format("ip dst"), "8.8.8.8", **source)[0].kind.value == "drop"
