"""Columns as kubectl prints them: three blanks apart, nothing after the last.

Laid out by tabulate in a format of our own. It counts characters (or asks wcwidth, where that
happens to be installed), so a Chinese comment or a combining accent would shift the columns after
it: what is not ASCII goes through it as one private-use character per column of the terminal, and
is put back afterwards. Cells are foreign text and are escaped here, once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from .escape import escape

GUTTER = 3

_STAND_IN = "\ue000"


def columns(rows: Iterable[Sequence[str]], gutter: int = GUTTER) -> list[str]:
    """The rows as lines; every row has as many cells as the first."""
    texts: list[str] = []
    cells = [[_stood_in(escape(cell), texts) for cell in row] for row in rows]
    if not cells:
        return []
    back = iter(texts)
    # Late: importing it takes longer than a short answer does.
    from tabulate import DataRow, TableFormat, tabulate

    apart = TableFormat(
        lineabove=None,
        linebelowheader=None,
        linebetweenrows=None,
        linebelow=None,
        headerrow=None,
        datarow=DataRow("", " " * gutter, ""),
        padding=0,
        with_header_hide=None,
    )
    table = tabulate(cells, tablefmt=apart, disable_numparse=True, stralign="left")
    laid = re.sub(_STAND_IN, lambda _: next(back), table)
    return [line.rstrip() for line in laid.split("\n")]


def _stood_in(cell: str, texts: list[str]) -> str:
    """`cell` with a stand-in for each column that something else than ASCII takes, or a blank
    that tabulate would strip. `texts` gets what is to be put back, in order."""
    if cell.isascii() and not cell.startswith(" "):
        return cell
    result: list[str] = []
    for letter in cell:
        width = _width(letter)
        if width == 0 and result:
            if result[-1] != _STAND_IN:
                texts.append(result[-1])
                result[-1] = _STAND_IN
            texts[-1] += letter
        elif letter.isascii() and (letter != " " or set(result) - {_STAND_IN}):
            result.append(letter)
        else:
            texts += [letter, ""][: max(width, 1)]
            result += [_STAND_IN] * max(width, 1)
    return "".join(result)


def _width(letter: str) -> int:
    """Columns that it takes on a terminal (Unicode TR 11; marks stand on their predecessor)."""
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
