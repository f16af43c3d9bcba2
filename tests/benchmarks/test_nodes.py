"""What is measured is one exec a node."""

from __future__ import annotations

from benchmarks.nodes import measured


def test_a_small_one() -> None:
    found = measured(12, 0)
    assert 0 < found.wall < 600
