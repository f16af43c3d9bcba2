"""JSON says the same as text: same chains, sets, statements, whichever way they were listed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.model import nft
from kubectl_svcnet.model import targets as t
from kubectl_svcnet.model.ruleset import Unknown
from kubectl_svcnet.parse.nftables import parse_ruleset
from kubectl_svcnet.parse.nftables_json import parse_json

FIXTURES = Path(__file__).parent.parent / "fixtures" / "nftables"


@pytest.mark.parametrize("family", ["ip", "ip6"])
@pytest.mark.parametrize("version", ["1.33.13", "1.36.3"])
def test_kube_proxy(version: str, family: str) -> None:
    folder = FIXTURES / f"kube-proxy-{version}"
    (ours,) = parse_json((folder / f"nft-table-{family}.json").read_text())
    tables = parse_ruleset((folder / "nft-ruleset.txt").read_text())
    (theirs,) = [table for table in tables if table.family == family]
    assert ours.complete
    assert list(ours.chains) == list(theirs.chains)
    for name, chain in theirs.chains.items():
        mine = ours.chains[name]
        assert mine.base == chain.base
        assert [rule.number for rule in mine.rules] == [rule.number for rule in chain.rules]
        for one, other in zip(mine.rules, chain.rules, strict=True):
            assert _plain(one.statements) == _plain(other.statements)
    assert list(ours.sets) == list(theirs.sets)
    for name, each in theirs.sets.items():
        mine_set = ours.sets[name]
        assert list(mine_set.elements) == list(each.elements)
        assert replace(mine_set, elements=(), size=None) == replace(each, elements=(), size=None)


def _plain(statements: tuple[object, ...]) -> list[object]:
    return [str(one).replace("operator='=='", "operator=''") for one in statements]


def rule(*statements: Any) -> nft.Rule:
    head = {"family": "ip", "table": "t"}
    objects = [
        {"table": {"family": "ip", "name": "t"}},
        {"chain": {**head, "name": "c"}},
        {"rule": {**head, "chain": "c", "expr": list(statements)}},
    ]
    (table,) = parse_json(json.dumps({"nftables": objects}))
    return table.chains["c"].rules[0]


def test_values_of_several_parts() -> None:
    """nft 1.0 writes their type as one word."""
    one = {"family": "ip", "table": "t", "name": "m", "type": ["ipv4_addr", "inet_service"]}
    pair = [{"concat": ["10.0.0.1", 80]}, {"concat": ["10.0.0.2", 8080]}]
    what = {"map": {**one, "map": "ipv4_addr . inet_service", "elem": [pair]}}
    objects = [{"table": {"family": "ip", "name": "t"}}, what]
    (table,) = parse_json(json.dumps({"nftables": objects}))
    text = "table ip t {\n\tmap m {\n\t\ttype ipv4_addr . inet_service : ipv4_addr . inet_service\n"
    text += "\t\telements = { 10.0.0.1 . 80 : 10.0.0.2 . 8080 }\n\t}\n}\n"
    (listed,) = parse_ruleset(text)
    mine, other = table.sets["m"], listed.sets["m"]
    assert (list(mine.elements), mine.values) == (list(other.elements), other.values)


SADDR = {"payload": {"protocol": "ip", "field": "saddr"}}
MARK = {"meta": {"key": "mark"}}


def match(left: Any, right: Any, op: str = "==") -> Any:
    return {"match": {"op": op, "left": left, "right": right}}


@pytest.mark.parametrize(
    ("statements", "raw"),
    [
        (
            [match(SADDR, {"prefix": {"addr": "10.0.0.0", "len": 8}}), {"drop": None}],
            "ip saddr 10.0.0.0/8 drop",
        ),
        (
            [match(SADDR, {"range": ["10.0.0.1", "10.0.0.9"]}, "!=")],
            "ip saddr != 10.0.0.1-10.0.0.9",
        ),
        (
            [match(SADDR, {"set": ["10.0.0.1", {"prefix": {"addr": "10.1.0.0", "len": 16}}]})],
            "ip saddr { 10.0.0.1, 10.1.0.0/16 }",
        ),
        (
            [match({"ct": {"key": "state"}}, ["established", "related"], "in")],
            "ct state established,related",
        ),
        ([match({"ct": {"key": "status"}}, "dnat")], "ct status == dnat"),
        (
            [match({"ct": {"key": "saddr", "family": "ip", "dir": "original"}}, "10.0.0.1")],
            "ct original ip saddr 10.0.0.1",
        ),
        (
            [
                match(
                    {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, ["fin", "syn"]]},
                    "syn",
                )
            ],
            "tcp flags & (fin | syn) == syn",
        ),
        ([match({"meta": {"key": "iifname"}}, "cali*")], "meta iifname cali*"),
        (
            [match({"fib": {"result": "type", "flags": ["daddr", "iif"]}}, "local")],
            "fib daddr . iif type local",
        ),
        (
            [match({"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, True)],
            "fib saddr . iif oif exists",
        ),
        (
            [match({"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, False)],
            "fib saddr . iif oif missing",
        ),
        (
            [{"mangle": {"key": MARK, "value": {"|": [{"&": [MARK, 1]}, 16384]}}}],
            "meta mark set (meta mark & 1) | 16384",
        ),
        (
            [{"dnat": {"addr": "10.0.0.1", "port": 80, "flags": "random"}}],
            "dnat to 10.0.0.1:80 random",
        ),
        ([{"dnat": {"family": "ip6", "addr": "fd00::1", "port": 80}}], "dnat ip6 to [fd00::1]:80"),
        ([{"redirect": {"port": 15001}}], "redirect to :15001"),
        ([{"masquerade": None}], "masquerade"),
        (
            [{"reject": {"type": "icmpx", "expr": "port-unreachable"}}],
            "reject with icmpx port-unreachable",
        ),
        (
            [{"counter": {"packets": 1, "bytes": 2}}, {"log": {"prefix": "x y", "group": 1}}],
            'counter packets 1 bytes 2 log prefix "x y" group 1',
        ),
        (
            [{"limit": {"rate": 5, "per": "second", "burst": 5}}, {"accept": None}],
            "limit rate 5/second accept",
        ),
        ([{"set": {"op": "update", "elem": SADDR, "set": "@seen"}}], "update @seen { ip saddr }"),
        (
            [
                {
                    "dnat": {
                        "addr": {
                            "map": {
                                "key": {"jhash": {"mod": 2, "expr": SADDR}},
                                "data": {"set": [[0, "10.0.0.1"], [1, "10.0.0.2"]]},
                            }
                        },
                        "port": 80,
                    }
                }
            ],
            "dnat to jhash ip saddr mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }:80",
        ),
    ],
)
def test_rules(statements: list[Any], raw: str) -> None:
    found = rule(*statements)
    assert found.raw == raw
    assert found.statements
    assert not [one for one in found.statements if isinstance(one, (Unknown, nft.Doubt))]


def test_what_is_not_understood() -> None:
    checksum = match({"payload": {"protocol": "ip", "field": "checksum"}}, 3)
    assert rule(checksum, {"drop": None}).statements == (nft.Doubt("ip checksum 3"), t.Drop())
    odd = match({"exthdr": {"name": "frag"}}, 3)
    assert isinstance(rule(odd).statements[0], nft.Doubt)
    tproxy = {"tproxy": {"port": 1}}
    found = rule(tproxy, {"accept": None})
    assert found.statements == (Unknown('{"tproxy":{"port":1}}'), t.Accept())
    per_client = {"set": {"op": "add", "elem": SADDR, "set": "@s", "stmt": [{"limit": {}}]}}
    assert isinstance(rule(per_client).statements[0], Unknown)


def test_a_part_is_not_complete() -> None:
    objects = [{"chain": {"family": "ip", "table": "t", "name": "c", "handle": 1}}]
    (table,) = parse_json(json.dumps({"nftables": objects}))
    assert not table.complete
    lost = [*objects, {"rule": {"family": "ip", "table": "t", "chain": "x", "expr": []}}]
    (table,) = parse_json(json.dumps({"nftables": lost}))
    assert table.garbled


def test_what_broke_off_is_none() -> None:
    text = (FIXTURES / "kube-proxy-1.36.3" / "nft-table-ip.json").read_text().rstrip()
    for end in range(0, len(text), 997):
        with pytest.raises(ParseError):
            parse_json(text[:end])
    for other in ("[]", '{"nftables": 3}', "{}", "[" * 100_000, '{"nftables": [{"rule": {}}]}'):
        with pytest.raises(ParseError):
            parse_json(other)


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.sampled_from(["tcp", "@s", "10.0.0.1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["match", "left", "right", "op", "dnat", "addr", "set", "vmap", "&"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_any_json_is_kept(value: Any) -> None:
    found = rule(value)
    assert found.statements or found.raw in ("", '""')


def test_a_number_beyond_all_is_no_listing() -> None:
    table = {"table": {"family": "ip", "name": "t"}}
    base = {"type": "nat", "hook": "prerouting", "prio": float("inf"), "policy": "accept"}
    chain = {"chain": {"family": "ip", "table": "t", "name": "c", **base}}
    with pytest.raises(ParseError, match="not nft's JSON: something in it is not as nft prints it"):
        parse_json(json.dumps({"nftables": [table, chain]}).replace("Infinity", "1e999"))
