from __future__ import annotations

import pytest

from kubectl_svcnet.render.style import Style


def test_paint() -> None:
    assert Style(colour=True).paint("bad", "error") == "\x1b[31mbad\x1b[0m"
    assert Style(colour=True).paint("text", "nothing") == "text"
    assert Style().paint("bad", "error") == "bad"


@pytest.mark.parametrize(
    ("style", "room", "shown"),
    [
        (Style(), 5, "abcde"),
        (Style(), 4, "abc…"),
        (Style(), 1, "a…"),
        (Style(wide=True), 4, "abcde"),
        (Style(width=0), 4, "abcde"),
    ],
)
def test_cut(style: Style, room: int, shown: str) -> None:
    assert style.cut("abcde", room) == shown


def test_paragraph() -> None:
    lines = Style(width=20).paragraph("one two three four five", first="- ", rest="  ")
    assert lines == ["- one two three four", "  five"]
    assert Style(width=10).paragraph("a-very-long-word-is-kept") == ["a-very-long-word-is-kept"]
    assert Style(width=0).paragraph("word " * 100) == [("word " * 100).strip()]
    assert Style().paragraph("a\nb\x1b[31m") == ["a\\nb\\x1b[31m"]
