"""Sets as `ipset save` and `ipset list` print them."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.ipset import Device, IPSet, Mark, Member, Part, PortOf, SetName
from kubectl_svcnet.parse.ipset_save import parse_sets

FIXTURES = Path(__file__).parent.parent / "fixtures" / "iptables"
SAVES = sorted(FIXTURES.glob("*/ipset-save*.txt"))


def read(text: str) -> IPSet:
    (found,) = parse_sets(text).values()
    return found


def keys(text: str) -> dict[tuple[Part, ...], Member]:
    return dict(read(text).members)


TEN = ip_network("10.0.0.1/32")
MEMBERS = [
    ("hash:ip", "10.0.0.1", {(TEN,): Member()}),
    ("hash:ip,port", "10.0.0.1,udp:53", {(TEN, PortOf(17, 53)): Member()}),
    ("hash:ip,port", "10.0.0.1,80", {(TEN, PortOf(6, 80)): Member()}),
    ("hash:ip,port", "10.0.0.1,sctp:80-81", {(TEN, PortOf(132, n)): Member() for n in (80, 81)}),
    ("hash:ip,port", "10.0.0.1,icmp:echo-request", {(TEN, PortOf(1, 0)): Member()}),
    ("hash:ip,port,ip", "10.0.0.1,tcp:8,10.0.0.1", {(TEN, PortOf(6, 8), TEN): Member()}),
    (
        "hash:net,iface",
        "10.0.0.0/8,eth nomatch wildcard",
        {(ip_network("10.0.0.0/8"), Device("eth", True)): Member(nomatch=True)},
    ),
    ("hash:net", "10.0.0.1 timeout 0", {(TEN,): Member()}),
    (
        "hash:net",
        '10.0.0.1 timeout 5 packets 1 bytes 2 comment "a nomatch"',
        {(TEN,): Member(expires=True)},
    ),
    (
        "hash:ip",
        "10.0.0.0-10.0.0.2",
        {(ip_network(n),): Member() for n in ("10.0.0.0/31", "10.0.0.2/32")},
    ),
    ("hash:ip,mark", "10.0.0.1,0x4000", {(TEN, Mark(0x4000)): Member()}),
    ("bitmap:port range 0-65535", "80", {(PortOf(None, 80),): Member()}),
    ("list:set size 8", "other", {(SetName("other"),): Member()}),
]


@pytest.mark.parametrize(("kind", "member", "expected"), MEMBERS, ids=[row[1] for row in MEMBERS])
def test_members(kind: str, member: str, expected: object) -> None:
    assert keys(f"create a {kind}\nadd a {member}\n") == expected


UNCLEAR = [
    ("hash:mac", "00:11:22:33:44:55"),
    ("hash:ip,mac", "10.0.0.1,00:11:22:33:44:55"),
    ("bitmap:ip,mac", "10.0.0.1"),
    ("hash:net,iface", "10.0.0.0/8,physdev:eth0"),
    ("hash:ip", "10.0.0.300"),
    ("hash:ip", "10.0.0.1 newword"),
    ("hash:ip,port", "10.0.0.1,tcp:70000"),
]


@pytest.mark.parametrize(("kind", "member"), UNCLEAR)
def test_what_is_not_understood_is_kept(kind: str, member: str) -> None:
    found = read(f"create a {kind}\nadd a {member}\n")
    assert not found.members
    assert [one.raw for one in found.unclear] == [member]


def test_options_of_a_set() -> None:
    found = read("create a hash:ip,mark family inet6 hashsize 64 markmask 0x0000ff00 netmask 64\n")
    assert (found.family, found.netmask, found.markmask) == (Family.IPV6, 64, 0xFF00)
    assert read("create a bitmap:ip range 10.0.0.0/24\n").family is Family.IPV4
    assert read("create a bitmap:port range 0-1\n").bitmap
    assert read("create a list:set size 8\n").family is None
    assert read("create a hash:ip family inet bitmask 255.255.0.255\n").unclear
    nets = read("create a hash:net family inet\nadd a 10.0.0.0/8\nadd a 10.0.0.1\n")
    assert nets.lengths == (32, 8)


LIST = """\
Name: a
Type: hash:ip,port
Revision: 7
Header: family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x6c90a5da
Size in memory: 456
References: 1
Number of entries: 2
Members:
10.0.0.1,tcp:80
10.0.0.1,sctp:80 timeout 7

Name: d
Type: list:set
Revision: 3
Header: size 8
Size in memory: 176
References: 0
Number of entries: 1
Members:
a
"""


def test_list_says_the_same_as_save() -> None:
    save = (
        "create a hash:ip,port family inet hashsize 1024\nadd a 10.0.0.1,tcp:80\n"
        "add a 10.0.0.1,sctp:80 timeout 7\ncreate d list:set size 8\nadd d a\n"
    )
    assert parse_sets(LIST) == parse_sets(save)


@pytest.mark.parametrize("path", SAVES, ids=lambda path: path.parent.name)
def test_no_member_is_lost(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    sets = parse_sets(text)
    for name, found in sets.items():
        added = re.findall(rf"^add {re.escape(name)} ", text, re.MULTILINE)
        assert (len(found.members), found.unclear) == (len(added), ())
    assert len(sets) == text.count("create ")


@pytest.mark.parametrize(
    "text", ["ipset v7: error", "add a 1.2.3.4", "create a", "Name: a\nwhat", "Type: hash:ip\n"]
)
def test_what_is_no_listing_is_an_error(text: str) -> None:
    with pytest.raises(ParseError):
        parse_sets(
            text if text.startswith(("Name", "ipset", "add", "create")) else f"Name:\n\n{text}x"
        )


def test_nothing_is_no_set() -> None:
    assert parse_sets("") == {}


@given(st.text())
def test_any_text_is_sets_or_a_parse_error(text: str) -> None:
    for whole in (
        text,
        f"create a {text}",
        f"create a hash:ip,port\nadd a {text}",
        f"Name: {text}",
    ):
        try:
            parse_sets(whole)
        except ParseError:
            continue
