"""`ranges` as a table: one row per range, or with `-o wide` one per place that tells of it.

A row keeps to the width: of the sources that fit the most trusted are named, `+2` counts the rest,
and where none fits the first is cut short. A size is shown where it says something to a person: of
a node's part, up to a /12. The wide table also tells how many nodes still fit into a range.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...model.counted import counted
from ...model.iprange import IPRange, RangeKind, Room
from ...model.report import RangesReport
from ..columns import GUTTER, columns
from ..style import Style
from .statements import page
from .steps import by_hand

_HEAD = ("KIND", "RANGE", "USED", "NODE")
_WIDE = ("ROOM", "SOURCE", "VALUE", "CONFIDENCE", "OBJECT", "EVIDENCE")
_LARGE = 1 << 20
_BARS = (6, 5, 4, 3, 2, 1)  # characters, the longest that fits
_EIGHTHS = "▏▎▍▌▋▊▉"


def render(report: RangesReport, style: Style) -> str:
    rows = _wide(report.ranges) if style.wide else _narrow(report.ranges, style)
    lines = columns(rows if style.headers else rows[1:])
    if report.steps:
        lines += ["", *by_hand(report.steps, style)]
    return page(lines, report, style)


def _narrow(ranges: Sequence[IPRange], style: Style) -> list[Sequence[str]]:
    """With a bar per range, if the terminal shows it and no row becomes too long by it."""
    heads = [_HEAD, *map(_head, ranges)]
    digits = max(len(used) for _, _, used, _ in heads)
    for length in _BARS if style.bars else ():
        bars = ["", *(_bar(range, length) for range in ranges)]
        barred = _sourced(
            [
                (kind, text, f"{used:{digits}} {bar}".rstrip(), node)
                for (kind, text, used, node), bar in zip(heads, bars, strict=True)
            ],
            ranges,
            style,
            whole=True,
        )
        if max(map(len, columns(barred))) <= style.width:
            return barred
    return _sourced(heads, ranges, style)


def _sourced(
    heads: Sequence[Sequence[str]],
    ranges: Sequence[IPRange],
    style: Style,
    *,
    whole: bool = False,
) -> list[Sequence[str]]:
    """`whole`: no source is cut short, though the row becomes too long."""
    room = style.width - sum(max(map(len, column)) + GUTTER for column in zip(*heads, strict=True))
    texts = ["SOURCES", *(_sources(range, room, style, whole) for range in ranges)]
    return [(*head, text) for head, text in zip(heads, texts, strict=True)]


def _bar(range: IPRange, length: int) -> str:
    """How full it is, in eighths of a character; anything at all is one eighth."""
    if range.used is None or not range.size:
        return ""
    eighths = min(8 * length, -(-8 * length * range.used // range.size))
    full, part = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[part - 1] if part else "")).ljust(length, "·")


def _wide(ranges: Sequence[IPRange]) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [(*_HEAD, *_WIDE)]
    for range in ranges:
        for claim in range.claims:
            evidence = claim.evidence.strip()
            told = (
                _room(range.room) if range.room else "-",
                claim.source,
                claim.value,
                claim.confidence.value,
                claim.object or "-",
                evidence,
            )
            rows.append((*_head(range), *told))
    return rows


def _head(range: IPRange) -> tuple[str, str, str, str]:
    return range.kind.value, range.text, _used(range), range.node or "-"


def _used(range: IPRange) -> str:
    if range.kind is RangeKind.GIVEN:
        return "-"
    used = "?" if range.used is None else str(range.used)
    if range.node and range.size is not None and range.size <= _LARGE:
        return f"{used}/{range.size}"
    return used


def _room(room: Room) -> str:
    return f"{counted(room.left, room.noun)} of /{room.length}"


def _sources(range: IPRange, room: int, style: Style, whole: bool) -> str:
    """As many as fit; a source that tells of it in ten objects is named once."""
    names = list(
        dict.fromkeys(
            f"{claim.source} {claim.address}" if claim.address and range.node else claim.source
            for claim in range.claims
        )
    )
    shown: list[str] = []
    for name in names:
        if not style.width or len(_listed([*shown, name], len(names))) <= room:
            shown.append(name)
    if shown or not names:
        return _listed(shown, len(names))
    rest = len(_listed(names[:1], len(names))) - len(names[0])
    return _listed([names[0] if whole else style.cut(names[0], room - rest)], len(names))


def _listed(shown: Sequence[str], number: int) -> str:
    rest = number - len(shown)
    return ", ".join(shown) + (f" +{rest}" if rest else "")
