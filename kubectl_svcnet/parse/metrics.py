"""Prometheus' text format (0.0.4), as kube-proxy's /metrics answers it: only the names asked for.

A line is `name{label="value",…} number`. Comments, other names and what is no such line are
skipped: an answer has thousands of lines, of which a question needs a dozen. A sample that is
not a number (or NaN) is skipped as well, never zero.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from ._text import split_lines

_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*")
_LABEL = re.compile(r'(?<!\w)([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)


def parse_metrics(text: str, names: Collection[str]) -> tuple[Sample, ...]:
    """The samples of these names, in order."""
    found = []
    for line in split_lines(text):
        name = line.partition("{")[0].partition(" ")[0]
        if name not in names:
            continue
        sample = _SAMPLE.fullmatch(line)
        value = _number(sample[3]) if sample else None
        if sample is not None and value is not None:
            found.append(Sample(name, value, dict(_LABEL.findall(sample[2] or ""))))
    return tuple(found)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return None if value != value else value  # NaN
