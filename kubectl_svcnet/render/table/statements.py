"""Findings, gaps and the closing sentence: the same under every table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...model.counted import counted
from ...model.finding import Finding, Gap
from ...model.report import BaseReport, Collected
from ..escape import escape
from ..nodes import general, names
from ..style import Style

#: How the next command of a gap begins that is there for a missing right.
_RIGHT = "kubectl auth can-i"
MOST_NAMES = 30
MOST_NEXTS = 3


def page(lines: Iterable[str], report: BaseReport, style: Style) -> str:
    """A table, and under it what every report states."""
    return text_of([*lines, *statements(report.findings, report.gaps, style)])


def text_of(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def statements(findings: Iterable[Finding], gaps: Iterable[Gap], style: Style) -> list[str]:
    lines: list[str] = []
    for same in alike(findings):
        lines += ["", *_finding(same, style)]
    stated = gap_lines(gaps, style)
    return lines + ([""] if stated else []) + stated


def alike(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Those of which the same is said, but of different nodes, are told together."""
    stated: dict[tuple[object, ...], list[Finding]] = {}
    for one in findings:
        said = (general(words, one.node) for words in (one.message, *one.evidence))
        key = (one.code, one.level, one.service, *said) if one.node else (id(one),)
        stated.setdefault(key, []).append(one)
    return list(stated.values())


def _finding(same: list[Finding], style: Style) -> list[str]:
    finding, nodes = same[0], [one.node for one in same if one.node]
    where = f" {names(nodes)}" if nodes else ""
    head = f"{finding.level.value} {finding.code}{where}: {said_of(same)}"
    lines = style.paragraph(head)
    lines[0] = lines[0].replace(
        finding.level.value, style.paint(finding.level.value, finding.level.value), 1
    )
    for evidence in finding.evidence:
        said = evidence if len(same) == 1 else general(evidence, finding.node)
        lines += style.paragraph(said, first="  evidence  ", rest=" " * 12)
    lines += which(nodes, style)
    return lines + nexts_of(same)


def said_of(same: list[Finding]) -> str:
    one = same[0]
    return one.message if len(same) == 1 else general(one.message, one.node)


def which(nodes: list[str], style: Style) -> list[str]:
    """The nodes' names, where they were counted before."""
    if ",".join(nodes) == names(nodes):
        return []
    more = len(nodes) - MOST_NAMES
    listed = " ".join(nodes[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
    return style.paragraph(listed, first="  nodes     ", rest=" " * 12)


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
    if len({gap.next for gap in same}) > 1:
        lines += which(named, style)
    return lines + nexts_of(same)


def nexts_of(same: Sequence[Finding | Gap]) -> list[str]:
    """Each on one line, to be copied; one for each of many nodes is shown for the first."""
    nexts = list(dict.fromkeys(one.next for one in same if one.next))
    if len(nexts) > MOST_NEXTS and not nexts[0].startswith(_RIGHT):
        nexts = nexts[:1]
    return [f"  next      {escape(next)}" for next in nexts]


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
