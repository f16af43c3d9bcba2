from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from kubectl_svcnet.engine.codes import finding
from kubectl_svcnet.model.finding import Gap, Level
from kubectl_svcnet.model.report import CheckReport, Collected
from kubectl_svcnet.render.sarif import render

DB = finding("SVN202", "x is gone", service="default/db", node="n3", evidence=("nat/X:1",))
OVERLAP = finding("SVN104", "a and b overlap")
BLIND = Gap(what="rules", why="no route", node="n2", blocking=True)


def run_of(*findings: Any, gaps: tuple[Gap, ...] = ()) -> Any:
    report = CheckReport(collected=Collected(), findings=findings, gaps=gaps)
    document = json.loads(render(report))
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    return run


def names(result: Any) -> list[list[str]]:
    return [
        [place["fullyQualifiedName"] for place in location["logicalLocations"]]
        for location in result["locations"]
    ]


def test_rules_stand_once_and_results_point_at_them() -> None:
    run = run_of(DB, replace(DB, node="n4"), OVERLAP)
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["SVN104", "SVN202"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


@pytest.mark.parametrize(
    ("level", "word"),
    [(Level.ERROR, "error"), (Level.WARNING, "warning"), (Level.INFO, "note")],
)
def test_levels(level: Level, word: str) -> None:
    assert run_of(replace(DB, level=level))["results"][0]["level"] == word


def test_places_are_objects() -> None:
    both = replace(DB, node="", objects=(DB, replace(DB, node="n4")))
    (result,) = run_of(both)["results"]
    assert names(result) == [["service/default/db", "node/n3"], ["service/default/db", "node/n4"]]
    assert names(run_of(OVERLAP)["results"][0]) == []


def test_a_fingerprint_outlives_addresses() -> None:
    other = replace(DB, message="y is gone")
    prints = {one["partialFingerprints"]["object/v1"] for one in run_of(DB, other)["results"]}
    assert len(prints) == 1


def test_gaps_are_said() -> None:
    (invocation,) = run_of(gaps=(BLIND,))["invocations"]
    assert not invocation["executionSuccessful"]
    assert invocation["toolExecutionNotifications"] == [
        {"level": "error", "message": {"text": "n2 rules: no route"}}
    ]
    (invocation,) = run_of(gaps=(replace(BLIND, accepted=True),))["invocations"]
    assert invocation["executionSuccessful"]
