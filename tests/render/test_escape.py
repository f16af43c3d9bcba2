from __future__ import annotations

import unicodedata

import pytest

from kubectl_svcnet.render.escape import escape


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("db-service 서비스 –", "db-service 서비스 –"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\x00\x7f\x9b", "\\x00\\x7f\\x9b"),
        ("\u202etxt.exe\u2066", "\\u202etxt.exe\\u2066"),
        ("\ud800\udfff", "\\ud800\\udfff"),
        ("\u2028\u2029\u200e", "\\u2028\\u2029\\u200e"),
    ],
)
def test_escape(text: str, expected: str) -> None:
    assert escape(text) == expected


def test_no_control_character_passes() -> None:
    for code in range(0x3000):
        if unicodedata.category(chr(code)) in ("Cc", "Zl", "Zp"):
            assert escape(chr(code)) != chr(code)
    for code in (0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)):
        assert escape(chr(code)) == f"\\u{code:04x}"
