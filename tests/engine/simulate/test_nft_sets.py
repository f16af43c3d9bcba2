"""Whether a value is in a set, three-valued."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from kubectl_svcnet.engine.simulate.matching import Depends, NotKnown
from kubectl_svcnet.engine.simulate.nft_sets import Sets, Unread, holds
from kubectl_svcnet.model import nft
from kubectl_svcnet.model import targets as t
from kubectl_svcnet.model.ruleset import Unknown
from tests.engine.simulate.test_nft_values import FLOW

A, B = ip_address("10.0.0.1"), ip_address("10.0.0.9")
NET = nft.Interval(ip_address("10.0.0.0"), ip_address("10.0.0.7"))
DOUBT: Any = NotKnown("?")
NAME = nft.SetName("s")


def find(key: object, *elements: nft.Element, complete: bool = True, **fields: Any) -> object:
    named = nft.Set(name="s", types=("ipv4_addr",), elements=elements, **fields)
    table = nft.Table(family="ip", name="t", sets={"s": named}, complete=complete)
    return Sets(table).find(NAME, key, FLOW)


@pytest.mark.parametrize(
    ("pattern", "value", "held"),
    [
        (A, A, True),
        (A, B, False),
        (NET, A, True),
        (NET, B, False),
        (NET, ip_address("fd00::1"), False),
        (NET, 80, False),
        (NET, ip_address("10.0.0.0"), True),
        (NET, ip_address("10.0.0.7"), True),
        (nft.Interval(80, 90), 80, True),
        (nft.Interval(80, 90), 90, True),
        (nft.Interval(80, 90), 91, False),
        (nft.NameStart("cali"), "cali12", True),
        (nft.NameStart("cali"), "eth0", False),
        (nft.Parts((NET, 6)), nft.Parts((A, 6)), True),
        (nft.Parts((NET, 6)), nft.Parts((A, 17)), False),
        (nft.Parts((NET, 6)), nft.Parts((DOUBT, 17)), False),
        (nft.Parts((NET, 6)), nft.Parts((DOUBT, 6)), DOUBT),
        (A, DOUBT, DOUBT),
        (80, "80", False),
    ],
)
def test_holds(pattern: object, value: object, held: object) -> None:
    assert holds(pattern, value) == held


def test_finding() -> None:
    one, block = nft.Element(A), nft.Element(NET)
    assert find(A, one) == one
    assert find(B, one) is None
    assert find(A, block) == block
    rest = nft.Element(nft.Anything(), t.Drop())
    assert find(B, one, rest) == rest
    assert find(A, one, rest) == one
    assert isinstance(find(DOUBT, one), NotKnown)
    assert find(nft.Parts((DOUBT, 17)), nft.Element(nft.Parts((A, 6)))) is None
    assert isinstance(find(B, one, nft.Element(Unknown("odd"))), NotKnown)
    assert find(A, one, nft.Element(Unknown("odd"))) == one


def test_candidates() -> None:
    """What may be the one, where a part of the key is not known."""
    tcp, udp = nft.Element(nft.Parts((A, 6))), nft.Element(nft.Parts((A, 17)))
    rest = nft.Element(nft.Anything(), t.Drop())
    named = nft.Set(name="s", types=("ipv4_addr", "inet_proto"), elements=(tcp, udp, rest))
    sets = Sets(nft.Table(family="ip", name="t", sets={"s": named}))
    assert sets.candidates(NAME, nft.Parts((DOUBT, 17))) == [udp, rest]


def test_what_is_not_here() -> None:
    assert isinstance(find(B, garbled=(Unknown("x"),)), NotKnown)
    assert find(B, dynamic=True) == Depends("whether s remembers this client", usual=False)
    assert isinstance(find(B, dynamic=True, maps=True), NotKnown)
    assert isinstance(find(A, nft.Element(A, expires=True)), Depends)
    assert find(B, covers=frozenset()) == Unread("s")
    assert find(B, covers=frozenset([B])) is None
    assert find(A, nft.Element(A), covers=frozenset([B])) == nft.Element(A)
    assert find(nft.Parts((6, 80)), covers=frozenset()) is None  # such elements never stay behind
    assert find(nft.Parts((B, 80)), covers=frozenset([A])) == Unread("s")
    empty = nft.Table(family="ip", name="t")
    assert Sets(empty).find(NAME, A, FLOW) == Unread("s")
    whole = nft.Table(family="ip", name="t", complete=True)
    assert isinstance(Sets(whole).find(NAME, A, FLOW), NotKnown)
