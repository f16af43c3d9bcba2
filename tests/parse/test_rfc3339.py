from __future__ import annotations

import pytest

from kubectl_svcnet.parse.rfc3339 import parse_time, split_time


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01T00:00:01.250000000Z", 1.25),
        ("1970-01-01T00:00:10.123456789Z", 10.123456789),
        ("1970-01-01T01:00:01+01:00", 1.0),
        ("1969-12-31T23:00:01-01:00", 1.0),
        ("2026-13-24T23:36:03Z", None),
        ("2026-11-24", None),
        ("", None),
        ("2026-11-24T23:36:03.Z", None),
        ("1970-01-01T00:00:01Z later", None),
        ("x" * 1000, None),
    ],
)
def test_times(text: str, time: float | None) -> None:
    assert parse_time(text) == time


def test_the_time_before_a_line() -> None:
    assert split_time("1970-01-01T00:00:01Z said") == (1.0, "said")
    assert split_time("1970-13-01T00:00:01Z said") == (None, "said")
    assert split_time("said") == (None, "said")
