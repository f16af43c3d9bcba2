"""Looking up chains, and dividing branches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kubectl_svcnet.engine.simulate import walk
from kubectl_svcnet.engine.simulate.flow import Branch, Cause
from kubectl_svcnet.engine.simulate.matching import Depends, NotKnown, Odds
from kubectl_svcnet.engine.simulate.routing import Routing
from kubectl_svcnet.engine.simulate.walk import Walk
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend, ChainId, FateKind
from kubectl_svcnet.model.ruleset import Chain, Ruleset, Table
from tests.engine.simulate.conftest import Ask

HERE = ChainId(Family.IPV4, Backend.NFT, "nat", "A")


def make_walk(view: Callable[..., Any], packet: Callable[..., Any]) -> Walk:
    node = view()
    return Walk(node, packet(), Routing(node))


def ruleset(complete: bool, **tables: Table) -> Ruleset:
    return Ruleset(family=Family.IPV4, backend=Backend.NFT, tables=tables, complete=complete)


def test_missing_is_absent_only_where_all_was_listed(
    view: Callable[..., Any], packet: Callable[..., Any]
) -> None:
    walk = make_walk(view, packet)
    chain = Chain(name="A")
    for held, found in (
        (None, False),
        (ruleset(False), False),
        (ruleset(True), None),
        (ruleset(True, nat=Table(name="nat")), False),
        (ruleset(False, nat=Table(name="nat", complete=True)), None),
        (ruleset(True, nat=Table(name="nat", complete=True, incompatible=True)), False),
        (ruleset(False, nat=Table(name="nat", chains={"A": chain})), chain),
    ):
        assert walk.base_chain(held, HERE) is found


def test_wanting_a_chain_marks_the_branch(
    view: Callable[..., Any], packet: Callable[..., Any]
) -> None:
    walk = make_walk(view, packet)
    branch = Branch(None)  # type: ignore[arg-type]
    walk.want(HERE, branch)
    assert branch.unread
    assert walk.wanted == {HERE}


def test_dividing(view: Callable[..., Any], packet: Callable[..., Any]) -> None:
    walk = make_walk(view, packet)
    branch = Branch(None, 0.5)  # type: ignore[arg-type]
    yes, no = walk.divide(branch, Odds(0.2), "rule")
    assert (yes.weight, no.weight, yes.choices) == (0.1, 0.4, ())
    yes, no = walk.divide(branch, Depends("the list", usual=False), "rule")
    assert (no.choices, no.weight) == ((), 0.5)
    assert [(one.cause, one.because) for one in yes.choices] == [(Cause.STATE, "rule: the list")]
    yes, no = walk.divide(branch, NotKnown("words"), "rule")
    assert [one.choices[0].side for one in (yes, no)] == [0, 1]
    assert yes.choices[0].split == no.choices[0].split


def test_a_walk_that_divides_without_end_is_unknown(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "MOST_DIVISIONS", 500)
    for match in ("-m u32 --u32 {}", "-m statistic --mode random --probability 0.5"):
        lines = [
            f"-A PREROUTING {match.format(bit)} -j MARK --set-xmark {1 << bit}/{1 << bit}"
            for bit in range(25)
        ]
        fates = ask("\n".join(["*mangle", *lines, "COMMIT", ""]), "8.8.8.8")
        assert FateKind.UNKNOWN in [fate.kind for fate in fates]


def test_a_rule_with_many_unknown_words_divides_once(ask: Ask) -> None:
    words = " ".join(f"-m foo --bar {number}" for number in range(5_000))
    (fate,) = ask(f"*filter\n-A FORWARD {words} -j DROP\nCOMMIT\n", "8.8.8.8")
    assert fate.kind is FateKind.UNKNOWN
