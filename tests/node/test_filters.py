"""What the node may leave behind: never a line that could matter. Python's re and real grep."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_svcnet.node.filters import (
    CHAIN_LISTING,
    any_of,
    other_addresses,
    other_chains,
    other_words,
    picked_from_nft,
)

HASH = st.text("ABCXYZ234567", min_size=16, max_size=16)
KINDS = ("KUBE-SVC-", "KUBE-SVL-", "KUBE-SEP-", "KUBE-EXT-", "KUBE-FW-", "KUBE-XLB-")
V4 = st.integers(0, 0xFFFF).map(lambda n: IPv4Address(0x0A600000 + n))
V6 = st.integers(0, 0xFFFF).map(lambda n: IPv6Address((0xFD00_0010_0096 << 80) + n))


def left(pattern: str, lines: Iterable[str]) -> set[str]:
    """What stays on the node, after both have said the same."""
    lines = list(lines)
    by_re = {line for line in lines if re.search(pattern, line)}
    if shutil.which("grep"):
        asked = subprocess.run(
            ["grep", "-E", pattern],
            input="\n".join(lines) + "\n",
            capture_output=True,
            text=True,
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            check=False,
        )
        assert asked.stderr == ""
        assert {line for line in asked.stdout.splitlines() if line} == by_re - {""}
    return by_re


def own_lines(chains: Iterable[str]) -> list[str]:
    return [
        line
        for chain in chains
        for line in (
            f":{chain} - [0:0]",
            f'-A {chain} -s 10.244.1.2/32 -m comment --comment "a/b:c" -j KUBE-MARK-MASQ',
            f"-A {chain} -p tcp -m tcp -j DNAT --to-destination 10.244.1.2:80",
            f"-N {chain}",
        )
    ]


def dispatch_lines(address: object, length: int, chain: str) -> list[str]:
    rest = '-p tcp -m comment --comment "a/b:c cluster IP" -m tcp --dport 80'
    return [
        f"-A KUBE-SERVICES -d {address}/{length} {rest} -j {chain}",
        f"-A KUBE-SERVICES ! -s 10.244.0.0/16 -d {address}/{length} {rest} -j KUBE-MARK-MASQ",
    ]


def begins_one_of(address: object, addresses: Iterable[object]) -> bool:
    """10.96.0.1 begins 10.96.0.10, and is sent with it: that costs a line, and loses none."""
    return any(str(one).startswith(str(address)) for one in addresses)


#: Never left behind, whatever is asked for: {a} is the address of another Service.
KEPT = [
    "-A KUBE-SERVICES ! -d {a}/32 -p tcp -j KUBE-SVC-AAAAAAAAAAAAAAAA",
    "-A KUBE-SERVICES -d 10.96.0.0/16 -p tcp -j KUBE-SVC-AAAAAAAAAAAAAAAA",
    "-A KUBE-SERVICES -p tcp -m tcp --dport 80 -j KUBE-SVC-AAAAAAAAAAAAAAAA",
    "-A KUBE-SERVICES -s {a}/32 -p tcp -j KUBE-MARK-MASQ",
    "-A KUBE-SERVICES -m iprange --dst-range {a}-{a} -j KUBE-SVC-AAAAAAAAAAAAAAAA",
    "-A KUBE-SERVICES -d {a}/32 -p tcp -j REJECT --reject-with icmp-port-unreachable",
    "-A KUBE-SERVICES -d {a}/32 -p tcp -j DROP",
    "-A KUBE-SERVICES -d {a}/32 -j DNAT --to-destination 10.0.0.1",
    "-A KUBE-SERVICES -d {a}/32 -j MY-CHAIN",
    "-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
    "-A PREROUTING -d {a}/32 -j KUBE-SVC-AAAAAAAAAAAAAAAA",
    "-A KUBE-EXTERNAL-SERVICES -d {a}/32 -j DROP",
    "-A KUBE-PROXY-FIREWALL -d {a}/32 -j DROP",
    "-A KUBE-POSTROUTING -j MASQUERADE",
    "-A KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -j KUBE-EXT-AAAAAAAAAAAAAAAA",
    "-A cali-PREROUTING -j cali-from-hep",
    ":KUBE-SERVICES - [0:0]",
    ":KUBE-POSTROUTING - [0:0]",
    ":PREROUTING ACCEPT [0:0]",
    "-P PREROUTING ACCEPT",
    "*nat",
    "COMMIT",
]


@settings(max_examples=60, deadline=None)
@given(
    st.sets(st.tuples(st.sampled_from(KINDS), HASH).map("".join), max_size=8),
    st.sets(V4, min_size=1, max_size=6),
    st.sets(st.tuples(st.sampled_from(KINDS), HASH).map("".join), max_size=8),
    st.sets(V4, max_size=8),
)
def test_nothing_that_matters_is_left_behind(
    chains: set[str],
    addresses: set[IPv4Address],
    others: set[str],
    elsewhere: set[IPv4Address],
) -> None:
    pattern = any_of(other_chains(chains), other_addresses(addresses))
    target = next(iter(chains), "KUBE-SVC-AAAAAAAAAAAAAAAA")
    must = own_lines(chains)
    for address in addresses:
        must += dispatch_lines(address, 32, target)
    must += [line.format(a=a) for a in elsewhere | addresses for line in KEPT]
    may = own_lines(others - chains)
    for address in elsewhere - addresses:
        may += dispatch_lines(address, 32, target)
    gone = left(pattern, [*must, *may])
    assert not gone & set(must)
    # and a rule of another single address never travels
    for address in elsewhere - addresses:
        if not begins_one_of(address, addresses):
            assert set(dispatch_lines(address, 32, target)) <= gone


@settings(max_examples=40, deadline=None)
@given(st.sets(V6, min_size=1, max_size=6), st.sets(V6, max_size=8))
def test_ipv6(addresses: set[IPv6Address], elsewhere: set[IPv6Address]) -> None:
    pattern = any_of(other_addresses(addresses))
    must = [x for a in addresses for x in dispatch_lines(a, 128, "KUBE-SVC-AAAAAAAAAAAAAAAA")]
    must += ["-A KUBE-SERVICES -d fd00:10:96::/112 -p tcp -j KUBE-SVC-AAAAAAAAAAAAAAAA"]
    must += ["-A KUBE-SERVICES ! -d fd00:10:96::1/128 -p tcp -j KUBE-SVC-AAAAAAAAAAAAAAAA"]
    may = [
        x
        for a in elsewhere - addresses
        for x in dispatch_lines(a, 128, "KUBE-SVC-AAAAAAAAAAAAAAAA")
    ]
    gone = left(pattern, [*must, *may])
    assert not gone & set(must)
    for address in elsewhere - addresses:
        if not begins_one_of(address, addresses):
            assert set(dispatch_lines(address, 128, "KUBE-SVC-AAAAAAAAAAAAAAAA")) <= gone


@settings(max_examples=100, deadline=None)
@given(
    st.sets(st.text("AB2./:", min_size=1, max_size=5), min_size=1, max_size=5),
    st.text("AB2./:", max_size=7),
    st.integers(1, 6),
)
def test_other_words(words: set[str], candidate: str, depth: int) -> None:
    """Exactly the words that differ from each of them within the first letters."""
    heads = [word[:depth] for word in words]
    differs = all(any(a != b for a, b in zip(candidate, head, strict=False)) for head in heads)
    assert bool(re.match(other_words(words, depth), candidate)) == differs


def test_of_other_services_little_is_left() -> None:
    pattern = other_chains(["KUBE-SVC-J5FHDC7QFLM3E3EH", "KUBE-SEP-26IFL4FO7RC4XN52"])
    lines = own_lines(["KUBE-SVC-K5FHDC7QFLM3E3EH", "KUBE-SEP-36IFL4FO7RC4XN52", "KUBE-FW-XX"])
    assert left(pattern, lines) == {line for line in lines if not line.startswith("-N")}


@pytest.mark.parametrize("kept", ["10.96.0.10", "10.96.0.100", "10.96.0.1"])
def test_addresses_that_begin_alike(kept: str) -> None:
    every = ["10.96.0.1", "10.96.0.10", "10.96.0.100", "10.96.0.11", "110.96.0.1"]
    lines = {a: dispatch_lines(a, 32, "KUBE-SVC-AAAAAAAAAAAAAAAA")[0] for a in every}
    gone = left(other_addresses([ip_address(kept)]), lines.values())
    assert gone == {line for a, line in lines.items() if not begins_one_of(a, [kept])}


@pytest.mark.parametrize("text", ["::ffff:10.0.0.1", "::1", "::10.0.0.1"])
def test_addresses_that_the_kernel_writes_otherwise_are_not_filtered(text: str) -> None:
    assert other_addresses([ip_address(text)]) == ""


def test_nothing_asked_for_leaves_nothing() -> None:
    assert (
        other_chains([])
        == other_chains(["KUBE-NODEPORTS"])
        == "^(:|-A )KUBE-(SVC|SVL|SEP|EXT|FW|XLB)-"
    )
    assert other_addresses([]) == ""
    assert any_of("", "") == "^$"
    assert left(any_of(""), ["*nat", "COMMIT"]) == set()


def test_too_much_to_say_keeps_more() -> None:
    """Patterns stay short enough for the arguments of one exec, and are still right."""
    import random

    chance = random.Random(1)
    names = [
        "KUBE-SEP-" + "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))
        for _ in range(1000)
    ]
    pattern = other_chains(names)
    assert len(pattern) < 3100
    assert not left(pattern, own_lines(names))
    addresses = [ip_address(0x0A600000 + chance.randrange(1 << 16)) for _ in range(3000)]
    assert len(other_addresses(addresses)) < 3200


@pytest.mark.tools("grep")
@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("table ip nat {", True),
        ("\tchain PREROUTING {", True),
        ("\t\ttype nat hook prerouting priority dstnat; policy accept;", True),
        ("\tchain KUBE-SVC-NPX46M4PTMTKRN6Y {", False),
        ("\tchain service-ULMVA6XW-ns1/svc1/tcp/p80 {", False),
        ("\tchain my-chain {", True),
        ("\t}", False),
        ("}", False),
    ],
)
def test_chain_listing(line: str, kept: bool) -> None:
    """Python's re has no [[:space:]]."""
    assert bool(left(CHAIN_LISTING.replace("[[:space:]]", "[ \t]"), [line])) is not kept
    asked = subprocess.run(
        ["grep", "-qE", CHAIN_LISTING], input=f"{line}\n", text=True, check=False
    )
    assert bool(asked.returncode) is kept


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("table ip kube-proxy {", True),
        ("\tset anything {", True),
        ("\tmap service-ips {", True),
        ("\tchain services {", True),
        ("\tchain my.chain {", True),
        ("\tchain my-chain {", False),
        ("\tchain service-HHADPSYQ-default/db-service/tcp/mysql {", True),
        ("\tchain external-HHADPSYQ-default/db-service/tcp/mysql {", True),
        ("\tchain service-HHADPSYR-default/db-service/tcp/mysql {", False),
        ("\t\tip daddr 10.96.12.7 accept", False),
        ("\t\telements = { 10.96.12.8, 10.96.12.7,", True),
        ("\t\t\t     10.96.12.8, 10.96.12.70,", False),
        ("\t\t\t     10.96.12.8, 10.96.12.0/24,", True),
        ("\t\t\t     10.96.12.8, 10.96.12.1-10.96.12.99,", True),
        ("\t\t\t     10.96.12.8 . tcp . 80 : goto service-2ABCDEFG-a/s-1/tcp/p,", False),
        ('\t\t\t     10.96.12.8 . tcp . 80 comment "a/s:p" : drop,', False),
        ("\t\t\t     10.96.12.7 . tcp . 80 : goto service-ABCDEFGH-a/b/tcp/p,", True),
        ("\t\t\t     110.96.12.7 . tcp . 80 : goto service-ABCDEFGH-a/b/tcp/p,", False),
        ("\t\t\t     tcp . 30080 : goto external-ABCDEFGH-a/b/tcp/p,", True),
        ("\t\t\t     6 . 30080 : drop,", True),
        ("\t\t\t     80, 443,", True),
        ("\t\t\t     0xdead,", True),
        ("\t\t\t     * : drop,", True),
        ("\t\t\t     10.96.12.8, 10.96.12.9, * }", True),
        ('\t\t\t     "eth0", "eth1",', True),
        ("\t\t\t     10.244.1.2 . 10.244.1.2 . tcp . 80,", True),
        ("\t\t\t     fd00::8, fd00::9,", False),
        ("\t\t\t     fd00::8, fd00::/64,", True),
        ("\t\t\t     fd00::8-fd00::9,", True),
        ("\t\t\t     fd00::7 . tcp . 80 : drop,", True),
        ("\t\t\t     fd00::77 . tcp . 80 : drop,", False),
        ("\t\t\t     fd00::8 . fd00::8 . tcp . 80,", True),
    ],
)
def test_what_is_picked_of_an_nft_table(line: str, kept: bool) -> None:
    addresses = [ip_address("10.96.12.7"), ip_address("fd00::7")]
    own = ["service-HHADPSYQ-default/db-service/tcp/mysql"]
    pattern = picked_from_nft(["services", "my.chain"], own, addresses)
    assert bool(re.search(pattern.replace("[[:space:]]", r"\s"), line)) is kept


def test_what_cannot_be_picked() -> None:
    assert picked_from_nft(["od$d"], [], []) == ""
    assert picked_from_nft([f"chain-{n}" for n in range(999)], [], []) == ""
    assert picked_from_nft([], [], [])
