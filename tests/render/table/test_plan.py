from __future__ import annotations

from kubectl_svcnet.model.finding import Gap
from kubectl_svcnet.model.report import Collected, PlannedCommand, PlanReport
from kubectl_svcnet.render.style import Style
from kubectl_svcnet.render.table.plan import render


def planned(node: str, argv: str) -> PlannedCommand:
    return PlannedCommand(node=node, pod=f"kube-system/p-{node}", argv=argv, shows="it")


def test_equal_nodes_are_one() -> None:
    commands = tuple(planned(n, argv) for n in ("n1", "n2", "n3") for argv in ("a", "b"))
    report = PlanReport(
        collected=Collected(),
        commands=(*commands, planned("n3", "c")),
        may_follow=("and then more",),
        gaps=(Gap(what="rules", why="no pod", node="n4"),),
    )
    assert render(report, Style()) == (
        "on n1,n2, in one exec:\n  a\n  b\n\n"
        "on n3, in one exec:\n  a\n  b\n  c\n\n"
        "and then more\n\nnote n4: rules: no pod\n"
    )


def test_what_is_read_of_logs_is_no_exec() -> None:
    log = "kubectl -n kube-system logs p-n1 -c kube-proxy"
    report = PlanReport(
        collected=Collected(), commands=(planned("n1", log), planned("n1", "tail -c 9 /x"))
    )
    assert render(report, Style()) == (
        f"on n1, through the API:\n  {log}\n\non n1, in one exec:\n  tail -c 9 /x\n\n"
    )
