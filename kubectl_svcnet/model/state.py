"""A cluster's state as paths and lines, to be compared with another one.

A path is what a difference is named by (`services/default/db-service`, `nodes/n1/rules/nat/…`), its
lines are what is there, in an order that means something or in none (sorted). What was not read
is a path too, with the reason: nothing is known of it or below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)  # path: why


class ChangeKind(str, Enum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Of something changed only the lines that differ; None where it is not there."""

    kind: ChangeKind
    path: str
    before: tuple[str, ...] | None
    after: tuple[str, ...] | None
