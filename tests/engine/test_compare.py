"""Two states: what differs, and what only one side knows."""

from __future__ import annotations

import pytest

from kubectl_svcnet.engine.compare import compare, unread_of
from kubectl_svcnet.model.state import State


def state(facts: dict[str, str], unread: dict[str, str] | None = None) -> State:
    lines = {path: tuple(text.split()) for path, text in facts.items()}
    return State(facts=lines, unread=unread or {})


def told(before: State, after: State) -> list[tuple[str | None, ...]]:
    return [
        (c.kind.value, c.path, *(None if x is None else " ".join(x) for x in (c.before, c.after)))
        for c in compare(before, after)
    ]


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"a": "x"}, {"a": "x"}, []),
        ({}, {"a": "x y"}, [("added", "a", None, "x y")]),
        ({"a": "x"}, {}, [("removed", "a", "x", None)]),
        ({"a": "x y z"}, {"a": "x z w"}, [("changed", "a", "y", "w")]),
        ({"a": "x y"}, {"a": "y x"}, [("changed", "a", "x y", "y x")]),
        ({"a": "x x"}, {"a": "x"}, [("changed", "a", "x", "")]),
        ({"a": "x", "a/b": "y"}, {}, [("removed", "a", "x", None)]),
        ({"a": "x"}, {"ab/b": "y"}, [("removed", "a", "x", None), ("added", "ab/b", None, "y")]),
    ],
)
def test_changes(before: dict[str, str], after: dict[str, str], changes: list[object]) -> None:
    assert told(state(before), state(after)) == changes


def test_what_one_side_did_not_read_is_no_difference() -> None:
    seen, blind = state({"n": "x", "n/r/1": "y"}), state({"n": "x"}, {"n/r": "refused"})
    assert told(seen, blind) == told(blind, seen) == []
    assert unread_of(seen, blind) == {"n/r": ("", "refused")}
    assert unread_of(blind, blind) == {"n/r": ("refused", "refused")}


def test_what_is_told_once() -> None:
    """Nothing of what lies in another gap, or in a node that is there on one side only."""
    assert list(unread_of(state({}, {"n": "a", "n/r": "b"}), state({}))) == ["n"]
    assert unread_of(state({"n": "x"}, {"n/r": "b"}), state({})) == {}


def test_ranges_that_lack_the_same_sources_are_compared() -> None:
    why = {"ranges": "no right"}
    old, new = state({"ranges/a": "x"}, why), state({"ranges/a": "y"}, why)
    assert len(compare(old, new)) == 1
    assert compare(old, state({"ranges/a": "y"})) == ()
