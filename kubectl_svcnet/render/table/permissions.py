"""`permissions` as a table: verbs of one resource with the same answer in one row."""

from __future__ import annotations

from collections.abc import Iterable

from ...model.report import Permission, PermissionsReport
from ..columns import columns
from ..style import Style
from .statements import page

_HEAD = ("VERBS", "RESOURCE", "NAMESPACE", "ALLOWED", "NEEDED FOR")
_GUTTER = 2
_ANSWERS = {True: "yes", False: "no", None: "?"}
_ROOT = (
    "exec on kube-proxy or a network plugin is root on the node: those pods are privileged. This "
    "tool runs only commands of one fixed table there; the right itself knows no such limit."
)


def render(report: PermissionsReport, style: Style) -> str:
    rows = [(_HEAD), *_rows(report.permissions, style)]
    lines = columns(rows if style.headers else rows[1:], _GUTTER)
    if any(one.right.resource == "pods/exec" for one in report.permissions):
        lines += ["", *style.paragraph(_ROOT, rest="")]
    lines += _missing(report.permissions, style)
    return page(lines, report, style)


def _rows(permissions: Iterable[Permission], style: Style) -> list[tuple[str, ...]]:
    folded: dict[tuple[str, ...], list[Permission]] = {}
    for one in permissions:
        right = one.right
        parts = (*right.parts[:2], right.name)  # the API group only where there is room for it
        named = right.named if style.wide else "/".join(filter(None, parts))
        key = (named, right.namespace or "-", _ANSWERS[one.allowed])
        folded.setdefault((*key, *one.needed_for), []).append(one)
    rows = [(_verbs(found), *key[:3]) for key, found in folded.items()]
    used = (max(len(row[i]) for row in (_HEAD, *rows)) + _GUTTER for i in range(len(_HEAD) - 1))
    room = style.width - sum(used)
    commands = (_commands(key[3:], room, style) for key in folded)
    return [(*row, one) for row, one in zip(rows, commands, strict=True)]


def _verbs(permissions: Iterable[Permission]) -> str:
    return ",".join(one.right.verb for one in permissions)


def _commands(names: tuple[str, ...], room: int, style: Style) -> str:
    """All of them, or as many as fit and how many more there are."""
    for count in range(len(names), 1, -1):
        rest = len(names) - count
        text = ", ".join(names[:count]) + (f" +{rest}" if rest else "")
        if style.wide or len(text) <= room:
            return text
    return names[0] + (f" +{len(names) - 1}" if len(names) > 1 else "")


def _missing(permissions: Iterable[Permission], style: Style) -> list[str]:
    """What is not seen for it, each once."""
    lacking: dict[tuple[str, str], list[Permission]] = {}
    for one in permissions:
        if one.allowed is False:
            where = f" in {one.right.namespace}" if one.right.namespace else ""
            lacking.setdefault((f"{one.right.named}{where}", one.shows), []).append(one)
    if not lacking:
        return []
    lines = [""]
    for (what, shows), found in lacking.items():
        lines += style.paragraph(f"missing {_verbs(found)} {what}: {shows}")
    return [*lines, "  next      kubectl svcnet permissions --role"]
