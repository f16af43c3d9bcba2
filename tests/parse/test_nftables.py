"""Nothing is lost between an nft listing and the model, and what is typed is typed right."""

from __future__ import annotations

import contextlib
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.model import matches as m
from kubectl_svcnet.model import nft
from kubectl_svcnet.model import targets as t
from kubectl_svcnet.model.address import IPAddress
from kubectl_svcnet.model.ruleset import Unknown
from kubectl_svcnet.parse.nftables import parse_part, parse_ruleset, priority_of

FIXTURES = Path(__file__).parent.parent / "fixtures"
LISTINGS = sorted([*FIXTURES.glob("nftables/*/nft*.txt"), *FIXTURES.glob("*/*/nft-ruleset.txt")])
LISTINGS = sorted({path for path in LISTINGS if path.name != "nft-chains.txt"})
KUBE_PROXY = FIXTURES / "nftables" / "kube-proxy-1.36.3"

SADDR, DADDR = nft.Field("ip", "saddr"), nft.Field("ip", "daddr")
DPORT, L4, MARK = nft.Field("tcp", "dport"), nft.Meta("l4proto"), nft.Meta("mark")
TH = nft.Field("th", "dport")


def ip(text: str) -> IPAddress:
    return ip_address(text)


def span(first: str, last: str) -> nft.Interval:
    return nft.Interval(ip_address(first), ip_address(last))


def flags(*words: str) -> nft.Flags:
    return nft.Flags(frozenset(words))


def elements(*items: nft.Element) -> nft.Elements:
    return nft.Elements(items)


def table(rules: str = "", body: str = "") -> nft.Table:
    lines = "".join(f"\t\t{line}\n" for line in rules.splitlines())
    (found,) = parse_ruleset(f"table ip t {{\n{body}\tchain c {{\n{lines}\t}}\n}}\n")
    return found


def statements(rule: str) -> list[object]:
    (found,) = table(rule).chains["c"].rules
    assert found.raw == rule
    return list(found.statements)


