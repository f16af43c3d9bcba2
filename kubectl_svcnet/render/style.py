"""How a table looks: how wide, with which colours. What it says is never decided here."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from .escape import escape

_COLOURS = {"error": "31", "warning": "33", "info": "36", "ok": "32", "dim": "2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """`width` 0: as wide as it comes."""

    width: int = 80
    wide: bool = False
    headers: bool = True
    colour: bool = False
    explain: bool = False
    bars: bool = False  # the terminal shows block characters

    def paint(self, text: str, level: str) -> str:
        code = _COLOURS.get(level)
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code else text

    def cut(self, text: str, room: int) -> str:
        """`text` within `room` characters, unless nothing limits the width."""
        if not self.width or self.wide or len(text) <= room:
            return text
        return text[: max(1, room - 1)] + "…"

    def paragraph(self, text: str, *, first: str = "", rest: str = "  ") -> list[str]:
        """Escaped and wrapped; nothing is broken inside a word."""
        return textwrap.wrap(
            escape(text),
            width=self.width or 10_000,
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
