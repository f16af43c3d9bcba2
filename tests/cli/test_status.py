"""The exit status, a row of docs/product.md each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_svcnet.cli.status import accept, status_of
from kubectl_svcnet.engine.codes import finding
from kubectl_svcnet.model.fate import Fate, FateKind
from kubectl_svcnet.model.finding import Gap, Level
from kubectl_svcnet.model.report import (
    Collected,
    FrontendTrace,
    NodeTrace,
    PacketFates,
    PacketsReport,
    PlanReport,
    RangesReport,
    ServiceTrace,
    TraceReport,
    Verdict,
)
from kubectl_svcnet.render.document import Report
from tests.samples import asked, frontend, service

ERROR = finding("SVN202", "m")
WARNING, INFO = replace(ERROR, level=Level.WARNING), replace(ERROR, level=Level.INFO)
BLOCKING = Gap(what="rules", why="x", node="n2", blocking=True)
NOTE = Gap(what="tables", why="x", node="n2")
ACCEPTED = replace(BLOCKING, accepted=True)


def trace(verdict: Verdict = Verdict.OK, **values: object) -> TraceReport:
    node = NodeTrace(node="n1", dataplane="d", verdict=verdict)
    found = FrontendTrace(frontend=frontend(), endpoints=(), nodes=(node,))
    services = (ServiceTrace(service=service(), frontends=(found,)),)
    return TraceReport(collected=Collected(), services=services, **values)  # type: ignore[arg-type]


def packets(*kinds: FateKind) -> PacketsReport:
    packet = asked().packet
    each = tuple(PacketFates(id=1, packet=packet, fates=(Fate(kind=kind),)) for kind in kinds)
    return PacketsReport(collected=Collected(), packets=each)


@pytest.mark.parametrize(
    ("report", "fail_on", "status"),
    [
        (trace(), "error", 0),
        (trace(gaps=(NOTE,)), "error", 0),
        (trace(gaps=(ACCEPTED,)), "error", 0),
        (trace(findings=(WARNING, INFO)), "error", 0),
        (trace(findings=(ERROR,)), "error", 1),
        (trace(findings=(WARNING,)), "warning", 1),
        (trace(findings=(INFO,)), "warning", 0),
        (trace(findings=(INFO,)), "info", 1),
        (trace(findings=(ERROR,)), "never", 0),
        (trace(findings=(ERROR,), gaps=(BLOCKING,)), "error", 1),
        (trace(findings=(ERROR,), gaps=(BLOCKING,)), "never", 4),
        (trace(gaps=(BLOCKING,)), "error", 4),
        (trace(gaps=(ACCEPTED, BLOCKING)), "error", 4),
        (trace(Verdict.UNKNOWN), "error", 4),
        (trace(Verdict.UNKNOWN, findings=(ERROR,)), "error", 1),
        (trace(Verdict.UNREAD), "error", 0),  # its gap says whether it blocks
        (trace(missing=("x",)), "error", 2),
        (trace(missing=("x",), findings=(ERROR,)), "error", 2),
        (PlanReport(collected=Collected()), "error", 0),
        (PlanReport(collected=Collected(), missing=("x",)), "error", 2),
        (RangesReport(collected=Collected(), findings=(ERROR,)), "error", 1),
        (RangesReport(collected=Collected(), gaps=(BLOCKING,)), "error", 4),
        (packets(FateKind.DROP, FateKind.REJECT), "error", 0),
        (packets(FateKind.ENDPOINT, FateKind.UNKNOWN), "error", 4),
        (packets(FateKind.UNREAD), "never", 4),
    ],
)
def test_status(report: Report, fail_on: str, status: int) -> None:
    assert status_of(report, fail_on=fail_on) == status


@pytest.mark.parametrize(
    ("named", "accepted"), [((), False), (("n2",), True), (("rules",), True), (("n1",), False)]
)
def test_accepted_gaps_are_still_shown(named: tuple[str, ...], accepted: bool) -> None:
    (gap,) = accept((BLOCKING,), named)
    assert gap == replace(BLOCKING, accepted=accepted)


def test_an_empty_name_accepts_nothing() -> None:
    """A gap without a node is no gap of the node "" ."""
    (gap,) = accept((replace(BLOCKING, node=""),), ("",))
    assert not gap.accepted
