from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

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


def thing(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def many(item: Any, *, unique: bool = False) -> dict[str, Any]:
    return {"type": "array", "items": item, "uniqueItems": unique}


TEXT: dict[str, Any] = {"type": "string"}
SAID = thing(("text",), text={"type": "string", "minLength": 1})
LEVEL = {"enum": ["none", "note", "warning", "error"]}
#: Of the objects that are used, their properties as in sections 3.13 to 3.58 of SARIF 2.1.0.
SARIF = thing(
    ("version", "runs"),
    **{"$schema": TEXT},
    version={"const": "2.1.0"},
    runs=many(
        thing(
            ("tool",),
            tool=thing(
                ("driver",),
                driver=thing(
                    ("name",),
                    name=TEXT,
                    version=TEXT,
                    informationUri=TEXT,
                    rules=many(
                        thing(("id",), id=TEXT, shortDescription=SAID, helpUri=TEXT), unique=True
                    ),
                ),
            ),
            invocations=many(
                thing(
                    ("executionSuccessful",),
                    executionSuccessful={"type": "boolean"},
                    toolExecutionNotifications=many(thing(("message",), level=LEVEL, message=SAID)),
                )
            ),
            results=many(
                thing(
                    ("message",),
                    ruleId=TEXT,
                    ruleIndex={"type": "integer", "minimum": -1},
                    level=LEVEL,
                    message=SAID,
                    locations=many(
                        thing(
                            logicalLocations=many(
                                thing(fullyQualifiedName=TEXT, kind=TEXT), unique=True
                            )
                        )
                    ),
                    partialFingerprints={"type": "object", "additionalProperties": TEXT},
                )
            ),
        )
    ),
)


@pytest.mark.parametrize("findings", [(), (DB, OVERLAP), (replace(DB, objects=(DB, OVERLAP)),)])
def test_it_keeps_to_the_specification(findings: tuple[Any, ...]) -> None:
    report = CheckReport(collected=Collected(), findings=findings, gaps=(BLIND,))
    Draft202012Validator(SARIF).validate(json.loads(render(report)))
