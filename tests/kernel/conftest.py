"""A node, two pods, and everything else, in network namespaces of this test run alone.

The modules beside this file are found by their folder: tests are no package.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from kernel_net import Net


@pytest.fixture(scope="session")
def net() -> Iterator[Net]:
    made = Net.build()
    try:
        yield made
    finally:
        made.remove()
