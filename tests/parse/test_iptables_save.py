"""Nothing is lost between a listing and the model, whatever the listing is."""

from __future__ import annotations

import contextlib
import re
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.model import matches as m
from kubectl_svcnet.model import targets as t
from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.fate import Backend
from kubectl_svcnet.model.ruleset import IndexedRules, Rule, Ruleset, Unknown
from kubectl_svcnet.parse.iptables_save import (
    parse_chain,
    parse_chain_numbered,
    parse_save,
    parse_save_numbered,
    parse_table,
)

FIXTURES = Path(__file__).parent.parent / "fixtures" / "iptables"
DUMPS = sorted(FIXTURES.glob("*/ip*tables-save*.txt"))


def save(text: str, *, complete: bool = True) -> Ruleset:
    return parse_save(text, Family.IPV4, Backend.NFT, complete=complete)


def rules_of(ruleset: Ruleset) -> list[Rule]:
    chains = (chain for table in ruleset.tables.values() for chain in table.chains.values())
    return [one for chain in chains for one in chain.rules]


def rule(words: str) -> Rule:
    return save(f"*nat\n-A X {words}\nCOMMIT\n").tables["nat"].chains["X"].rules[0]


@pytest.mark.parametrize("path", DUMPS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_line_is_lost(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    ruleset = save("\n".join(lines) + "\n")
    assert ruleset.complete
    assert not ruleset.stray
    assert all(t.complete and not t.garbled for t in ruleset.tables.values())
    appended = [re.sub(r"^\[\d+:\d+\] ", "", line) for line in lines if " -A " in f" {line}"]
    appended = [line for line in appended if line.startswith("-A ")]
    assert [one.raw for one in rules_of(ruleset)] == appended
    heads = [line for line in lines if line.startswith(("*", ":", "#")) or line == "COMMIT"]
    assert len(lines) == len(appended) + len(heads) + sum(not line for line in lines)


@pytest.mark.parametrize("path", DUMPS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_word_is_understood(path: Path) -> None:
    for one in rules_of(save(path.read_text(encoding="utf-8"))):
        for part in (*one.matches, one.target):
            assert not isinstance(part, Unknown), one.raw


@pytest.mark.parametrize("path", DUMPS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_rule_numbers_count_within_the_chain(path: Path) -> None:
    for table in save(path.read_text(encoding="utf-8")).tables.values():
        for chain in table.chains.values():
            assert [one.number for one in chain.rules] == list(range(1, len(chain.rules) + 1))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_mutated_dumps_never_crash_and_lose_nothing(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([one for one in DUMPS if one.stat().st_size < 20_000]))
    text = path.read_text(encoding="utf-8")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        end = at + data.draw(st.integers(0, 40))
        text = text[:at] + data.draw(st.text(max_size=12)) + text[end:]
    try:
        ruleset = save(text)
    except ParseError:
        return
    lines = text.replace("\r\n", "\n").split("\n")
    found = len(rules_of(ruleset))
    appended = sum(1 for line in lines if re.match(r"(\[\d*:?\d*\] )?-A [^ ]", line))
    assert (
        found + len(ruleset.stray) + sum(len(one.garbled) for one in ruleset.tables.values())
        >= appended
    )


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_any_text_is_an_answer_or_a_parse_error(text: str) -> None:
    for parse in (
        lambda: save(text),
        lambda: numbered(text),
        lambda: parse_chain(text, "nat"),
        lambda: parse_chain_numbered(text, "nat"),
    ):
        with contextlib.suppress(ParseError):
            parse()


@given(st.text(alphabet=st.characters(exclude_characters="\n"), max_size=200))
def test_any_words_are_a_rule(words: str) -> None:
    one = rule(words.replace("\r", ""))
    assert one.number == 1


RULES = [
    ("-s 10.0.0.0/8 -j RETURN", (m.AddressIn(m.Side.SOURCE, ip_network("10.0.0.0/8")),)),
    (
        "! -d fd00::10/128 -j RETURN",
        (m.AddressIn(m.Side.DESTINATION, ip_network("fd00::10/128"), True),),
    ),
    ("! -i cali+ -j RETURN", (m.Interface(False, "cali+", True),)),
    ("-o eth0 -j RETURN", (m.Interface(True, "eth0"),)),
    (
        "-p tcp -m tcp --dport 80:90 -j RETURN",
        (m.IPProtocol(6), m.Ports(m.Side.DESTINATION, ((80, 90),))),
    ),
    (
        "-p 17 --sport 53 -j RETURN",
        (m.IPProtocol(17), m.Ports(m.Side.SOURCE, ((53, 53),))),
    ),
    (
        "--dport 80 -m tcp -p tcp -j RETURN",
        (Unknown("--dport 80"), m.IPProtocol(6)),
    ),
    (
        "-p sctp -m multiport ! --dports 80,443:444 -j RETURN",
        (m.IPProtocol(132), m.Ports(m.Side.DESTINATION, ((80, 80), (443, 444)), True)),
    ),
    ("-m mark ! --mark 0x4000/0x4000 -j RETURN", (m.MarkIs(0x4000, 0x4000, True),)),
    ("-m connmark --mark 0x80 -j RETURN", (m.ConnmarkIs(0x80, 0xFFFFFFFF),)),
    (
        "-m mark --mark 1 -m connmark --mark 2 -j RETURN",
        (m.MarkIs(1, 0xFFFFFFFF), m.ConnmarkIs(2, 0xFFFFFFFF)),
    ),
    (
        "-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
        (m.CtState(frozenset({"RELATED", "ESTABLISHED", "DNAT"}), True),),
    ),
    ("-m state --state NEW -j DROP", (m.CtState(frozenset({"NEW"})),)),
    (
        "-m addrtype ! --src-type LOCAL --dst-type UNICAST,LOCAL -j DROP",
        (
            m.AddressType(m.Side.SOURCE, frozenset({"LOCAL"}), True),
            m.AddressType(m.Side.DESTINATION, frozenset({"UNICAST", "LOCAL"})),
        ),
    ),
    (
        "-s 0.0.0.1/0.0.0.255 -j DROP",
        (m.AddressMasked(m.Side.SOURCE, ip_address("0.0.0.1"), ip_address("0.0.0.255")),),
    ),
    (
        "! -d ::11/::ffff -j DROP",
        (m.AddressMasked(m.Side.DESTINATION, ip_address("::11"), ip_address("::ffff"), True),),
    ),
    (
        "-d 10.1.2.3/255.255.0.0 -j DROP",
        (m.AddressIn(m.Side.DESTINATION, ip_network("10.1.0.0/16")),),
    ),
    (
        "-m addrtype --dst-type LOCAL --limit-iface-in -j DROP",
        (m.AddressType(m.Side.DESTINATION, frozenset({"LOCAL"}), False, "in"),),
    ),
    (
        "-m statistic --mode random --probability 0.33333333349 -j X1",
        (m.Chance(0.33333333349),),
    ),
    (
        "-m statistic --mode nth --every 4 --packet 1 -j X1",
        (m.Varies("statistic --mode nth --every 4 --packet 1"),),
    ),
    ("-m statistic --mode nth --every 1 -j X1", (m.Chance(1.0),)),
    (
        "-m recent --rcheck --seconds 10800 --reap --name A --mask 255.255.255.255 --rsource -j A",
        (m.Recent("rcheck", "A", seconds=10800),),
    ),
    ("-m nfacct --nfacct-name  ct_state_invalid_dropped_pkts -j DROP", ()),
    ("-m physdev ! --physdev-is-in -j DROP", (m.Physdev("is-in", "", True),)),
    (
        "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP",
        (
            m.IPProtocol(6),
            m.TcpFlags(frozenset({"FIN", "SYN", "RST", "ACK"}), frozenset({"SYN"})),
        ),
    ),
    ("-m owner ! --uid-owner 1000-2000 -j DROP", (m.Owner("uid", 1000, 2000, True),)),
    (
        "-m set ! --match-set KUBE-X dst,dst,src -j DROP",
        (m.InSet("KUBE-X", (m.Side.DESTINATION, m.Side.DESTINATION, m.Side.SOURCE), True),),
    ),
    (
        "-m set --match-set X src --return-nomatch ! --update-counters --packets-gt 3 -j DROP",
        (m.InSet("X", (m.Side.SOURCE,), False, True, "--packets-gt 3"),),
    ),
    ("-m set --match-set X up -j DROP", (Unknown("-m set --match-set X up"),)),
    (
        "-m conntrack ! --ctproto 17 --ctstate NEW --ctdir REPLY --ctstatus SNAT,ASSURED -j DROP",
        (
            m.CtState(frozenset({"NEW"})),
            m.CtTuple(True, m.IPProtocol(17, True), False),
            m.CtDirection(True, False),
            m.CtStatus(frozenset({"SNAT", "ASSURED"}), False, False),
        ),
    ),
    (
        "-m conntrack --ctorigdst 10.0.0.0/8 ! --ctorigdstport 80:90 -j DROP",
        (
            m.CtTuple(True, m.AddressIn(m.Side.DESTINATION, ip_network("10.0.0.0/8"))),
            m.CtTuple(True, m.Ports(m.Side.DESTINATION, ((80, 90),), True)),
        ),
    ),
    (
        "-m conntrack --ctreplsrc 10.0.0.1 --ctreplsrcport 80 -j DROP",
        (
            m.CtTuple(False, m.AddressIn(m.Side.SOURCE, ip_network("10.0.0.1/32"))),
            m.CtTuple(False, m.Ports(m.Side.SOURCE, ((80, 80),))),
        ),
    ),
    ("-m conntrack --ctexpire 10 -j DROP", (Unknown("-m conntrack --ctexpire 10"),)),
    ("-m rpfilter --loose --invert -j DROP", (m.ReversePath(loose=True, negated=True),)),
    ("-m socket --transparent -j DROP", (m.HasSocket(),)),
    ("-m policy --dir out --pol none -j DROP", (m.Ipsec(True, True),)),
    ("-m policy --dir in --pol ipsec --proto esp -j DROP", (m.Ipsec(False, False),)),
    ("-m ipvs ! --ipvs -j DROP", (m.ByIpvs((), True),)),
    (
        "-m ipvs --vproto 6 ! --vaddr 10.0.0.1 --vport 80 -j DROP",
        (
            m.ByIpvs(
                (
                    m.IPProtocol(6),
                    m.AddressIn(m.Side.DESTINATION, ip_network("10.0.0.1/32"), True),
                    m.Ports(m.Side.DESTINATION, ((80, 80),)),
                )
            ),
        ),
    ),
    ("-m ipvs ! --vdir REPLY -j DROP", (m.ByIpvs((Unknown("! --vdir REPLY"),)),)),
    ("-m ttl --ttl-gt 3 -j DROP", (m.Varies("ttl --ttl-gt 3"),)),
    ("-m rt --rt-type 0 -j DROP", (m.Never(),)),
    ("-m u32 --u32 0x0=0x0 -j DROP", (Unknown("-m u32 --u32 0x0=0x0"),)),
    ("-m mark --mark 0x1 --new-option 3 -j DROP", (Unknown("-m mark --mark 0x1 --new-option 3"),)),
    ("-m tcp --dport http -j DROP", (Unknown("-m tcp --dport http"),)),
    ("-s 300.0.0.1 -j DROP", (Unknown("-s 300.0.0.1"),)),
]


@pytest.mark.parametrize(("words", "matches"), RULES, ids=[words for words, _ in RULES])
def test_matches(words: str, matches: tuple[object, ...]) -> None:
    assert rule(words).matches == matches


SPAN = t.AddressSpan(ip_address("10.0.0.1"), ip_address("10.0.0.1"))
SPAN6 = t.AddressSpan(ip_address("fd00::5"), ip_address("fd00::5"))
TARGETS = [
    ("-j KUBE-SVC-X", t.Jump("KUBE-SVC-X")),
    ("-g KUBE-SVC-X", t.Jump("KUBE-SVC-X", goto=True)),
    ("-j ACCEPT", t.Accept()),
    ("-j REJECT --reject-with tcp-reset", t.Reject("tcp-reset")),
    ("-j MARK --set-xmark 0x4000/0x4000", t.SetMark(0x4000, 0x4000)),
    ("-j MARK --set-mark 0x1/0xff", t.SetMark(0x1, 0xFF)),
    ("-j MARK --or-mark 0x4000", t.SetMark(0x4000, 0x4000)),
    ("-j MARK --and-mark 0xff", t.SetMark(0, 0xFFFFFF00)),
    ("-j MARK --xor-mark 0x4000", t.SetMark(0x4000, 0)),
    (
        "-j CONNMARK --restore-mark --nfmask 0xf --ctmask 0xf0",
        t.Connmark(t.ConnmarkAction.RESTORE, packet_mask=0xF, connection_mask=0xF0),
    ),
    ("-j DNAT --to-destination 10.0.0.1:80", t.Dnat(SPAN, t.PortRange(80, 80))),
    ("-j DNAT --to-destination [fd00::5]:80", t.Dnat(SPAN6, t.PortRange(80, 80))),
    ("-j DNAT --to-destination fd00::5", t.Dnat(SPAN6, None)),
    (
        "-j DNAT --to-destination 10.0.0.1-10.0.0.4:80-90/70 --random --persistent",
        t.Dnat(
            t.AddressSpan(ip_address("10.0.0.1"), ip_address("10.0.0.4")),
            t.PortRange(80, 90, 70),
            True,
            True,
        ),
    ),
    ("-j DNAT --to-destination :8080", t.Dnat(None, t.PortRange(8080, 8080))),
    ("-j SNAT --to-source 10.0.0.1 --random-fully", t.Snat(SPAN, random=True)),
    ("-j MASQUERADE --random-fully", t.Masquerade(random=True)),
    ("-j MASQUERADE --to-ports 1024-2048", t.Masquerade(t.PortRange(1024, 2048))),
    ("-j NETMAP --to 10.1.0.0/16", t.Netmap(ip_network("10.1.0.0/16"))),
    ("-j TTL --ttl-set 64", t.Nothing("TTL")),
    ("-j TTL --ttl-set 1", Unknown("-j TTL --ttl-set 1")),
    ("-j HL --hl-dec 1", Unknown("-j HL --hl-dec 1")),
    ("-j TEE --gateway 10.0.0.1", t.Nothing("TEE")),
    ("-j NFQUEUE --queue-num 0", Unknown("-j NFQUEUE --queue-num 0")),
    ("-j REDIRECT --to-ports 15001", t.Redirect(t.PortRange(15001, 15001))),
    ('-j LOG --log-prefix "[UFW BLOCK] " --log-level 4', t.Nothing("LOG")),
    ("-j CT --notrack", t.Notrack()),
    ("-j CT --zone 7", t.Template(7)),
    ("-j TPROXY --on-port 1", Unknown("-j TPROXY --on-port 1")),
    ("-j DNAT --to-destination nowhere", Unknown("-j DNAT --to-destination nowhere")),
    ("-j ACCEPT --never 1", Unknown("-j ACCEPT --never 1")),
    ("", None),
]


@pytest.mark.parametrize(("words", "target"), TARGETS, ids=[words for words, _ in TARGETS])
def test_targets(words: str, target: object) -> None:
    assert rule(words).target == target


@pytest.mark.parametrize(
    "comment", ['"ns1/svc1:p80 cluster IP"', r'"name: \"lab\" \\ id"', "foo", '"-j DROP"', '""']
)
def test_comments_are_never_words(comment: str) -> None:
    one = rule(f"-m comment --comment {comment} -j X1")
    assert (one.target, one.matches) == (t.Jump("X1"), ())


def test_a_quote_without_end_is_understood_by_nobody() -> None:
    one = rule('-m comment --comment "cut off -j ACCEPT')
    assert isinstance(one.target, Unknown)


def test_counters_are_no_part_of_a_rule() -> None:
    ruleset = save("*nat\n:X - [0:0]\n[12:3] -A X -j RETURN\n[0:0] -A X -j ACCEPT\nCOMMIT\n")
    assert [one.raw for one in ruleset.tables["nat"].chains["X"].rules] == [
        "-A X -j RETURN",
        "-A X -j ACCEPT",
    ]


def test_policies_and_interleaved_chains() -> None:
    ruleset = save(
        "*filter\n:INPUT DROP [1:2]\n:A - [0:0]\n-A A\n-A INPUT -j A\n-A A -j DROP\nCOMMIT"
    )
    chains = ruleset.tables["filter"].chains
    assert chains["INPUT"].policy == "DROP"
    assert chains["A"].policy is None
    assert [(one.number, one.raw) for one in chains["A"].rules] == [
        (1, "-A A"),
        (2, "-A A -j DROP"),
    ]


def test_a_truncated_table_covers_nothing_that_may_lack_rules() -> None:
    ruleset = save("*nat\n:A - [0:0]\n:B - [0:0]\n:C - [0:0]\n-A A -j B\n-A B -j RE")
    table = ruleset.tables["nat"]
    assert (table.truncated, table.complete, ruleset.complete) == (True, False, False)
    assert [table.chains[name].covers for name in "ABC"] == [None, frozenset(), frozenset()]


def test_an_incompatible_table_is_not_empty() -> None:
    ruleset = save("# Table `nat' is incompatible, use 'nft' tool.\n*filter\nCOMMIT\n")
    assert ruleset.tables["nat"].incompatible
    assert not ruleset.tables["nat"].complete
    assert ruleset.tables["filter"].complete


@pytest.mark.parametrize("text", ["", "\n", "# Generated by iptables-save\n"])
def test_an_empty_dump_has_no_tables(text: str) -> None:
    assert save(text) == Ruleset(
        family=Family.IPV4,
        backend=Backend.NFT,
        complete=True,
        comments=tuple(line for line in text.splitlines() if line),
    )


def test_what_is_no_dump_is_an_error() -> None:
    with pytest.raises(ParseError):
        save("error: unable to upgrade connection\n")


def test_lines_that_are_neither_are_kept() -> None:
    ruleset = save("*nat\n:A - [0:0]\n-A A -j DROP\nwhat is this\nCOMMIT\nand this\n")
    assert ruleset.tables["nat"].garbled == (Unknown("what is this"),)
    assert ruleset.stray == (Unknown("and this"),)
    assert not ruleset.tables["nat"].complete
    assert not ruleset.complete


def test_a_table_twice_is_garbled() -> None:
    ruleset = save("*nat\n-A A -j DROP\nCOMMIT\n*nat\n-A A -j DROP\nCOMMIT\n")
    assert [one.raw for one in ruleset.stray] == ["*nat", "-A A -j DROP", "COMMIT"]


@pytest.mark.timeout(60)
def test_megabyte_lines_and_nuls() -> None:
    long = "x" * 1_000_000
    text = f'*nat\n-A X -m comment --comment "{long}" -j DROP\n-A X {long}\n-A X {chr(0)}\n'
    text += f"-A X {'-m ' * 300_000}\n-A X {chr(34) * 300_001}\n{long}\nCOMMIT\n"
    table = save(text).tables["nat"]
    assert len(list(table.chains["X"].rules)) == 5
    assert table.garbled == (Unknown(long),)


# One chain


def test_one_chain() -> None:
    text = "-N KUBE-X\n-A KUBE-X -j DROP\n-A KUBE-X -j ACCEPT\n"
    chain = parse_chain(text, "nat")
    assert (chain.name, chain.policy, chain.covers) == ("KUBE-X", None, None)
    assert [one.number for one in chain.rules] == [1, 2]
    assert parse_chain("-P INPUT DROP\n", "filter").policy == "DROP"


@pytest.mark.parametrize("text", ["", "iptables: No chain/target/match\n", "-N A\n-A B -j X\n"])
def test_a_chain_is_there_whole_or_not_at_all(text: str) -> None:
    with pytest.raises(ParseError):
        parse_chain(text, "nat")


def test_one_table() -> None:
    text = "-P INPUT DROP\n-N MINE\n-N NONE\n-A INPUT -j MINE\n-A MINE -j ACCEPT\n"
    table = parse_table(text, Family.IPV4, Backend.NFT, "filter")
    assert (table.name, table.complete, table.garbled) == ("filter", True, ())
    assert {name: chain.policy for name, chain in table.chains.items()} == {
        "INPUT": "DROP",
        "MINE": None,
        "NONE": None,
    }
    assert [rule.raw for rule in table.chains["MINE"].rules] == ["-A MINE -j ACCEPT"]
    assert parse_table("", Family.IPV4, Backend.NFT, "raw").complete


@pytest.mark.parametrize(
    "text", ["iptables: Permission denied\n", "-P INPUT DROP\n*nat\n", "-N A\nCOMMIT\n", "-A\n"]
)
def test_what_is_no_table_is_an_error(text: str) -> None:
    with pytest.raises(ParseError):
        parse_table(text, Family.IPV4, Backend.NFT, "filter")


def test_a_numbered_chain_keeps_its_numbers() -> None:
    vip = ip_address("10.96.0.10")
    text = "1:-N S\n5:-A S -d 10.96.0.10/32 -j X1\n90:-A S -j N\n"
    chain = parse_chain_numbered(text, "nat", covers=frozenset({vip}))
    assert [one.number for one in chain.rules] == [4, 89]
    assert chain.covers == frozenset({vip})


NUMBERED = """\
2:*nat
3::A - [0:0]
4::B - [0:0]
5::C - [0:0]
7:-A A -j B
8:-A A -j C
11:-A B -d 10.96.0.10/32 -j X1
20:-A C -j DROP
22:-A C -j ACCEPT
24:COMMIT
"""
VIPS = frozenset({ip_address("10.96.0.10")})


def numbered(text: str, first_lines: dict[tuple[str, str], int] | None = None) -> Ruleset:
    return parse_save_numbered(
        text,
        Family.IPV4,
        Backend.NFT,
        partial=[("nat", "B")],
        covers=VIPS,
        first_lines=first_lines,
    )


def test_a_numbered_dump_knows_which_chains_are_whole() -> None:
    table = numbered(NUMBERED, {("nat", "B"): 9}).tables["nat"]
    assert [one.number for one in table.chains["B"].rules] == [3]
    assert [table.chains[name].covers for name in "ABC"] == [None, VIPS, frozenset()]
    assert not table.complete
    without = numbered(NUMBERED).tables["nat"]
    assert [one.number for one in without.chains["B"].rules] == [1]


def test_a_numbered_dump_that_broke_off_is_truncated() -> None:
    table = numbered(NUMBERED.rpartition("22:")[0]).tables["nat"]
    assert table.truncated
    assert table.chains["C"].covers == frozenset()


# The index


def test_the_index_leaves_out_only_what_cannot_match() -> None:
    lines = ["*nat"]
    for number in range(200):
        comment = f'-m comment --comment "x -d 10.96.0.{number}/32 y"'
        lines.append(f"-A S -d 10.96.0.{number}/32 -p tcp {comment} -m tcp --dport 80 -j A{number}")
        lines.append(
            f"-A S -p tcp -m comment --comment n -m tcp --dport {3000 + number} -j B{number}"
        )
        lines.append(f"-A S ! -s 10.0.0.0/8 -d 10.96.0.{number}/32 -j C{number}")
    lines += ["-A S ! -d 10.96.0.1/32 -j NOT", '-A S -m comment --comment "-d 10.96.0.7/32 " -j D']
    lines += ["-A S -p tcp -m tcp ! --dport 3005 -j NOTPORT", "COMMIT"]
    rules = save("\n".join(lines)).tables["nat"].chains["S"].rules
    assert isinstance(rules, IndexedRules)
    near = rules.toward(ip_address("10.96.0.5"), Protocol.TCP, 3007)
    targets = [one.target.chain for one in near if isinstance(one.target, t.Jump)]
    assert targets == ["A5", "C5", "B7", "NOT", "D", "NOTPORT"]


@pytest.mark.parametrize("words", ["-m", "-p tcp -m tcp --dport", "-m foo --bar 1 -m"])
def test_a_target_that_an_option_took_is_not_lost(words: str) -> None:
    nat = save(f"*nat\n-A PREROUTING {words} -j DROP\nCOMMIT\n").tables["nat"]
    (rule,) = nat.chains["PREROUTING"].rules
    assert isinstance(rule.target, Unknown)


def test_a_rule_of_very_many_modules_is_not_read() -> None:
    nat = save(f"*nat\n-A PREROUTING {'-m foo --bar ' * 80_000}-j DROP\nCOMMIT\n").tables["nat"]
    (rule,) = nat.chains["PREROUTING"].rules
    assert isinstance(rule.target, Unknown)


@pytest.mark.timeout(60)
def test_a_large_dump_is_split_in_no_time() -> None:
    lines = ["*nat", *(f":KUBE-SEP-{n} - [0:0]" for n in range(55_000))]
    for number in range(55_000):
        lines.append(f"-A KUBE-SEP-{number} -s 10.0.0.1/32 -j KUBE-MARK-MASQ")
        lines.append(f"-A KUBE-SEP-{number} -p tcp -m tcp -j DNAT --to-destination 10.0.0.1:80")
    text = "\n".join([*lines, "COMMIT", ""])
    ruleset = save(text)
    assert len(ruleset.tables["nat"].chains) == 55_000
