"""Branches that meet again become one, and splits that did not matter are forgotten."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_svcnet.engine.simulate.flow import Branch, Cause, Choice, joined


def choice(split: int, side: int, sides: int = 2) -> Choice:
    return Choice(split, side, sides, Cause.STATE, "")


def branch(where: str, weight: float, *choices: Choice) -> Branch:
    made = Branch(None, weight, choices)  # type: ignore[arg-type]
    made.rules = (where,)  # type: ignore[assignment]
    return made


def join(*branches: Branch) -> list[tuple[str, float, int]]:
    found = joined(branches, lambda one: one.rules)
    return sorted((str(b.rules[0]), round(b.weight, 6), len(b.choices)) for b in found)


def test_shares_add_up() -> None:
    assert join(branch("a", 0.25), branch("b", 0.5), branch("a", 0.25)) == [
        ("a", 0.5, 0),
        ("b", 0.5, 0),
    ]


def test_a_split_whose_sides_meet_is_forgotten() -> None:
    both = branch("a", 0.5, choice(1, 0)), branch("a", 0.5, choice(1, 1))
    assert join(*both) == [("a", 0.5, 0)]


def test_a_split_whose_sides_differ_stays() -> None:
    both = branch("a", 1, choice(1, 0)), branch("b", 1, choice(1, 1))
    assert join(*both) == [("a", 1, 1), ("b", 1, 1)]


def test_nested_splits() -> None:
    def outer() -> Branch:
        return branch("a", 1, choice(1, 0))

    def inner(sides: int) -> list[Branch]:
        return [branch("a", 1, choice(1, 1), choice(2, side, 3)) for side in range(sides)]

    assert join(outer(), *inner(3)) == [("a", 1, 0)]
    assert join(outer(), *inner(2)) == [("a", 1, 1), ("a", 1, 2), ("a", 1, 2)]


@pytest.mark.parametrize(
    ("where", "weight", "kept"), [("a", 0.5, 1), ("b", 0.5, 2), ("a", 0.25, 2)]
)
def test_what_is_rare_and_like_the_usual_is_forgotten(where: str, weight: float, kept: int) -> None:
    """On the way; at its end it tells that there is an affinity."""

    def both() -> tuple[Branch, Branch]:
        return branch("a", 0.5), branch(where, weight, choice(1, 1, sides=1))

    assert len(joined(both(), lambda one: one.rules, rare=False)) == kept
    assert len(joined(both(), lambda one: one.rules)) == 2


def test_sides_with_different_shares_are_not_the_same() -> None:
    both = branch("a", 0.5, choice(1, 0)), branch("a", 0.25, choice(1, 1))
    assert len(join(*both)) == 2


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0.01, 1)), min_size=1, max_size=20))
def test_joining_keeps_the_whole_share(pairs: list[tuple[str, float]]) -> None:
    before = [branch(where, weight) for where, weight in pairs]
    total = sum(weight for _, weight in pairs)
    after = joined(before, lambda one: one.rules)
    assert sum(one.weight for one in after) == pytest.approx(total)
    assert len(after) == len({where for where, _ in pairs})
