"""Again and again: the checks are made up, since what one is has tests of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from kubectl_svcnet.engine.codes import finding
from kubectl_svcnet.errors import ClusterError
from kubectl_svcnet.model.finding import Gap, Level
from kubectl_svcnet.model.gate import Gate
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import CheckReport, Collected, Coverage
from kubectl_svcnet.pipeline import repeated
from kubectl_svcnet.pipeline.repeated import programmed, wait, watch

DB = finding("SVN202", "x is gone", service="default/db", node="n3")
STOPPED = finding("SVN301", "stopped", node="n3")
WARNING = finding("SVN310", "ipvs", node="n1")
BLIND = Gap(what="rules", why="no route", node="n2", blocking=True)


def report(*findings: Any, gaps: tuple[Gap, ...] = (), **coverage: Any) -> CheckReport:
    seen = Coverage(**{"ok": 3, "nodes": 3, "nodes_read": 3, **coverage})
    return CheckReport(collected=Collected(), findings=findings, gaps=gaps, coverage=seen)


GOOD, BAD = report(), report(DB, differ=1, where=("n3",))


class Clock:
    """Each check takes a second; it ends after so many."""

    context = "made-up"

    def __init__(self, checks: Sequence[CheckReport | Exception], monkeypatch: Any) -> None:
        self.time, self.left = 0.0, list(checks)
        monkeypatch.setattr(repeated, "check", self.check)

    def check(self, source: object, options: Options, gate: Gate) -> CheckReport:
        self.time += 1
        found = self.left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    @property
    def ended(self) -> bool:
        return not self.left

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += seconds

    def fetch(self, request: object) -> tuple[Any, ...]:
        raise AssertionError

    def follow(self, request: object) -> Iterator[Any]:
        raise AssertionError


@pytest.mark.parametrize(
    ("found", "options", "well"),
    [
        (GOOD, {}, True),
        (BAD, {}, False),
        (report(replace(DB, level=Level.INFO), unsettled=1), {}, False),
        (report(unknown=1), {}, False),
        (report(gaps=(BLIND,)), {}, False),
        (report(gaps=(BLIND,)), {"accept_gaps": ("n2",)}, True),
        (report(gaps=(replace(BLIND, blocking=False),)), {}, True),
        (report(STOPPED), {}, False),
        (report(STOPPED), {"fail_on": "never"}, True),
        (report(WARNING), {}, True),
        (report(WARNING), {"fail_on": "warning"}, False),
    ],
)
def test_when_all_is_well(found: CheckReport, options: dict[str, Any], well: bool) -> None:
    assert programmed(found, Options(**options)) is well


def test_it_waits_until_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock([BAD, BAD, GOOD, BAD], monkeypatch)
    assert wait(clock, Options(timeout=60), Gate()) is GOOD
    assert clock.time == 3 + 2 * repeated.PAUSE


def test_or_until_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """No check is begun that could not be finished in time."""
    clock = Clock([BAD] * 10, monkeypatch)
    assert wait(clock, Options(timeout=8), Gate()) is BAD
    assert clock.time == 7


def test_without_a_limit_it_waits_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wait(Clock([*[BAD] * 99, GOOD], monkeypatch), Options(timeout=0), Gate()) is GOOD


def watched(monkeypatch: pytest.MonkeyPatch, *checks: CheckReport | Exception) -> list[CheckReport]:
    told: list[CheckReport] = []
    watch(Clock([*checks, GOOD], monkeypatch), Options(), told.append, Gate())
    return told


def test_only_what_changes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    first, bad, good = watched(monkeypatch, GOOD, GOOD, BAD, BAD, GOOD, GOOD)
    assert first is GOOD
    assert (bad.findings, bad.gone, bad.continued) == ((DB,), (), True)
    assert (good.findings, good.gone) == ((), (DB,))


def test_a_cause_with_more_objects_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = replace(STOPPED, objects=(DB,)), replace(STOPPED, objects=(DB, DB))
    told = watched(monkeypatch, report(one), report(one), report(two))
    assert [each.findings for each in told] == [(one,), (two,)]


def test_a_message_alone_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(DB, message="y is gone")
    assert len(watched(monkeypatch, report(DB), report(other))) == 1


def test_gaps_are_told_when_they_appear(monkeypatch: pytest.MonkeyPatch) -> None:
    told = watched(monkeypatch, GOOD, report(gaps=(BLIND,)), report(gaps=(BLIND,)))
    assert [each.gaps for each in told] == [(), (BLIND,)]


def test_an_api_server_that_goes_away_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    told = watched(monkeypatch, GOOD, ClusterError("no answer", next="kubectl version"), GOOD)
    assert [gap.why for gap in told[1].gaps] == ["no answer"]
    assert told[2].coverage == GOOD.coverage
