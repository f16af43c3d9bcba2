"""`ranges --ip` as a table: one row per thing that an address is. An owner's name that is too
long goes on in further lines, beside long IPv6 addresses in lines of its own."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from ...model.iprange import AddressUse
from ...model.report import AddressesReport
from ..columns import GUTTER, columns
from ..style import Style
from .statements import page

_HEAD = ("ADDRESS", "KIND", "STATE", "RANGE")
_LEAST = 24  # columns that an owner takes beside the rest


def render(report: AddressesReport, style: Style) -> str:
    heads = [_HEAD, *map(_head, report.addresses)]
    taken = sum(max(map(len, column)) + GUTTER for column in zip(*heads, strict=True))
    if style.wide or not style.width:
        lines = _beside(report.addresses, style, 0)
    elif style.width - taken >= _LEAST:
        lines = _beside(report.addresses, style, style.width - taken)
    else:
        lines = _below(report.addresses, style)
    return page(lines, report, style)


def _beside(uses: Sequence[AddressUse], style: Style, room: int) -> list[str]:
    rows: list[Sequence[str]] = [(*_HEAD, "OWNER")] if style.headers else []
    for use in uses:
        wrapped = textwrap.wrap(use.owner, room, break_on_hyphens=False) if room else [use.owner]
        first, *rest = wrapped if use.owner else ["-"]
        rows += [(*_head(use), first), *(("", "", "", "", line) for line in rest)]
    return columns(rows)


def _below(uses: Sequence[AddressUse], style: Style) -> list[str]:
    rows = [_HEAD, *map(_head, uses)]
    head, *table = columns(rows)
    lines = [head] if style.headers else []
    for line, use in zip(table, uses, strict=True):
        lines.append(line)
        if use.owner:
            lines += style.paragraph(use.owner, first="  ")
    return lines


def _head(use: AddressUse) -> tuple[str, str, str, str]:
    return str(use.address), use.kind or "-", use.state.value, use.range or "-"
