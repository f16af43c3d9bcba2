"""Text that the user saved from a node: each file with its name, as it was read."""

from __future__ import annotations

from dataclasses import dataclass

from .fate import Backend


@dataclass(frozen=True, slots=True)
class SavedText:
    """`backend`: which one its rules were loaded through, where the user said so."""

    name: str
    text: str
    backend: Backend | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedFiles:
    """What of a node is at hand; nothing of a kind means that it was not given."""

    rules: tuple[SavedText, ...] = ()
    addresses: tuple[SavedText, ...] = ()
    routes: tuple[SavedText, ...] = ()
    routing_rules: tuple[SavedText, ...] = ()
    sysctls: tuple[SavedText, ...] = ()
    sets: tuple[SavedText, ...] = ()
    ipvs: tuple[SavedText, ...] = ()
    packets: SavedText | None = None
