from __future__ import annotations

import pytest

from kubectl_svcnet.render.nodes import ROOM, fold, general, names


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


@pytest.mark.parametrize(
    ("node", "said", "shown"),
    [
        ("n1", "kubectl describe node n1", "kubectl describe node *"),
        ("n1", "kubectl describe node n12 n1.b", "kubectl describe node n12 n1.b"),
        ("", "no route", "no route"),
        ("n1", "exec in kube-system/kube-proxy-x7 c: no", "exec in kube-system/* c: no"),
        (
            "n1",
            "error dialing backend: dial tcp 10.0.0.7:10250: i/o timeout",
            "error dialing backend: dial tcp *:10250: i/o timeout",
        ),
        ("n1", "dial tcp [fd00::7]:10250: no route", "dial tcp *:10250: no route"),
        ("n1", "no set 10.0.0.7:80", "no set 10.0.0.7:80"),
        ("n1", "log of a/x-7 c: GET /api/a/pods/x-7/log", "log of a/* c: GET /api/a/pods/*/log"),
        ("n1", "broken: exec in a/kube-proxy-x7 c: no", "broken: exec in a/* c: no"),
        ("n1", "kubectl -n a logs x-7 -c c", "kubectl -n a logs * -c c"),
        ("n1", "kubectl -n a exec x-7 -c c -- cat /b", "kubectl -n a exec * -c c -- cat /b"),
    ],
)
def test_what_is_said_of_any_node(node: str, said: str, shown: str) -> None:
    assert general(said, node) == shown
