from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_svcnet.engine.codes import finding
from kubectl_svcnet.engine.judge.gate import passed
from kubectl_svcnet.model.finding import Finding, Level
from kubectl_svcnet.model.gate import Gate, key_of

DB = finding("SVN202", "10.0.0.1 is not programmed", service="default/db", node="n3")
WEB = finding("SVN202", "10.0.0.2 is not programmed", service="default/web", node="n3")
OLD = finding("SVN310", "ipvs", node="n1")
OVERLAP = finding("SVN104", "a and b overlap")
FULL = finding("SVN107", "a is full")
ALL = (DB, WEB, OLD, OVERLAP, FULL)


def through(**values: object) -> tuple[Finding, ...]:
    return tuple(passed(ALL, Gate(**values)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("gate", "kept"),
    [
        ({}, ALL),
        ({"only": frozenset(["SVN202", "SVN104"])}, (DB, WEB, OVERLAP)),
        ({"skip": frozenset([("SVN202", "")])}, (OLD, OVERLAP, FULL)),
        ({"skip": frozenset([("SVN202", "default/db")])}, (WEB, OLD, OVERLAP, FULL)),
        ({"skip": frozenset([("SVN310", "n1"), ("SVN202", "n1")])}, (DB, WEB, OVERLAP, FULL)),
        ({"skip": frozenset([("SVN310", "n2")])}, ALL),
    ],
)
def test_only_and_skip(gate: dict[str, object], kept: tuple[Finding, ...]) -> None:
    assert through(**gate) == kept


def test_what_was_known_passes_whatever_addresses_it_names() -> None:
    before = replace(DB, message="10.0.0.9 is not programmed")
    known = {key_of(one): one.level for one in (before, OVERLAP)}
    assert through(known=known) == (WEB, OLD, FULL)


def test_what_has_become_worse_is_news() -> None:
    assert DB in through(known={key_of(DB): Level.INFO})
    assert DB not in through(known={key_of(DB): Level.ERROR})


def test_levels_of_ones_own() -> None:
    found = through(levels={"SVN202": Level.INFO, "SVN310": Level.ERROR})
    assert [one.level for one in found[:3]] == [Level.INFO, Level.INFO, Level.ERROR]


@pytest.mark.parametrize("level", Level)
def test_what_is_less_than_usual_is_never_raised(level: Level) -> None:
    unsettled = replace(DB, level=Level.INFO)
    (found,) = passed([unsettled], Gate(levels={"SVN202": level}))
    assert found.level is Level.INFO


def test_a_level_counts_before_what_was_known() -> None:
    gate = Gate(levels={"SVN310": Level.ERROR}, known={key_of(OLD): Level.WARNING})
    assert [one.level for one in passed([OLD], gate)] == [Level.ERROR]
