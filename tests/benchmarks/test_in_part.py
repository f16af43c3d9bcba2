"""A large nftables node is read in part and judged, in a network namespace."""

from __future__ import annotations

import pytest

from benchmarks import simulator
from benchmarks.in_part import Cost, in_part
from benchmarks.simulator import CASES, inside, namespace, part_row
from benchmarks.sizes import Size
from tests.lab.shell import LabError

NATIVE = [case for case in CASES if case.name.startswith("nftables")]


@pytest.mark.kernel
@pytest.mark.tools("ip", "nft", "grep")
@pytest.mark.parametrize("case", NATIVE, ids=lambda case: case.name)
def test_much_less_is_read(case: simulator.Case) -> None:
    size = Size(400, 3)
    with namespace():
        inside(case.load, "\n".join(case.lines(size)) + "\n")
        text, seconds = inside(["nft", "list", "table", "ip", "kube-proxy"])
        part = in_part(size, inside)
        with pytest.raises(LabError, match="status 1"):
            inside(["nft", "list", "table", "ip", "nowhere"])
    assert seconds > 0
    assert part.bytes < len(text) / 10


def test_goals() -> None:
    whole = Cost(seconds=2, bytes=100_000)
    assert part_row(NATIVE[0], whole, Cost(seconds=1, bytes=5_000))[-1] == "met"
    missed = part_row(NATIVE[0], whole, Cost(seconds=1.1, bytes=5_001))[-1]
    assert missed == "missed: 20x fewer bytes, 2x faster"
