"""One row of the catalogue of findings."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.finding import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    number: str
    level: Level
    title: str
    cause: str  # what usually makes it so
    action: str  # what to do about it, in words
    command: str  # to look further; in capitals what differs from case to case
