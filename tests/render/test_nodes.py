from __future__ import annotations

import pytest

from kubectl_svcnet.render.nodes import ROOM, fold, names


def test_equal_nodes_share_a_row_in_the_order_they_appear() -> None:
    assert fold([("n1", "ok"), ("n2", "bad"), ("n3", "ok")]) == [
        (("n1", "n3"), "ok"),
        (("n2",), "bad"),
    ]
    assert fold([]) == []


@pytest.mark.parametrize(
    ("nodes", "shown"),
    [
        (["n1"], "n1"),
        (["n1", "n2"], "n1,n2"),
        (["x" * ROOM], "x" * ROOM),
        (
            ["ip-10-0-0-1.eu-central-1.compute.internal"],
            "ip-10-0-0-1.eu-central-1.compute.internal",
        ),
        ([f"n{i}" for i in range(47)], "47 nodes"),
        (["a" * 12, "b" * 12], "2 nodes"),
        (["a" * 12, "b" * 11], f"{'a' * 12},{'b' * 11}"),
    ],
)
def test_names(nodes: list[str], shown: str) -> None:
    assert names(nodes) == shown
