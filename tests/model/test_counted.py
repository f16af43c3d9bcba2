from __future__ import annotations

import pytest

from kubectl_svcnet.model.counted import counted


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (0, ("node",), "0 nodes"),
        (1, ("node",), "1 node"),
        (2, ("node",), "2 nodes"),
        (1, ("sync has", "syncs have"), "1 sync has"),
        (3, ("sync has", "syncs have"), "3 syncs have"),
    ],
)
def test_counted(number: int, words: tuple[str, ...], text: str) -> None:
    assert counted(number, *words) == text
