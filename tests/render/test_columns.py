from __future__ import annotations

from kubectl_svcnet.render.columns import columns


def test_three_blanks_apart_and_none_at_the_end() -> None:
    assert columns([("KIND", "RANGE"), ("Service", "10.96.0.0/16"), ("Pod", "")]) == [
        "KIND      RANGE",
        "Service   10.96.0.0/16",
        "Pod",
    ]


def test_numbers_stay_as_they_are() -> None:
    assert columns([("1e3", "007"), ("10", "8")], gutter=1) == ["1e3 007", "10  8"]


def test_foreign_text_keeps_its_line() -> None:
    assert columns([("a\nb", "\x1b[2J"), ("cc", "d")]) == ["a\\nb   \\x1b[2J", "cc     d"]


def test_no_rows() -> None:
    assert columns([]) == []
