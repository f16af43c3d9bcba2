"""A number and its noun, which agree: 1 node, 2 nodes."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"
