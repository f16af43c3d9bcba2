"""`snapshot`: what was saved."""

from __future__ import annotations

from ...model.counted import counted
from ...model.report import SnapshotReport
from ..escape import escape
from ..style import Style
from .statements import page, size


def render(report: SnapshotReport, style: Style) -> str:
    lines = [escape(f"{report.file}: {counted(report.captures, 'answer')}, {size(report.size)}")]
    return page(lines, report, style)