@pytest.mark.parametrize("path", LISTINGS, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_every_rule_of_every_listing_is_understood(path: Path) -> None:
    text = path.read_text()
    tables = parse_ruleset(text)
    assert tables
    for each in tables:
        assert each.complete
        assert not each.garbled
        rules = [rule for chain in each.chains.values() for rule in chain.rules]
        lost = [s for rule in rules for s in rule.statements if type(s) in (Unknown, nft.Doubt)]
        assert not lost
        assert not [e for s in each.sets.values() for e in s.elements if type(e.key) is Unknown]
    lines = [line for line in text.splitlines() if line.startswith("\t\t") and line[2] != "\t"]
    properties = ("type ", "comment ", "elements = ", "size ", "flags ", "timeout ")
    wanted = [line for line in lines if not line.strip().startswith(properties)]
    assert len(wanted) == sum(len(c.rules) for each in tables for c in each.chains.values())


@pytest.mark.parametrize("version", ["1.33.13", "1.36.3"])
def test_numbers_and_handles_change_nothing(version: str) -> None:
    folder = FIXTURES / "nftables" / f"kube-proxy-{version}"
    plain = parse_ruleset((folder / "nft-ruleset.txt").read_text())[0]
    for name in ("nft-a-table-ip.txt", "nft-n-table-ip.txt"):
        (other,) = parse_ruleset((folder / name).read_text())
        assert list(other.chains) == list(plain.chains)
        for chain in plain.chains:
            ours, theirs = plain.chains[chain].rules, other.chains[chain].rules
            assert [r.statements for r in ours] == [r.statements for r in theirs]
            if "-a-" in name:
                assert [r.raw for r in ours] == [r.raw for r in theirs]
        for name_of_set, each in plain.sets.items():
            assert list(other.sets[name_of_set].elements) == list(each.elements)


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("", []),
        ("accept", [t.Accept()]),
        ("jump services", [t.Jump("services")]),
        ("goto endpoint-A/b__1", [t.Jump("endpoint-A/b__1", goto=True)]),
        (
            "ip saddr 10.0.0.0/8 drop",
            [nft.Match(SADDR, "", span("10.0.0.0", "10.255.255.255")), t.Drop()],
        ),
        (
            "ip daddr != 10.0.0.1-10.0.0.3 return",
            [nft.Match(DADDR, "!=", span("10.0.0.1", "10.0.0.3")), t.Return()],
        ),
        ("tcp dport 80-90", [nft.Match(DPORT, "", nft.Interval(80, 90))]),
        ("tcp dport http", [nft.Match(DPORT, "", 80)]),
        (
            "tcp dport { 80, 443 }",
            [nft.Match(DPORT, "", elements(nft.Element(80), nft.Element(443)))],
        ),
        ("meta l4proto 6", [nft.Match(L4, "", 6)]),
        (
            "ct state established,related accept",
            [nft.Match(nft.Ct("state"), "", flags("established", "related")), t.Accept()],
        ),
        ("ct status dnat", [nft.Match(nft.Ct("status"), "", flags("dnat"))]),
        (
            "tcp flags & (fin | syn) == syn",
            [
                nft.Match(
                    nft.Bits("&", nft.Field("tcp", "flags"), flags("fin", "syn")),
                    "==",
                    flags("syn"),
                )
            ],
        ),
        (
            "tcp flags syn / fin,syn",
            [
                nft.Match(
                    nft.Bits("&", nft.Field("tcp", "flags"), flags("fin", "syn")),
                    "==",
                    flags("syn"),
                )
            ],
        ),
        ('iifname "cali*"', [nft.Match(nft.Meta("iifname"), "", nft.NameStart("cali"))]),
        ('oif != "lo"', [nft.Match(nft.Meta("oif"), "!=", "lo")]),
        ("fib daddr type local", [nft.Match(nft.Fib(frozenset({"daddr"}), "type"), "", "local")]),
        (
            "fib saddr . iif oif missing drop",
            [nft.Match(nft.Fib(frozenset({"saddr", "iif"}), "oif"), "", "missing"), t.Drop()],
        ),
        ("meta mark & 0x00004000 != 0x00000000", [nft.Match(nft.Bits("&", MARK, 0x4000), "!=", 0)]),
        (
            "meta mark set meta mark & 0xffffbfff | 0x00000001",
            [nft.SetMark(nft.Bits("|", nft.Bits("&", MARK, 0xFFFFBFFF), 1))],
        ),
        ("meta mark set mark xor 0x4000", [nft.SetMark(nft.Bits("^", MARK, 0x4000))]),
        ("mark and 0x4000 == 0x4000", [nft.Match(nft.Bits("&", MARK, 0x4000), "==", 0x4000)]),
        ("pkttype host accept", [nft.Match(nft.Meta("pkttype"), "", "unicast"), t.Accept()]),
        ("ct mark set meta mark", [nft.SetMark(MARK, connection=True)]),
        (
            "meta random & 2147483647 < 1073741824",
            [nft.Match(nft.Bits("&", nft.Meta("random"), 2147483647), "<", 1073741824)],
        ),
        (
            "ip daddr . meta l4proto . th dport vmap @service-ips",
            [nft.VerdictMap(nft.Joined((DADDR, L4, TH)), nft.SetName("service-ips"))],
        ),
        (
            "numgen random mod 2 offset 3 vmap { 3 : goto a, 4 : drop }",
            [
                nft.VerdictMap(
                    nft.Numgen("random", 2, 3),
                    elements(nft.Element(3, t.Jump("a", goto=True)), nft.Element(4, t.Drop())),
                )
            ],
        ),
        ("dnat to 10.0.0.1:80", [nft.Nat("dnat", ip("10.0.0.1"), 80)]),
        ("dnat to [fd00::1]:80 random", [nft.Nat("dnat", ip("fd00::1"), 80, random=True)]),
        ("dnat to fd00::1", [nft.Nat("dnat", ip("fd00::1"), None)]),
        ("dnat to :8080-8090", [nft.Nat("dnat", None, nft.Interval(8080, 8090))]),
        (
            "dnat ip to 10.244.1.2/31:8080",
            [nft.Nat("dnat", span("10.244.1.2", "10.244.1.3"), 8080)],
        ),
        (
            "snat to 10.0.0.1-10.0.0.5 persistent",
            [nft.Nat("snat", span("10.0.0.1", "10.0.0.5"), None, persistent=True)],
        ),
        (
            "dnat ip addr . port to numgen random mod 1 map { 0 : 10.0.0.1 . 80 }",
            [
                nft.Nat(
                    "dnat",
                    nft.Lookup(
                        nft.Numgen("random", 1),
                        elements(nft.Element(0, nft.Parts((ip_address("10.0.0.1"), 80)))),
                    ),
                    None,
                )
            ],
        ),
        (
            "dnat to jhash ip saddr mod 2 seed 0x1 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }:80",
            [
                nft.Nat(
                    "dnat",
                    nft.Lookup(
                        nft.Hashed(2),
                        elements(nft.Element(0, ip("10.0.0.1")), nft.Element(1, ip("10.0.0.2"))),
                    ),
                    80,
                )
            ],
        ),
        (
            "dnat to :tcp dport map { 80 : 8080 }",
            [nft.Nat("dnat", None, nft.Lookup(DPORT, elements(nft.Element(80, 8080))))],
        ),
        ("redirect to :15001", [nft.Nat("redirect", None, 15001)]),
        ("masquerade to :1024-65535 fully-random", [t.Masquerade()]),
        ("reject with icmpx type admin-prohibited", [t.Reject()]),
        ("reject with tcp reset", [t.Reject("tcp-reset")]),
        (
            'counter packets 1 bytes 2 log prefix "accept drop" level info accept',
            [t.Nothing("counter"), t.Nothing("log"), t.Accept()],
        ),
        (
            "limit rate over 10/second burst 5 packets drop",
            [m.Limit("rate over 10/second burst 5 packets"), t.Drop()],
        ),
        ("update @a-b/c { ip saddr timeout 3h }", [nft.Remember("update", "a-b/c", SADDR)]),
        ("notrack", [t.Notrack()]),
        (
            'xt match "comment" counter packets 0 bytes 0 xt target "MASQUERADE"',
            [t.Nothing("xt comment"), t.Nothing("counter"), Unknown('xt target "MASQUERADE"')],
        ),
        # what is not understood
        ("ip checksum 3 drop", [nft.Doubt("ip checksum 3"), t.Drop()]),
        ("@th,16,16 80 accept", [nft.Doubt("@th , 16 , 16 80"), t.Accept()]),
        ("queue num 1 bypass", [Unknown("queue num 1 bypass")]),
        (
            "ip saddr 10.0.0.1 tproxy to :1 accept",
            [nft.Match(SADDR, "", ip("10.0.0.1")), Unknown("tproxy to :1 accept")],
        ),
        ('ct helper set "ftp" accept', [Unknown('ct helper set "ftp" accept')]),
        (
            "numgen random mod 0 vmap { 0 : drop }",
            [Unknown("numgen random mod 0 vmap { 0 : drop }")],
        ),
        ("ip saddr {", [Unknown("ip saddr {")]),
        ("meta mark set " + "(" * 50 + "1", [Unknown("meta mark set " + "( " * 50 + "1")]),
    ],
)
def test_rules(rule: str, wanted: list[object]) -> None:
    if not rule:
        assert not table().chains["c"].rules
    else:
        assert statements(rule) == wanted


