"""`iptables -L` as iptables 1.8.9 (nft) prints it, and as web pages print it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.model.service import ServiceName
from kubectl_svcnet.parse.iptables_list import parse_listing

GUIDE = Path(__file__).parents[1] / "fixtures" / "guide" / "iptables-list.txt"
DB = ServiceName("default", "db-service")

HEADED = """\
Chain PREROUTING (policy ACCEPT 0 packets, 0 bytes)
num   pkts bytes target     prot opt in     out     source               destination
1       12  3K KUBE-SVC-A  6 --  *      *     0.0.0.0/0  10.96.0.9 /* a/db: cluster IP */ tcp dpt:80

Chain KUBE-SEP-A (1 references)
num   pkts bytes target     prot opt in     out     source               destination
1        0     0 DNAT       6  --  lo    *     ::/0   ::/0   /* a/db:http */ tcp to:[fd00::2]:80
2        0     0            0    --  *      *       0.0.0.0/0            0.0.0.0/0
"""


def test_the_guide() -> None:
    text = GUIDE.read_text()
    listing = parse_listing(text)
    assert [rule.raw for rule in listing.rules] == text.splitlines()
    dispatch, dnat, jump = listing.rules
    assert (dispatch.target, dispatch.protocol) == ("KUBE-SVC-XA5OGUC7YRHOS3PU", Protocol.TCP)
    assert (dispatch.service, dispatch.port_name) == (DB, "")
    assert dnat.target == "DNAT"
    assert (jump.target, jump.protocol) == ("KUBE-SEP-JBWCWHHQM57V2WN7", None)


def test_heads_counters_numbers_and_devices() -> None:
    listing = parse_listing(HEADED)
    assert [rule.target for rule in listing.rules] == ["KUBE-SVC-A", "DNAT", ""]
    assert listing.rules[1].port_name == "http"
    assert len(listing.heads) == 4
    assert listing.unknown == ()


@pytest.mark.parametrize(
    "text",
    [
        GUIDE.read_text(),
        HEADED,
        "",
        "\n\n",
        "sh: iptables: not found\n",
        "KUBE-SVC-A tcp – anywhere anywhere\n",
        "-- --\n/* -- */\nDNAT tcp --\n",
        "a b c d e f -- g h\n\x1b[2J\x00 tcp -- x y\n",
    ],
)
def test_no_line_is_lost(text: str) -> None:
    listing = parse_listing(text)
    kept = [r.raw for r in listing.rules] + [*listing.heads] + [u.raw for u in listing.unknown]
    assert sorted(kept) == sorted(line for line in text.splitlines() if line.strip())


@pytest.mark.parametrize(
    ("line", "target", "protocol"),
    [
        ("X  tcp  --  anywhere anywhere", "X", Protocol.TCP),
        ("X  17  --  anywhere anywhere", "X", Protocol.UDP),
        ("X  tcp  –  anywhere anywhere", "X", Protocol.TCP),
        ("X  all  -f  anywhere anywhere", "X", None),
        ("   all  !f  anywhere anywhere", "", None),
        ("7  X  sctp  --  anywhere anywhere", "X", Protocol.SCTP),
    ],
)
def test_targets_and_protocols(line: str, target: str, protocol: Protocol | None) -> None:
    (rule,) = parse_listing(line).rules
    assert (rule.target, rule.protocol) == (target, protocol)


def test_cut_short() -> None:
    text = GUIDE.read_text()
    for end in range(len(text)):
        parse_listing(text[:end])
