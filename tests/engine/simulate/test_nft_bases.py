"""Chains of native nftables as walks enter them: whole, in part, or not at all."""

from __future__ import annotations

import pytest

from kubectl_svcnet.engine.simulate.nft_bases import entered
from kubectl_svcnet.model import nft
from kubectl_svcnet.model import targets as t
from kubectl_svcnet.model.address import Family

RULES = (nft.Rule(3, "accept", (t.Accept(),)), nft.Rule(4, "drop", (t.Drop(),)))


def table(*, complete: bool, whole: bool = True) -> nft.Table:
    chains = {"a": nft.Chain(name="a", rules=RULES, whole=whole)}
    return nft.Table(family="ip", name="own", chains=chains, complete=complete)


@pytest.mark.parametrize("whole", [True, False])
def test_rules_have_their_names(whole: bool) -> None:
    found = entered(table(complete=True, whole=whole), Family.IPV4, "a")
    assert found is not None
    assert found.whole is whole
    assert [str(line.ref) for line in found.lines] == ["ip own/a:3", "ip own/a:4"]
    assert [line.statements for line in found.lines] == [rule.statements for rule in RULES]


def test_what_a_rule_led_to_is_named() -> None:
    found = entered(table(complete=True), Family.IPV4, "a")
    assert found is not None
    line = found.lines[0]
    assert (line.into("b").into, line.into("c").into, line.ref.into) == ("b", "c", "")
    assert line.into("b") == line.ref
    assert line.into("b") is line.into("b")


def test_how_long_a_rule_remembers() -> None:
    known = nft.Set(name="known", types=("ipv4_addr",), dynamic=True, timeout=300)
    source = nft.Field("ip", "saddr")
    rules = [
        nft.Rule(number, "", (nft.Match(source, operator, nft.SetName(name)),))
        for number, (operator, name) in enumerate([("", "known"), ("!=", "known"), ("", "other")])
    ]
    chains = {"a": nft.Chain(name="a", rules=tuple(rules))}
    found = entered(
        nft.Table(family="ip", name="own", chains=chains, sets={"known": known}), Family.IPV4, "a"
    )
    assert found is not None
    assert [line.ref.remembers for line in found.lines] == [(300,), (), ()]


def test_a_chain_that_is_not_here() -> None:
    assert entered(table(complete=True), Family.IPV4, "b") is None
    unread = entered(table(complete=False), Family.IPV4, "b")
    assert unread is not None
    assert (str(unread.where), unread.lines, unread.whole) == ("ip own/b", (), False)
