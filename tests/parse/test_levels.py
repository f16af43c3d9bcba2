from __future__ import annotations

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.model.finding import Level
from kubectl_svcnet.parse.levels import parse_levels


def test_codes_and_their_levels() -> None:
    text = "# ours\n[levels]\nsvn310 = INFO\nSVN106=error\n\n; no more\n"
    assert parse_levels(text) == {"SVN310": Level.INFO, "SVN106": Level.ERROR}


@pytest.mark.parametrize("text", ["", "[levels]\n", "# nothing\n"])
def test_nothing_is_said(text: str) -> None:
    assert parse_levels(text) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SVN310 = info\n", "stands in no section"),
        ("[level]\nSVN310 = info\n", r"\[level\] is no section"),
        ("[levels]\nSVN310 = low\n", "write error, warning or info"),
        ("[levels]\nSVN310\n", "line 2: write CODE = LEVEL"),
        ("[levels]\nSVN310 = info\nsvn310 = error\n", "line 3: SVN310 is there twice"),
        ("[levels]\n[levels]\n", r"line 2: \[levels\] is there twice"),
        ("[levels]\nSVN310 = %(x)s\n", "write error"),
        ("[levels]\nSVN310 = in\n  fo\n", "write error"),
        ("[levels\nSVN310 = info\n", "stands in no section"),
        ("\x00\x1b[levels]", "stands in no section"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, said: str) -> None:
    with pytest.raises(ParseError, match=said):
        parse_levels(text)
