"""Findings, gaps and the closing sentence: the same under every table."""

from __future__ import annotations

from collections.abc import Iterable

from ...model.counted import counted
from ...model.finding import Finding, Gap
from ...model.report import Collected
from ..escape import escape
from ..nodes import general, names
from ..style import Style

#: How the next command of a gap begins that is there for a missing right.
_RIGHT = "kubectl auth can-i"
MOST_NAMES = 30  # of nodes under one gap


def statements(findings: Iterable[Finding], gaps: Iterable[Gap], style: Style) -> list[str]:
    lines: list[str] = []
    for finding in findings:
        lines += ["", *_finding(finding, style)]
    stated = gap_lines(gaps, style)
    return lines + ([""] if stated else []) + stated


def _finding(finding: Finding, style: Style) -> list[str]:
    where = f" {finding.node}" if finding.node else ""
    head = f"{finding.level.value} {finding.code}{where}: {finding.message}"
    lines = style.paragraph(head)
    lines[0] = lines[0].replace(
        finding.level.value, style.paint(finding.level.value, finding.level.value), 1
    )
    for evidence in finding.evidence:
        lines += style.paragraph(evidence, first="  evidence  ", rest=" " * 12)
    if finding.next:
        lines.append(f"  next      {escape(finding.next)}")  # one line, to be copied
    return lines


def gap_lines(gaps: Iterable[Gap], style: Style) -> list[str]:
    """Gaps that differ in the node alone are one, and all that the same missing right hides."""
    stated: dict[tuple[object, ...], list[Gap]] = {}
    for gap in gaps:
        next = general(gap.next, gap.node)
        own = () if gap.next.startswith(_RIGHT) else (gap.what, next, gap.blocking)
        stated.setdefault((general(gap.why, gap.node), gap.accepted, *own), []).append(gap)
    return [line for same in stated.values() for line in _gap(same, style)]


def _gap(same: list[Gap], style: Style) -> list[str]:
    named = list(dict.fromkeys(gap.node for gap in same if gap.node))
    where = f" {names(named)}" if named else ""
    whats = ", ".join(dict.fromkeys(gap.what for gap in same))
    blocking = any(gap.blocking for gap in same)
    kind = "accepted gap" if same[0].accepted else "gap" if blocking else "note"
    whys = dict.fromkeys(gap.why for gap in same)
    why = same[0].why if len(whys) == 1 else general(same[0].why, same[0].node)
    lines = style.paragraph(f"{kind}{where}: {whats}: {why}")
    nexts = list(dict.fromkeys(gap.next for gap in same if gap.next))
    if len(named) > 1 and nexts and same[0].node in nexts[0].split():
        lines += style.paragraph(_listed(named), first="  nodes     ", rest=" " * 12)
        nexts = nexts[:1]
    return [*lines, *(f"  next      {escape(next)}" for next in nexts)]


def _listed(nodes: list[str]) -> str:
    more = len(nodes) - MOST_NAMES
    return " ".join(nodes[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def closing(collected: Collected) -> str:
    """For stderr: what the answer cost."""
    again = ""
    if collected.reread:
        again = f", {escape(names(collected.reread))} again after {collected.waited:.0f}s"
    nodes = f"{collected.nodes_read} of {counted(collected.nodes, 'node')}"
    return (
        f"read {nodes} in {collected.seconds:.1f}s"
        f"{again}, {counted(collected.execs, 'exec')}, {size(collected.bytes)}"
    )


def size(count: int) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024 or unit == "MiB":
            return f"{count} {unit}" if unit == "B" else f"{count:.0f} {unit}"
        count = round(count / 1024)
    raise AssertionError("unreachable")
