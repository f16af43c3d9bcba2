"""Columns as kubectl prints them: three blanks apart, nothing after the last.

Its own writer: tabulate's `plain` puts two blanks between columns and pads the last one. Cells
are foreign text and are escaped here, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .escape import escape

GUTTER = 3


def columns(rows: Iterable[Sequence[str]], *, gutter: int = GUTTER) -> list[str]:
    """The rows as lines; every row has as many cells as the first."""
    cells = [[escape(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    between = " " * gutter
    return [
        between.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
