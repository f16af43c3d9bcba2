"""`check` as a person reads it: findings by cause, gaps, and last how far it looked.

A finding is one sentence and what to type next; `-o wide` adds the evidence and every object.
With -w: what is gone, what is new.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model.counted import counted
from ...model.finding import Finding, Level
from ...model.report import CheckReport, Coverage
from ..nodes import names
from ..style import Style
from .statements import alike, gap_lines, nexts_of, said_of, text_of, which


def render(report: CheckReport, style: Style) -> str:
    lines = [line for one in report.gone for line in _gone(one, style)]
    lines += [line for same in _folded(report.findings, style) for line in _finding(same, style)]
    lines += gap_lines(report.gaps, style)
    if report.services:
        lines += style.paragraph(", ".join(_coverage(report.coverage)))
    return text_of(lines)


def _folded(findings: Sequence[Finding], style: Style) -> list[list[Finding]]:
    """-o wide shows what each of them stands for."""
    return [[one] for one in findings] if style.wide else alike(findings)


def _finding(same: list[Finding], style: Style) -> Iterator[str]:
    one, level = same[0], same[0].level.value
    nodes = [each.node for each in same]
    where = _where(one, nodes if len(same) > 1 else _nodes(one))
    head, *rest = style.paragraph(f"{level} {one.code} {where}{said_of(same)}")
    yield head.replace(level, style.paint(level, level), 1)
    yield from rest
    if style.wide:
        for evidence in one.evidence:
            yield from style.paragraph(evidence, first="  evidence  ", rest=" " * 12)
        for each in one.objects:
            said = f"{each.code} {_where(each, _nodes(each))}{each.message}"
            yield from style.paragraph(said, first="  object    ", rest=" " * 12)
    if len(same) > 1:
        yield from which(nodes, style)
    if style.wide or one.level is not Level.INFO:
        yield from nexts_of(same)


def _gone(one: Finding, style: Style) -> list[str]:
    return style.paragraph(f"gone {one.code} {_where(one, _nodes(one))}{one.message}")


def _where(one: Finding, on: Sequence[str]) -> str:
    """The Service, the nodes, or both."""
    nodes = names(on)
    where = f"{one.service} on {nodes}" if one.service and nodes else one.service or nodes
    return f"{where}: " if where else ""


def _nodes(one: Finding) -> Sequence[str]:
    if one.node:
        return (one.node,)
    return tuple(dict.fromkeys(each.node for each in one.objects if each.node))


def _coverage(seen: Coverage) -> Iterator[str]:
    looked = f"{seen.nodes_read} of {seen.nodes} nodes"
    yield f"{counted(seen.ok, 'Service')} ok on {looked}"
    if seen.differ:
        where = f"{seen.where[0]} only" if len(seen.where) == 1 else names(seen.where)
        yield f"{seen.differ} {'differs' if seen.differ == 1 else 'differ'} on {where}"
    if seen.unsettled:
        yield f"{seen.unsettled} changing"
    if seen.unknown:
        yield f"{seen.unknown} not known"
    if seen.without:
        yield f"{seen.without} without rules"
