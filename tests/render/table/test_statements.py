from __future__ import annotations

import pytest

from kubectl_svcnet.engine.codes import finding
from kubectl_svcnet.model.finding import Finding, Gap
from kubectl_svcnet.model.report import Collected
from kubectl_svcnet.render.style import Style
from kubectl_svcnet.render.table.statements import closing, size, statements

FOUND = finding(
    "SVN202",
    "ready endpoint 10.244.3.4:3306 (pod db-7c9-t4q) is not programmed",
    node="n3",
    evidence=("nat/KUBE-SVC-J5FHDC7QFLM3E3EH leads to 2 of 3", "State: T"),
    next="kubectl -n kube-system delete pod kube-proxy-x7k2p",
)


def said(*findings: Finding, gaps: tuple[Gap, ...] = ()) -> list[str]:
    return statements(findings, gaps, Style())


def test_the_sketch() -> None:
    assert said(FOUND) == [
        "",
        "error SVN202 n3: ready endpoint 10.244.3.4:3306 (pod db-7c9-t4q) is not",
        "  programmed",
        "  evidence  nat/KUBE-SVC-J5FHDC7QFLM3E3EH leads to 2 of 3",
        "  evidence  State: T",
        "  next      kubectl -n kube-system delete pod kube-proxy-x7k2p",
    ]


def test_nothing_to_say() -> None:
    assert said() == []


def gap(node: str = "", **values: object) -> Gap:
    return Gap(what="rules", why="no route", node=node, **values)  # type: ignore[arg-type]


def dead(node: str) -> Gap:
    why = f"exec in kube-system/kube-proxy-{node} kube-proxy: dial tcp 10.0.0.{node}:10250: refused"
    next = f"kubectl describe node {node}"
    return Gap(what="rules", why=why, node=node, next=next, blocking=True)


@pytest.mark.parametrize(
    ("gaps", "lines"),
    [
        ((gap(),), ["note: rules: no route"]),
        ((gap(blocking=True),), ["gap: rules: no route"]),
        ((gap("n1", blocking=True, accepted=True),), ["accepted gap n1: rules: no route"]),
        ((gap("n1"), gap("n2")), ["note n1,n2: rules: no route"]),
        (
            (gap("n1"), gap("n2", blocking=True)),
            ["note n1: rules: no route", "gap n2: rules: no route"],
        ),
        ((gap("n1", next="kubectl x"),), ["note n1: rules: no route", "  next      kubectl x"]),
        (
            (
                gap("n1", next="kubectl auth can-i get a"),
                Gap(what="routes", why="no route", node="n2", next="kubectl auth can-i get b"),
                gap("n3", next="kubectl auth can-i get a", blocking=True),
            ),
            [
                "gap n1,n2,n3: rules, routes: no route",
                "  next      kubectl auth can-i get a",
                "  next      kubectl auth can-i get b",
            ],
        ),
        (tuple(gap(f"node-{i:02}") for i in range(9)), ["note 9 nodes: rules: no route"]),
        (
            tuple(dead(f"n{i}") for i in (3, 12)),
            [
                "gap n3,n12: rules: exec in kube-system/* kube-proxy: dial tcp *:10250: refused",
                "  next      kubectl describe node n3",
                "  next      kubectl describe node n12",
            ],
        ),
        (
            (dead("n3"),),
            [
                "gap n3: rules: exec in kube-system/kube-proxy-n3 kube-proxy: dial tcp",
                "  10.0.0.n3:10250: refused",
                "  next      kubectl describe node n3",
            ],
        ),
    ],
)
def test_gaps(gaps: tuple[Gap, ...], lines: list[str]) -> None:
    assert said(gaps=gaps) == ["", *lines]


def test_a_command_is_one_line_to_be_copied() -> None:
    long = "kubectl " + "x " * 80
    lines = said(finding("SVN202", "m", next=long))
    assert lines[-1] == f"  next      {long}"


@pytest.mark.parametrize(
    ("collected", "line"),
    [
        (
            Collected(nodes=3, nodes_read=3, seconds=0.41, execs=4, bytes=16384),
            "read 3 of 3 nodes in 0.4s, 4 execs, 16 KiB",
        ),
        (
            Collected(nodes=3, nodes_read=3, execs=4, reread=("n3",), waited=5.0),
            "read 3 of 3 nodes in 0.0s, n3 again after 5s, 4 execs, 0 B",
        ),
        (Collected(nodes=1, execs=1), "read 0 of 1 node in 0.0s, 1 exec, 0 B"),
    ],
)
def test_closing(collected: Collected, line: str) -> None:
    assert closing(collected) == line


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1 << 20, "1 MiB"), (5 << 30, "5120 MiB")],
)
def test_size(count: int, text: str) -> None:
    assert size(count) == text


def test_a_thousand_nodes_are_not_all_named() -> None:
    lines = said(gaps=tuple(dead(f"n{i}") for i in range(1000)))
    assert len(lines) < 8
    assert "n29 and 970 more" in " ".join(" ".join(lines).split())


def test_the_same_of_many_nodes_is_said_once() -> None:
    def late(node: str, message: str = "its syncs are late") -> Finding:
        next = f"kubectl -n kube-system logs kube-proxy-{node}"
        return finding("SVN307", message, node=node, next=next)

    many = [late(f"node-{i}") for i in range(9)]
    assert said(*many, late("n9", "it is stopped")) == [
        "",
        "error SVN307 9 nodes: its syncs are late",
        "  nodes     node-0 node-1 node-2 node-3 node-4 node-5 node-6 node-7 node-8",
        "  next      kubectl -n kube-system logs kube-proxy-node-0",
        "",
        "error SVN307 n9: it is stopped",
        "  next      kubectl -n kube-system logs kube-proxy-n9",
    ]
