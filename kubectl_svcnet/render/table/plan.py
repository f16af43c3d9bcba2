"""`--plan`: which commands would run where, and what may follow."""

from __future__ import annotations

from ...model.report import PlanReport
from ..escape import escape
from ..nodes import fold, names
from ..style import Style
from .statements import statements


def render(report: PlanReport, style: Style) -> str:
    lines: list[str] = []
    per_node: dict[str, list[tuple[str, str]]] = {}
    for command in report.commands:
        per_node.setdefault(command.node, []).append((command.argv, command.shows))
    for nodes, commands in fold((node, tuple(found)) for node, found in per_node.items()):
        lines.append(escape(f"on {names(nodes)}, in one exec:"))
        lines += [escape(f"  {argv}") for argv, _ in commands]
        lines.append("")
    lines += [line for text in report.may_follow for line in style.paragraph(text)]
    lines += statements(report.findings, report.gaps, style)
    return "".join(f"{line}\n" for line in lines)
