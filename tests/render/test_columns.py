from __future__ import annotations

import subprocess
import sys

import pytest

from kubectl_svcnet.render.columns import columns


def test_three_blanks_apart_and_none_at_the_end() -> None:
    assert columns([("KIND", "RANGE"), ("Service", "10.96.0.0/16"), ("Pod", "")]) == [
        "KIND      RANGE",
        "Service   10.96.0.0/16",
        "Pod",
    ]


@pytest.mark.parametrize("text", ["1e3", "007", "1,000", "0x10", "True", "nan", "-", "10.0"])
def test_nothing_is_taken_for_a_number(text: str) -> None:
    assert columns([("A", "B"), (text, "x"), ("longer", "y")], gutter=1)[1] == f"{text:<6} x"


def test_foreign_text_keeps_its_line() -> None:
    assert columns([("a\nb", "\x1b[2J"), ("cc", "d")]) == ["a\\nb   \\x1b[2J", "cc     d"]


def test_blanks_inside_stay() -> None:
    assert columns([("  a  b", "x"), ("c", "y")], gutter=1) == ["  a  b x", "c      y"]


@pytest.mark.parametrize(
    ("cell", "width"),
    [
        ("설정된", 6),  # each takes two columns
        ("日本-1", 6),
        ("ｆｕｌｌ", 8),
        ("cafe\u0301", 4),  # a combining accent takes none
        ("日\u0301", 2),
        ("\u0301x", 2),  # nothing to stand on
        ("zero\u200bwidth", 9),
        ("ä", 1),
        ("\ue000\ue001", 2),  # private use, as the stand-in is
        ("e\u0301\u0302\u0303", 1),
    ],
)
def test_columns_of_the_terminal_are_counted(cell: str, width: int) -> None:
    lines = columns([(cell, "x"), ("a" * 10, "y")], gutter=1)
    assert lines == [f"{cell}{' ' * (10 - width)} x", "aaaaaaaaaa y"]


def test_every_text_comes_back_in_its_place() -> None:
    rows = [("日", "본", "e\u0301"), ("ä", "\ue000", "語"), ("a", "b", "c")]
    assert [line.split() for line in columns(rows)] == [list(row) for row in rows]


def test_wcwidth_beside_tabulate_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import tabulate

    class Wide:
        @staticmethod
        def wcswidth(text: str) -> int:
            return sum(2 if "\u1100" <= letter < "\ud800" else 1 for letter in text)

    rows = [("日本", "x"), ("abcdef", "y")]
    plain = columns(rows)
    monkeypatch.setattr(tabulate, "wcwidth", Wide, raising=False)
    monkeypatch.setattr(tabulate, "WIDE_CHARS_MODE", True, raising=False)
    assert columns(rows) == plain == ["日本     x", "abcdef   y"]


def test_one_row_one_column_and_empty_cells() -> None:
    assert columns([("a",)]) == ["a"]
    assert columns([("", "x"), ("", "y")]) == ["   x", "   y"]
    assert columns([("", "")]) == [""]


def test_a_cell_that_tabulate_gives_a_meaning() -> None:
    assert columns([("\x01", "x"), ("a", "b")], gutter=1) == ["\\x01 x", "a    b"]


def test_no_rows() -> None:
    assert columns([]) == []


def test_the_import_is_late() -> None:
    code = "import sys, kubectl_svcnet.render.columns; print('tabulate' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"
