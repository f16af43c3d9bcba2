"""The JSON document against its schema, docs/schema.json."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from kubectl_svcnet.model.finding import Gap
from kubectl_svcnet.model.report import Collected, SnapshotReport
from kubectl_svcnet.render.document import API_VERSION, document, failed, unread
from tests.reports import MAKERS, made

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
GOLDENS = Path(__file__).parent / "goldens"


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", MAKERS)
def test_every_report(name: str) -> None:
    VALIDATOR.validate(document(made(name)))


@pytest.mark.parametrize(
    "file", sorted(GOLDENS.glob("*.json")) + sorted(GOLDENS.glob("*.yaml")), ids=lambda f: f.name
)
def test_every_golden(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    VALIDATOR.validate(json.loads(text) if file.suffix == ".json" else yaml.safe_load(text))


@pytest.mark.parametrize("kind", ["Trace", "Check", "Ranges", "Snapshot", "Version"])
@pytest.mark.parametrize("next", ["kubectl config view", None])
def test_failures(kind: str, next: str | None) -> None:
    made = failed(kind, "no cluster", next)
    VALIDATOR.validate(made)
    assert made["kind"] == kind
    assert made["collected"]["startedAt"] is None
    (gap,) = made["gaps"]
    assert (gap["why"], gap["next"], gap["blocking"]) == ("no cluster", next, True)


def test_version() -> None:
    made = unread("Version", [{"version": "1", "python": "3"}])
    VALIDATOR.validate(made)
    assert made["apiVersion"] == API_VERSION


@pytest.mark.parametrize("clock", [1e300, -1e300, float("inf"), float("nan"), 1 << 40])
def test_a_clock_that_no_calendar_has(clock: float) -> None:
    report = SnapshotReport(collected=Collected(started_at=clock))
    assert document(report)["collected"]["startedAt"] is None


def test_accepted_gaps() -> None:
    gap = Gap(what="rules", why="no", node="n2", blocking=True, accepted=True)
    shown = document(SnapshotReport(collected=Collected(), file="x", gaps=(gap,)))
    VALIDATOR.validate(shown)
    assert shown["gaps"][0]["accepted"] is True


def test_keys_are_those_of_the_contract() -> None:
    """docs/product.md names every key; a new one belongs there first."""
    contract = (ROOT / "docs" / "product.md").read_text(encoding="utf-8")
    shown = document(made("followed-nothing"))
    item = shown["items"][0]
    frontend = item["frontends"][0]
    node = frontend["nodes"][0]
    ours = {"settled", "reason", "source", "because", "unread", "assumed", "sentence", "steps"}
    for part in (
        shown,
        shown["collected"],
        shown["findings"][0],
        item,
        frontend,
        frontend["endpoints"][0],
        node,
        node["fates"][0],
    ):
        for key in part.keys() - ours:
            assert f'"{key}"' in contract, key


def node_of(made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = made["items"][0]["frontends"][0]["nodes"][0]
    return found


@pytest.mark.parametrize(
    "spoil",
    [
        lambda made: made.pop("gaps"),
        lambda made: made.update(kind="Nothing"),
        lambda made: made.update(kind="Ranges"),
        lambda made: made.update(more=1),
        lambda made: node_of(made).update(verdict="fine"),
        lambda made: node_of(made)["expected"].append("10.0.0.1"),
        lambda made: node_of(made)["fates"][0].update(probability=2),
        lambda made: node_of(made)["fates"][0].update(client="me"),
        lambda made: made["findings"][0].update(code="X1"),
        lambda made: made["collected"].update(startedAt="yesterday"),
    ],
)
def test_the_schema_refuses(spoil: Callable[[dict[str, Any]], object]) -> None:
    made_ = copy.deepcopy(document(made("followed-nothing")))
    spoil(made_)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(made_)
