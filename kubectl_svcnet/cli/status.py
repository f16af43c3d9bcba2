"""The exit status, the same for every command and format (product.md, "Exit status")."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..model.fate import FateKind
from ..model.finding import Finding, Gap, Level
from ..model.report import (
    CheckReport,
    DiffReport,
    PacketsReport,
    PermissionsReport,
    TraceReport,
    Verdict,
)
from ..render.document import Report

OK, FINDING, USAGE, NOTHING, GAP, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 4, 70, 130

_ORDER = (Level.INFO, Level.WARNING, Level.ERROR)


def accept(gaps: Iterable[Gap], accepted: Iterable[str]) -> tuple[Gap, ...]:
    """Gaps whose node or subject was named by --accept-gaps, marked so."""
    named = frozenset(accepted) - {""}
    return tuple(
        replace(gap, accepted=True) if {gap.node, gap.what} & named else gap for gap in gaps
    )


def status_of(report: Report, *, fail_on: str) -> int:
    if report.missing:
        return USAGE
    if any(_counts(finding, fail_on) for finding in report.findings):
        return FINDING
    if fail_on != "never" and (_lacking(report) or _differs(report)):
        return FINDING
    if any(gap.unanswered for gap in report.gaps) or _unknown(report):
        return GAP
    return OK


def _counts(finding: Finding, fail_on: str) -> bool:
    return fail_on != "never" and _ORDER.index(finding.level) >= _ORDER.index(Level(fail_on))


def _lacking(report: Report) -> bool:
    return isinstance(report, PermissionsReport) and any(
        one.required and one.allowed is False for one in report.permissions
    )


def _differs(report: Report) -> bool:
    return isinstance(report, DiffReport) and bool(report.changes)


def _unknown(report: Report) -> bool:
    if isinstance(report, PacketsReport):
        open_ = (FateKind.UNKNOWN, FateKind.UNREAD)
        return any(fate.kind in open_ for packet in report.packets for fate in packet.fates)
    return isinstance(report, TraceReport | CheckReport) and any(
        node.verdict is Verdict.UNKNOWN
        for service in report.services
        for frontend in service.frontends
        for node in frontend.nodes
    )
