"""A table of which most lines stayed on the node: what is here is here whole."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.model import nft
from kubectl_svcnet.model import targets as t
from kubectl_svcnet.model.address import IPAddress
from kubectl_svcnet.parse.nft_picked import parse_picked

HEAD = "1:table ip kube-proxy {\n"
ASKED = frozenset[IPAddress]([ip_address("10.96.0.1")])
SET = (
    '2:\tset cluster-ips {\n3-\t\ttype ipv4_addr\n4-\t\tcomment "Active ClusterIPs"\n'
    "5-\t\telements = { 10.9.0.1, 10.9.0.2,\n"
)
CHAIN = "40:\tchain services {\n41-\t\taccept\n42-\t\tdrop\n43-\t}\n44-\n"


def parse(text: str) -> nft.Table:
    return parse_picked(HEAD + text, ASKED)


def test_a_chain() -> None:
    table = parse(CHAIN)
    assert str(table) == "ip kube-proxy"
    assert not table.complete
    assert [rule.statements for rule in table.chains["services"].rules] == [
        (t.Accept(),),
        (t.Drop(),),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "40:\tchain services {\n41-\t\taccept\n",
        "40:\tchain services {\n41-\t\taccept\n43-\t}\n",
        "40:\tchain services {\n41-\t\taccept\n--\n60:\t\tdrop\n61-\t}\n",
        "40:\tchain services {\n--\n60:\tchain x {\n",
        "42-\t\tdrop\n43-\t}\n",
    ],
)
def test_a_chain_with_a_gap_is_not_here(text: str) -> None:
    assert parse(text).chains == {}
    assert "other" in parse(f"{text}--\n{CHAIN.replace('services', 'other')}").chains


def test_what_the_table_is_itself() -> None:
    assert not parse(CHAIN).dormant
    assert parse(f'2-\tflags dormant\n3-\tcomment "rules"\n{SET.replace("2:", "4:")}').dormant
    assert parse(f'2-\tcomment "flags dormant"\n3-\tflags owner,dormant\n--\n{CHAIN}').dormant
    assert not parse(f'2-\tcomment "flags dormant"\n--\n{CHAIN}').dormant
    assert not parse(f"{CHAIN}45-\tflags dormant\n").dormant


def elements(table: nft.Table, name: str = "cluster-ips") -> list[str]:
    return [str(element.key) for element in table.sets[name].elements]


def test_a_set_of_which_elements_stayed() -> None:
    text = SET + "--\n30:\t\t\t     10.9.1.1, 10.96.0.1,\n"
    for more in ("", "--\n33:\t\t\t     10.9.2.1, 10.9.2.2 }\n34-\t}\n35-\n", "--\n" + CHAIN):
        table = parse(text + more)
        assert table.sets["cluster-ips"].covers == ASKED
        assert table.sets["cluster-ips"].types == ("ipv4_addr",)
        wanted = ["10.9.0.1", "10.9.0.2", "10.9.1.1", "10.96.0.1"]
        assert elements(table) == wanted + (["10.9.2.1", "10.9.2.2"] if "10.9.2.1" in more else [])


def test_a_whole_set() -> None:
    closed = SET + "6-\t\t\t     10.9.0.3 }\n7-\t}\n8-\n"
    assert parse(closed).sets["cluster-ips"].covers is None
    assert elements(parse(closed)) == ["10.9.0.1", "10.9.0.2", "10.9.0.3"]
    empty = "9:\tmap firewall-ips {\n10-\t\ttype ipv4_addr : verdict\n11-\t}\n12-\n"
    table = parse(closed + empty)
    assert table.sets["firewall-ips"].covers is None
    assert elements(table, "firewall-ips") == []


@pytest.mark.parametrize(
    "text",
    [
        "2:\tset cluster-ips {\n",
        "2:\tset cluster-ips {\n3-\t\ttype ipv4_addr\n--\n9:\t\t\t     10.96.0.1,\n",
        SET + "--\n9:\t\todd\n",
    ],
)
def test_a_set_that_cannot_be_told_is_not_here(text: str) -> None:
    assert parse(text).sets == {}


@pytest.mark.parametrize("text", ["", "2:table ip kube-proxy {\n", "1:chain\n", "table ip t {\n"])
def test_what_is_no_table(text: str) -> None:
    with pytest.raises(ParseError):
        parse_picked(text, ASKED)
