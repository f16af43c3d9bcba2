"""Operators: equal, not, order, any of the flags, in a set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kubectl_svcnet.engine.simulate.flow import Flow
from kubectl_svcnet.engine.simulate.matching import Depends, NotKnown, Odds, Place
from kubectl_svcnet.engine.simulate.nft_matching import matched
from kubectl_svcnet.engine.simulate.nft_sets import Sets, Unread
from kubectl_svcnet.engine.simulate.nft_values import Sight, Spread
from kubectl_svcnet.engine.simulate.routing import Routing
from kubectl_svcnet.model import nft
from tests.engine.simulate.test_nft_values import DPORT, FLOW, SADDR

NEW = nft.Flags(frozenset({"new", "related"}))
EXACTLY = nft.Flags(frozenset({"new"}))
STATE, STATUS = nft.Ct("state"), nft.Ct("status")
DNAT = nft.Flags(frozenset({"dnat"}))
RANDOM = nft.Meta("random")
ROUTE = nft.Fib(frozenset({"saddr", "iif"}), "oif")
WEB = nft.Elements((nft.Element(80), nft.Element(443)))


@pytest.mark.parametrize(
    ("match", "flow", "wanted"),
    [
        (nft.Match(DPORT, "", 80), FLOW, True),
        (nft.Match(DPORT, "!=", 80), FLOW, False),
        (nft.Match(DPORT, "!=", 81), FLOW, True),
        (nft.Match(nft.Field("udp", "dport"), "!=", 81), FLOW, False),
        (nft.Match(DPORT, "<", 81), FLOW, True),
        (nft.Match(DPORT, "<", 80), FLOW, False),
        (nft.Match(DPORT, "<=", 80), FLOW, True),
        (nft.Match(DPORT, "<=", 79), FLOW, False),
        (nft.Match(DPORT, ">", 79), FLOW, True),
        (nft.Match(DPORT, ">", 80), FLOW, False),
        (nft.Match(DPORT, ">=", 80), FLOW, True),
        (nft.Match(DPORT, ">=", 81), FLOW, False),
        (nft.Match(DPORT, "", WEB), FLOW, True),
        (nft.Match(DPORT, "!=", WEB), FLOW, False),
        (nft.Match(STATE, "", NEW), FLOW, True),
        (nft.Match(STATE, "==", NEW), FLOW, False),
        (nft.Match(STATE, "==", EXACTLY), FLOW, True),
        (nft.Match(STATE, "!=", NEW), FLOW, True),
        (nft.Match(STATE, "!", NEW), FLOW, False),
        (nft.Match(STATUS, "", DNAT), FLOW, False),
        (nft.Match(STATUS, "", DNAT), FLOW._replace(destination_changed=True), True),
        (nft.Match(STATE, "", nft.Elements((nft.Element(EXACTLY),))), FLOW, True),
        (nft.Match(STATUS, "", nft.Elements((nft.Element(DNAT),))), FLOW, NotKnown),
        (nft.Match(ROUTE, "", "missing"), FLOW, False),
        (nft.Match(ROUTE, "", "missing"), FLOW._replace(in_device="eth0"), True),
        (nft.Match(ROUTE, "", "exists"), FLOW, True),
        (nft.Match(ROUTE, "!=", "0"), FLOW, True),
        (nft.Match(ROUTE, "!=", "0"), FLOW._replace(in_device="eth0"), False),
        (nft.Match(ROUTE, "", "0"), FLOW._replace(in_device="eth0"), True),
        (nft.Match(nft.Bits("&", RANDOM, 0x7FFFFFFF), "<", 0x40000000), FLOW, Odds(0.5)),
        (nft.Match(RANDOM, ">=", 0x40000000), FLOW, Odds(0.75)),
        (nft.Match(nft.Bits("&", RANDOM, 3), "<=", 0), FLOW, Odds(0.25)),
        (nft.Match(nft.Bits("&", RANDOM, 3), ">", 0), FLOW, Odds(0.75)),
        (nft.Match(nft.Bits("&", RANDOM, 0x7FFFFFF0), "<", 1), FLOW, NotKnown),
        (nft.Match(SADDR, "!=", WEB), FLOW._replace(source=None), NotKnown),
        (nft.Match(SADDR, "", nft.SetName("seen")), FLOW, Depends),
        (nft.Match(SADDR, "", nft.SetName("elsewhere")), FLOW, Unread),
        (nft.Match(nft.Numgen("random", 2), "", 0), FLOW, Spread),
    ],
)
def test_matches(
    view: Callable[..., Any],
    packet: Callable[..., Any],
    match: nft.Match,
    flow: Flow,
    wanted: object,
) -> None:
    node = view()
    seen = nft.Set(name="seen", types=("ipv4_addr",), dynamic=True)
    table = nft.Table(family="ip", name="t", sets={"seen": seen})
    place = Place("PREROUTING", Routing(node), node.sysctls)
    found = matched(match, Sight(flow, place, packet(), Sets(table)))
    assert isinstance(found, wanted) if isinstance(wanted, type) else found == wanted


def test_a_negated_list_of_clients_usually_matches(
    view: Callable[..., Any], packet: Callable[..., Any]
) -> None:
    node = view()
    seen = nft.Set(name="seen", types=("ipv4_addr",), dynamic=True)
    table = nft.Table(family="ip", name="t", sets={"seen": seen})
    sight = Sight(FLOW, Place("INPUT", Routing(node), {}), packet(), Sets(table))
    found = matched(nft.Match(SADDR, "!=", nft.SetName("seen")), sight)
    assert isinstance(found, Depends)
    assert found.usual is True
