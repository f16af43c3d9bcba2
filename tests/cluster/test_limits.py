"""The defaults of product.md."""

from __future__ import annotations

from kubectl_svcnet.cluster.limits import Limits


def test_defaults() -> None:
    limits = Limits()
    assert (limits.timeout, limits.exec_timeout, limits.max_parallel) == (60.0, 10.0, 16)
    assert (limits.max_dump, limits.max_answer) == (128 * 1024**2, 4 * 1024**2)
    assert (limits.page, limits.max_list) == (500, 256 * 1024**2)
