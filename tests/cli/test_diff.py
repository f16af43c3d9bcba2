"""`diff`: what is compared with what, and how it ends."""

from __future__ import annotations

import json

import pytest

from kubectl_svcnet.cli.diff import diff
from kubectl_svcnet.cli.main import main
from tests.saved import HEALTHY, PROXY

SAME, OTHER = str(HEALTHY), str(PROXY)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["demo", "demo"], 0),
        ([SAME, OTHER], 1),
        ([SAME, OTHER, "--fail-on", "never"], 0),
        (["/nonexistent", "demo"], 3),
        (["demo", "/nonexistent"], 3),
        (["demo", "demo", "--plan"], 2),
        (["demo", "--bundle", "demo"], 0),
        ([SAME, "--bundle", OTHER], 1),
        (["demo", "demo", "--bundle", "demo"], 2),
    ],
)
def test_how_it_ends(words: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", *words, "-o", "json"]) == status
    document = json.loads(capsys.readouterr().out)
    assert document["kind"] == "Diff"
    assert bool(document["items"]) is (OTHER in words)


def test_it_is_registered() -> None:
    from kubectl_svcnet.cli.main import COMMANDS

    assert "diff" in COMMANDS
    assert diff.__name__ == "diff"
