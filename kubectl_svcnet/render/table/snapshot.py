"""`snapshot`: what was saved."""

from __future__ import annotations

from ...model.counted import counted
from ...model.report import SnapshotReport
from ..escape import escape
from ..style import Style
from .statements import size, statements


def render(report: SnapshotReport, style: Style) -> str:
    lines = [escape(f"{report.file}: {counted(report.captures, 'answer')}, {size(report.size)}")]
    lines += statements(report.findings, report.gaps, style)
    return "".join(f"{line}\n" for line in lines)
