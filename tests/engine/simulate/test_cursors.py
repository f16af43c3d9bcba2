"""Whoever is least far goes on first, and those that meet in the same state are one."""

from __future__ import annotations

from kubectl_svcnet.engine.simulate.cursors import Cursors
from kubectl_svcnet.engine.simulate.flow import Branch
from kubectl_svcnet.engine.simulate.walk import Frame
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend, ChainId

BEFORE = (None, (), 1.0, ())


def frame_of(chain: str) -> Frame[str]:
    return Frame(ChainId(Family.IPV4, Backend.NFT, "nat", chain), ["rule"] * 9)


def enter(frame: Frame[str], chain: str, index: int, *, goto: bool = False) -> Frame[str]:
    where = frame_of(chain).where
    return frame.enter(where, frame.rules, index + 1, BEFORE, goto=goto)  # type: ignore[arg-type]


def branch(state: str, weight: float = 1.0) -> Branch:
    return Branch(state, weight)  # type: ignore[arg-type]


def test_in_the_order_in_which_a_packet_passes() -> None:
    base = frame_of("BASE")
    jumped = enter(base, "A", 3)
    gone = enter(jumped, "B", 2, goto=True)
    order = [
        (base, 3, 0),
        (base, 3, 1),
        (jumped, 0, 0),
        (jumped, 2, 0),
        (gone, 0, 0),
        (gone, 8, 0),
        (jumped, 3, 0),
        (enter(jumped, "Z", 3), 7, 0),
        (jumped, 9, 0),
        (base, 4, 0),
    ]
    cursors: Cursors[str] = Cursors()
    for number in (5, 2, 9, 0, 7, 1, 8, 3, 6, 4):
        cursors.add(branch(str(number)), *order[number])
    popped = []
    while cursors:
        popped.append(cursors.pop())
    assert [str(one.flow) for one, *_ in popped] == [str(n) for n in range(10)]
    assert [where for _, *where in popped] == [list(one) for one in order]


def test_two_that_meet_are_one() -> None:
    """Two frames of the same jump are the same place; the same rule by another way is not."""
    base = frame_of("BASE")
    cursors: Cursors[str] = Cursors()
    for weight in (0.25, 0.5):
        cursors.add(branch("same", weight), enter(base, "A", 1), 4)
    cursors.add(branch("other", 0.125), enter(base, "A", 1), 4)
    cursors.add(branch("same", 0.125), enter(base, "A", 2), 4)
    popped = [cursors.pop() for _ in range(3)]
    assert {(str(one.flow), one.weight) for one, *_ in popped[:2]} == {
        ("same", 0.75),
        ("other", 0.125),
    }
    assert popped[2][0].weight == 0.125
    assert not cursors


def test_who_waits_at_the_same_place_is_still_waiting() -> None:
    """Else the first would go to the end before the second, and so would its own parts."""
    base = frame_of("BASE")
    cursors: Cursors[str] = Cursors()
    cursors.add(branch("one"), base, 1)
    cursors.add(branch("two"), base, 1)
    cursors.pop()
    assert cursors
