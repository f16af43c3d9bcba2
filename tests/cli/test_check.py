"""What a pipeline says on the command line, its files read; and which question is asked."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet.cli import session
from kubectl_svcnet.cli.check import check, to_gate
from kubectl_svcnet.cli.main import main
from kubectl_svcnet.errors import ParseError, UsageError
from kubectl_svcnet.model.finding import Level
from kubectl_svcnet.model.gate import Gate, Key
from kubectl_svcnet.model.report import CheckReport, PlanReport

BASELINE = {
    "apiVersion": "svcnet/v1alpha1",
    "kind": "Check",
    "findings": [
        {"code": "SVN202", "level": "error", "service": "a/b", "node": "n1", "message": "m"}
    ],
}


def given(**flags: Any) -> argparse.Namespace:
    return argparse.Namespace(command="check", services=[], **flags)


def test_nothing_is_filtered_unless_asked() -> None:
    assert to_gate({}) == Gate()


def test_codes_in_any_case_one_by_one_or_in_a_list() -> None:
    gate = to_gate({"only": ["svn202,SVN203", "SVN301"], "skip": ["SVN310", "svn202=shop/cart"]})
    assert gate.only == {"SVN202", "SVN203", "SVN301"}
    assert gate.skip == {("SVN310", ""), ("SVN202", "shop/cart")}


@pytest.mark.parametrize("flag", ["only", "skip"])
def test_a_code_that_does_not_exist(flag: str) -> None:
    with pytest.raises(UsageError, match=f"--{flag}: 'SVN999' is no code"):
        to_gate({flag: ["SVN999"]})


@pytest.mark.parametrize("only", ["", ","])
def test_only_of_nothing(only: str) -> None:
    with pytest.raises(UsageError, match="--only names no code"):
        to_gate({"only": [only]})


def test_a_skip_of_nothing() -> None:
    with pytest.raises(UsageError, match="--skip SVN202=: say what"):
        to_gate({"skip": ["SVN202="]})


def test_files(tmp_path: Path) -> None:
    config, baseline = tmp_path / "levels.ini", tmp_path / "before.json"
    config.write_text("[levels]\nSVN310 = info\n")
    baseline.write_text(json.dumps(BASELINE))
    gate = to_gate({"config": str(config), "baseline": str(baseline)})
    assert gate.levels == {"SVN310": Level.INFO}
    assert gate.known == {Key("SVN202", "a/b", "n1", ""): Level.ERROR}


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="No such file"):
        to_gate({"baseline": str(tmp_path / "none")})
    config = tmp_path / "levels.ini"
    config.write_text("[levels]\nSVN999 = info\n")
    with pytest.raises(UsageError, match="SVN999"):
        to_gate({"config": str(config)})
    config.write_text("[level]\nSVN310 = info\n")
    with pytest.raises(ParseError, match=r"levels\.ini: \[level\] is no section"):
        to_gate({"config": str(config)})


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"watch": True, "wait": True}, "one of them"),
        ({"watch": True, "output": "junit"}, "one document"),
        ({"watch": True, "bundle": "demo"}, "--bundle"),
        ({"wait": True, "bundle": "demo"}, "--bundle"),
    ],
)
def test_what_does_not_go_together(flags: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check(given(**flags))


def test_how_long_each_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def run(
        given: argparse.Namespace, load: Callable[[], session.Work], *, timeout: float = 60.0
    ) -> int:
        asked.append(timeout)
        return 0 if callable(load()) else 1

    monkeypatch.setattr(session, "run", run)
    assert [check(given(**flags)) for flags in ({}, {"wait": True}, {"plan": True})] == [0, 0, 0]
    assert asked == [60.0, 600.0, 60.0]


def test_a_check_or_only_its_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[object] = []

    def show(report: object, options: object, *, cost: bool = False) -> int:
        shown.append(report)
        return 0

    monkeypatch.setattr(session, "show", show)
    check(given(bundle="demo"))
    check(given(bundle="demo", plan=True))
    assert [type(report) for report in shown] == [CheckReport, PlanReport]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ([], 1),
        (["--fail-on", "never"], 0),
        (["--skip", "SVN301=n3,SVN202,SVN203"], 0),
        (["--skip", "SVN301"], 1),
        (["--only", "SVN310"], 0),
        (["web-lb"], 1),
    ],
)
def test_the_exit_status(words: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--bundle", "demo", *words]) == status
    assert "Traceback" not in capsys.readouterr().err


def test_what_was_known_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--bundle", "demo", "-o", "json"]) == 1
    baseline = tmp_path / "before.json"
    baseline.write_text(capsys.readouterr().out)
    assert main(["check", "--bundle", "demo", "--baseline", str(baseline)]) == 0
    assert "SVN" not in capsys.readouterr().out


def test_levels_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "levels.ini"
    config.write_text("[levels]\nSVN301 = warning\nSVN202 = warning\nSVN203 = info\n")
    assert main(["check", "--bundle", "demo", "--config", str(config)]) == 0
    assert capsys.readouterr().out.startswith("warning SVN301")
    assert main(["check", "--bundle", "demo", "--config", str(config), "--fail-on", "info"]) == 1


@pytest.mark.parametrize("output", ["junit", "sarif"])
def test_formats_of_check_alone(output: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--bundle", "demo", "-o", output]) == 1
    assert "SVN301" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["trace", "--bundle", "demo", "-o", output])
