from __future__ import annotations

from kubectl_svcnet.model.report import ByHand
from kubectl_svcnet.render.style import Style
from kubectl_svcnet.render.table.steps import by_hand

STEP = ByHand(title="The mode", command="kubectl logs x | grep Proxier", lines=("a  b", "c"))


def test_a_step() -> None:
    note = ByHand(title="Nothing", command="cat x", note="It is on the node's disk. " * 4)
    assert by_hand([STEP, note], Style()) == [
        "1. The mode",
        "   $ kubectl logs x | grep Proxier",
        "   a  b",
        "   c",
        "",
        "2. Nothing",
        "   $ cat x",
        "   It is on the node's disk. It is on the node's disk. It is on the node's disk.",
        "   It is on the node's disk.",
    ]


def test_lines_stay_whole_and_are_escaped_once() -> None:
    step = ByHand(title="t\n", command="c\x1b", lines=("x" * 200, "\x1b[2J \\n"), note="\x07")
    assert by_hand([step], Style(width=60)) == [
        "1. t\\n",
        "   $ c\\x1b",
        f"   {'x' * 200}",
        "   \\x1b[2J \\n",
        "   \\x07",
    ]


def test_nothing() -> None:
    assert by_hand([], Style()) == []