def test_base_chains() -> None:
    (found,) = parse_ruleset((KUBE_PROXY / "nft-ruleset.txt").read_text())[:1]
    bases = {name: chain.base for name, chain in found.chains.items() if chain.base}
    assert bases["filter-prerouting-pre-dnat"] == nft.Base("filter", "prerouting", -110)
    assert bases["filter-output-pre-dnat"] == nft.Base("filter", "output", -110)
    assert bases["nat-postrouting"] == nft.Base("nat", "postrouting", 100)
    (other,) = parse_ruleset(
        "table netdev g { # handle 3\n\tchain in { # handle 1\n"
        '\t\ttype filter hook ingress devices = { "eth0", eth1 } priority 0; policy drop;\n'
        "\t}\n\tchain odd {\n\t\ttype filter hook x\n\t\tdrop\n\t}\n}\n"
    )
    ingress = nft.Base("filter", "ingress", 0, "drop", ("eth0", "eth1"))
    assert other.chains["in"].base == ingress
    assert other.chains["odd"].base == nft.Base("type filter hook x", "", None)
    assert len(other.chains["odd"].rules) == 1


@pytest.mark.parametrize(
    ("words", "number"),
    [("-110", -110), ("dstnat - 10", -110), ("filter", 0), ("mangle + 5", -145), ("soon", None)],
)
def test_priorities(words: str, number: int | None) -> None:
    assert priority_of(words) == number


