"""`diff` as text: what was added, removed and changed, the same on several nodes once.

Of the chains of one table only a few are told, the others counted; of those that come and go the
names. All of it is told with -o wide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ...model.report import DiffReport
from ...model.state import Change, ChangeKind
from ..escape import escape
from ..nodes import fold, names
from ..style import Style
from .statements import page

_NAMED = 3  # chains of one table
_LINES = 8  # of one difference
_COLOURS = {ChangeKind.ADDED: "ok", ChangeKind.REMOVED: "error", ChangeKind.CHANGED: "warning"}


class _Told(NamedTuple):
    """`table`: of a chain or set the table, below its node; else ""."""

    kind: ChangeKind
    table: str
    name: str
    gone: tuple[str, ...]
    come: tuple[str, ...]


def render(report: DiffReport, style: Style) -> str:
    lines: list[str] = []
    for row in _rows(report.changes, style):
        lines += row
    if not report.changes:
        said = f"no difference between {report.before} and {report.after}"
        lines += style.paragraph(said + (" in what was read" if report.gaps else ""))
    return page(lines, report, style)


def _rows(changes: Iterable[Change], style: Style) -> Iterator[list[str]]:
    folded = fold((_node(change), _told(change, style)) for change in changes)
    tables: dict[tuple[str, ChangeKind, str], list[_Told]] = {}
    for nodes, told in folded:
        where = f"nodes/{names(nodes)}/" if nodes[0] else ""
        if not told.table:
            tables[where, told.kind, told.name] = [told]
        else:
            tables.setdefault((where, told.kind, told.table), []).append(told)
    for (where, kind, name), found in tables.items():
        if not found[0].table:
            yield _row(kind, f"{where}{name}".rstrip("/"), found[0], style)
        elif style.wide or (kind is ChangeKind.CHANGED and len(found) <= _NAMED):
            yield from (_row(kind, f"{where}{name}/{one.name}", one, style) for one in found)
        else:
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            named = ", ".join(one.name for one in found[:_NAMED])
            yield _head(kind, f"{where}{name}: {named}{more}", style)


def _node(change: Change) -> str:
    return change.path.split("/")[1] if change.path.startswith("nodes/") else ""


def _told(change: Change, style: Style) -> _Told:
    words = change.path.split("/")
    words = words[2:] if words[0] == "nodes" else words
    table = "/".join(words[:2]) if words[:1] == ["rules"] and len(words) > 2 else ""
    name = "/".join(words[2:] if table else words)
    if table and change.kind is not ChangeKind.CHANGED and not style.wide:
        return _Told(change.kind, table, name, (), ())  # what they hold is not told
    return _Told(change.kind, table, name, change.before or (), change.after or ())


def _row(kind: ChangeKind, path: str, told: _Told, style: Style) -> list[str]:
    lines = _head(kind, path, style)
    return [*lines, *_lines("-", told.gone, style), *_lines("+", told.come, style)]


def _head(kind: ChangeKind, text: str, style: Style) -> list[str]:
    lines = style.paragraph(f"{kind.value} {text}")
    painted = style.paint(kind.value, _COLOURS[kind])
    return [lines[0].replace(kind.value, painted, 1), *lines[1:]]


def _lines(sign: str, lines: tuple[str, ...], style: Style) -> list[str]:
    shown = lines if style.wide else lines[:_LINES]
    found = [f"  {sign} {style.cut(escape(line), style.width - 4)}" for line in shown]
    rest = len(lines) - len(shown)
    return [*found, *([f"  {sign} … {rest} more (-o wide)"] if rest else [])]
