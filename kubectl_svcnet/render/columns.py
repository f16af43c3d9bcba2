"""Columns as kubectl prints them: three blanks apart, nothing after the last.

Cells are foreign text and are escaped here, once. What counts is the columns that a text takes on
the terminal, not its characters: a Chinese comment or a combining accent would shift what is
after it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from .escape import escape

GUTTER = 3


def columns(rows: Iterable[Sequence[str]], gutter: int = GUTTER) -> list[str]:
    """The rows as lines; every row has as many cells as the first."""
    cells = [[escape(cell) for cell in row] for row in rows]
    widths = [max(map(_taken, column)) for column in zip(*cells, strict=True)]
    apart = " " * gutter
    return [apart.join(map(_filled, row, widths)).rstrip() for row in cells]


def _filled(cell: str, width: int) -> str:
    return cell.ljust(width) if cell.isascii() else cell + " " * (width - _taken(cell))


def _taken(cell: str) -> int:
    """Columns of the terminal; a mark with nothing to stand on takes one."""
    if cell.isascii():
        return len(cell)
    return sum(map(_width, cell)) + (not _width(cell[0]))


def _width(letter: str) -> int:
    """Columns that it takes on a terminal (Unicode TR 11; marks stand on their predecessor)."""
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