@pytest.mark.parametrize(
    ("words", "seconds"),
    [("1d", 86400), ("2h46m40s", 10000), ("5m", 300), ("1s500ms", None), ("", None), ("h", None)],
)
def test_how_long_a_set_holds_what_rules_add(words: str, seconds: int | None) -> None:
    found = table(body=f"\tset s {{\n\t\ttype ipv4_addr\n\t\ttimeout {words}\n\t}}\n")
    assert found.sets["s"].timeout == seconds


def test_sets() -> None:
    found = table(
        body="\tmap m {\n\t\ttype ipv4_addr . inet_proto . inet_service : verdict\n"
        '\t\tcomment "a map"\n'
        '\t\telements = { 10.0.0.1 . tcp . 80 comment "x, y : z" : goto reject-chain,\n'
        "\t\t\t     10.0.0.2 . 17 . 53-54 : drop,\n"
        "\t\t\t     what is this : drop,\n"
        "\t\t\t     * : accept }\n\t}\n"
        "\tset s {\n\t\ttypeof ip saddr . meta mark\n\t\tflags dynamic,timeout\n\t\ttimeout 3h\n"
        "\t\telements = { 10.0.0.1 . 0x1 timeout 3h expires 2h59m }\n\t}\n"
        "\tset w {\n\t\ttype weird\n\t\tblue\n\t\telements = { 1, 2 }\n\t}\n"
        "\tcounter hits {\n\t\tpackets 0 bytes 0\n\t}\n"
    )
    first = nft.Parts((ip_address("10.0.0.1"), 6, 80))
    second = nft.Parts((ip_address("10.0.0.2"), 17, nft.Interval(53, 54)))
    assert list(found.sets["m"].elements) == [
        nft.Element(first, t.Jump("reject-chain", goto=True)),
        nft.Element(second, t.Drop()),
        nft.Element(Unknown("what is this : drop")),
        nft.Element(nft.Anything(), t.Accept()),
    ]
    remembered = found.sets["s"]
    assert remembered.dynamic
    assert remembered.timeout == 10800
    assert remembered.types == ("ipv4_addr", "mark")
    key = nft.Parts((ip_address("10.0.0.1"), 1))
    assert list(remembered.elements) == [nft.Element(key, expires=True)]
    assert found.sets["w"].garbled == (Unknown("blue"),)
    assert [e.key for e in found.sets["w"].elements] == [Unknown("1"), Unknown("2")]
    assert found.garbled == ()


def test_a_dormant_table() -> None:
    assert table(body="\tflags dormant\n").dormant


def test_what_broke_off_is_not_complete() -> None:
    text = (KUBE_PROXY / "nft-ruleset.txt").read_text()
    for end in range(0, len(text), 97):
        try:
            tables = parse_ruleset(text[:end])
        except ParseError:
            continue
        if tables:
            whole = text[:end].endswith(("\n}", "\n}\n"))
            assert tables[-1].complete is whole
            assert bool(tables[-1].garbled) is not whole


