"""`--plan`: which commands would run where, and what may follow."""

from __future__ import annotations

from ...model.report import PlanReport
from ..escape import escape
from ..nodes import fold, names
from ..style import Style
from .statements import page


def render(report: PlanReport, style: Style) -> str:
    lines: list[str] = []
    for logs, how in ((True, "through the API"), (False, "in one exec")):
        per_node: dict[str, list[str]] = {}
        for command in report.commands:
            if command.argv.startswith("kubectl ") is logs:
                per_node.setdefault(command.node, []).append(command.argv)
        for nodes, found in fold((node, tuple(found)) for node, found in per_node.items()):
            lines.append(escape(f"on {names(nodes)}, {how}:"))
            lines += [*(escape(f"  {argv}") for argv in found), ""]
    lines += [line for text in report.may_follow for line in style.paragraph(text)]
    return page(lines, report, style)
