"""Medians, ratios and the tables that quote them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

UNITS = ((1 << 20, "MiB"), (1 << 10, "KiB"))


@dataclass(frozen=True, slots=True)
class Run:
    """What one answer cost. `bytes` came from the nodes, before any grep on this side."""

    seconds: float
    bytes: int
    commands: int  # that a person typed
    execs: int


def middle(runs: Sequence[Run]) -> Run:
    """Each figure's median by itself."""
    return Run(
        seconds=median(run.seconds for run in runs),
        bytes=round(median(run.bytes for run in runs)),
        commands=round(median(run.commands for run in runs)),
        execs=round(median(run.execs for run in runs)),
    )


def show_bytes(count: int) -> str:
    for unit, name in UNITS:
        if count >= unit:
            return f"{count / unit:.{1 if count < 100 * unit else 0}f} {name}"
    return f"{count} B"


def show_seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def show_ratio(theirs: float, ours: float) -> str:
    """How many times less ours is."""
    if not ours:
        return "-"
    ratio = theirs / ours
    return f"{ratio:.1f}x" if ratio < 20 else f"{ratio:,.0f}x"


def table(rows: Sequence[Sequence[str]], *, markdown: bool = False) -> str:
    """The first row is the head; all columns but the first stand right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [_line(row, widths, markdown) for row in rows]
    if markdown:
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        lines.insert(1, _line(rule, widths, markdown))
    return "\n".join(lines)


def _line(row: Sequence[str], widths: Sequence[int], markdown: bool) -> str:
    cells = [
        cell.rjust(width) if column else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return f"| {' | '.join(cells)} |" if markdown else "  ".join(cells).rstrip()


def compare(name: str, theirs: Run, ours: Run) -> list[list[str]]:
    """Rows of one comparison: wall time, bytes, commands."""
    return [
        [
            f"{name}, wall time",
            show_seconds(theirs.seconds),
            show_seconds(ours.seconds),
            show_ratio(theirs.seconds, ours.seconds),
        ],
        [
            f"{name}, bytes from nodes",
            show_bytes(theirs.bytes),
            show_bytes(ours.bytes),
            show_ratio(theirs.bytes, ours.bytes),
        ],
        [
            f"{name}, commands typed",
            str(theirs.commands),
            str(ours.commands),
            show_ratio(theirs.commands, ours.commands),
        ],
    ]


Item = TypeVar("Item")


def median_of(items: Sequence[Item], figure: Callable[[Item], float]) -> float:
    return median(map(figure, items))