@pytest.mark.parametrize("text", ["hello", "*nat\nCOMMIT\n", "\x00\x01", "table ip x\n"])
def test_no_listing_at_all(text: str) -> None:
    with pytest.raises(ParseError):
        parse_ruleset(text)


def test_an_empty_ruleset() -> None:
    assert parse_ruleset("") == ()
    assert parse_ruleset("# Warning: table ip nat is managed by iptables-nft\n") == ()


def test_lines_that_belong_nowhere() -> None:
    (found,) = parse_ruleset("table ip t {\n\tchain a {\n\t}\n\tgibberish\n}\n")
    assert found.garbled == (Unknown("\tgibberish"),)
    assert not found.complete


def test_a_part_of_a_table() -> None:
    chain = "table ip t {\n\tchain a {\n\t\taccept\n\t}\n}\n"
    assert not parse_part(chain).complete
    for text in ("", chain[:-2], chain + chain):
        with pytest.raises(ParseError):
            parse_part(text)


@pytest.mark.timeout(60)
def test_what_is_absurd_ends_soon() -> None:
    deep = "{ " * 100_000
    lines = [f"ip saddr {deep}", f"accept {'x' * 1_000_000}", "ip daddr . " * 50_000, "( " * 50_000]
    assert len(table("\n".join(lines)).chains["c"].rules) == len(lines)
    for rule in table("\n".join(lines)).chains["c"].rules:
        assert rule.statements


WORDS = st.sampled_from(
    [
        "ip",
        "ip6",
        "saddr",
        "daddr",
        "tcp",
        "dport",
        "th",
        "meta",
        "mark",
        "l4proto",
        "ct",
        "state",
        "status",
        "new",
        "dnat",
        "to",
        "10.0.0.1",
        "80",
        "{",
        "}",
        "(",
        ")",
        ",",
        ".",
        ":",
        "!=",
        "==",
        "&",
        "|",
        "@s",
        "map",
        "vmap",
        "numgen",
        "random",
        "mod",
        "2",
        "0",
        "0x1",
        "jump",
        "goto",
        "x",
        "accept",
        "drop",
        "set",
        "fib",
        "type",
        "local",
        '"quoted"',
        "masquerade",
        "redirect",
        "comment",
        "counter",
        "update",
        "limit",
        "rate",
        "1/second",
        "-",
    ]
)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=14).map(" ".join))
def test_any_words_make_a_rule(text: str) -> None:
    assume(not text.startswith(("type", "comment")))
    (rule,) = table(text).chains["c"].rules
    assert rule.raw == text
    assert rule.statements or "comment" in text


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.integers(0, 11_000))
def test_any_text_ends(noise: str, at: int) -> None:
    text = (KUBE_PROXY / "nft-ruleset.txt").read_text()
    for spoiled in (noise, text[:at] + noise + text[at:]):
        with contextlib.suppress(ParseError):
            for found in parse_ruleset(spoiled):
                for chain in found.chains.values():
                    assert all(rule.statements or "comment" in rule.raw for rule in chain.rules)


def test_what_nft_makes_of_iptables_ctstate_is_doubted() -> None:
    """KUBE-FIREWALL's `! --ctstate RELATED,ESTABLISHED,DNAT`, as nft 1.0.6 lists it."""
    text = "table ip {} {{\n\tchain KF {{\n\t\tip daddr 127.0.0.0/8 ct status dnat drop\n\t}}\n}}\n"
    (rule,) = parse_ruleset(text.format("filter"))[0].chains["KF"].rules
    assert isinstance(rule.statements[1], nft.Doubt)
    (rule,) = parse_ruleset(text.format("firewalld"))[0].chains["KF"].rules
    assert isinstance(rule.statements[1], nft.Match)
