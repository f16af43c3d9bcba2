from __future__ import annotations

import pytest

from kubectl_svcnet.engine.codes import finding
from kubectl_svcnet.engine.judge.grouping import grouped
from kubectl_svcnet.model.finding import Gap
from kubectl_svcnet.model.report import CheckReport, Collected, Coverage, ServiceTrace
from kubectl_svcnet.render.style import Style
from kubectl_svcnet.render.table.check import render
from tests.samples import service

SERVICE = ServiceTrace(service=service())


def shown(coverage: Coverage, *findings: object, wide: bool = False, **values: object) -> str:
    report = CheckReport(
        collected=Collected(),
        coverage=coverage,
        services=(SERVICE,),
        findings=findings,  # type: ignore[arg-type]
        **values,  # type: ignore[arg-type]
    )
    return render(report, Style(wide=wide))


@pytest.mark.parametrize(
    ("coverage", "line"),
    [
        (Coverage(ok=14, nodes=8, nodes_read=8), "14 Services ok on 8 of 8 nodes"),
        (
            Coverage(ok=14, differ=212, where=("n7",), nodes=8, nodes_read=8),
            "14 Services ok on 8 of 8 nodes, 212 differ on n7 only",
        ),
        (
            Coverage(ok=1, differ=1, where=("n1", "n2"), nodes=3, nodes_read=2),
            "1 Service ok on 2 of 3 nodes, 1 differs on n1,n2",
        ),
        (
            Coverage(unsettled=2, unknown=3, without=4, nodes=1, nodes_read=1),
            "0 Services ok on 1 of 1 nodes, 2 changing, 3 not known, 4 without rules",
        ),
    ],
)
def test_the_last_line_is_coverage(coverage: Coverage, line: str) -> None:
    assert shown(coverage) == f"{line}\n"


def test_findings_first_with_what_to_type() -> None:
    report = shown(
        Coverage(ok=1, nodes=1, nodes_read=1),
        finding(
            "SVN301", "it is stopped", node="n7", next="kubectl delete", evidence=("State: T",)
        ),
        finding("SVN305", "two modes", next="kubectl svcnet proxy"),
        gaps=(Gap(what="rules", why="no route", node="n8", blocking=True),),
    )
    assert report == (
        "error SVN301 n7: it is stopped\n"
        "  next      kubectl delete\n"
        "info SVN305 two modes\n"
        "gap n8: rules: no route\n"
        "1 Service ok on 1 of 1 nodes\n"
    )


def test_wide_shows_evidence_and_every_object() -> None:
    found = [
        finding("SVN202", "x is gone", service="a/b", node=f"n{n}", evidence=("nat/X:1",))
        for n in range(2)
    ]
    (one,) = grouped(found, since={}, nodes_read=3)
    assert shown(Coverage(), one, wide=True) == (
        "error SVN202 a/b on n0,n1: x is gone\n"
        "  evidence  nat/X:1\n"
        "  evidence  2 of 3 nodes differ so\n"
        "  object    SVN202 a/b on n0: x is gone\n"
        "  object    SVN202 a/b on n1: x is gone\n"
        "0 Services ok on 0 of 0 nodes\n"
    )


def test_many_nodes_are_counted() -> None:
    found = [finding("SVN202", "x", service="a/b", node=f"node-{n}") for n in range(40)]
    (one,) = grouped(found, since={}, nodes_read=40)
    assert shown(Coverage(), one).startswith("error SVN202 a/b on 40 nodes: x\n")
