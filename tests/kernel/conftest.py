"""A node, two pods, and everything else, in network namespaces of this test run alone.

Each file has its own, for some leave sysctls, sets and tables behind.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernel.kernel_net import Net


@pytest.fixture(scope="module")
def net() -> Iterator[Net]:
    made = Net.build()
    try:
        yield made
    finally:
        made.remove()
