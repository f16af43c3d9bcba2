"""`--steps`: the documented way by hand, step by step, with the lines it yields."""

from __future__ import annotations

from collections.abc import Iterable

from ...model.report import ByHand
from ..escape import escape
from ..style import Style


def by_hand(steps: Iterable[ByHand], style: Style) -> list[str]:
    lines: list[str] = []
    for number, step in enumerate(steps, 1):
        lines += ["", *style.paragraph(f"{number}. {step.title}", rest="   ")]
        lines.append(escape(f"   $ {step.command}"))
        lines += [escape(f"   {line}") for line in step.lines]
        if step.note:
            lines += style.paragraph(step.note, first="   ", rest="   ")
    return lines[1:]
