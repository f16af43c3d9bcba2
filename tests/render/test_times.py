from __future__ import annotations

import pytest

from kubectl_svcnet.render.times import time_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1795554287.25, "2026-11-24T21:04:47.250Z"),
        (0.0, None),
        (1e300, None),
        (float("nan"), None),
    ],
)
def test_time(seconds: float, text: str | None) -> None:
    assert time_text(seconds) == text
