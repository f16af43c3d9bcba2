from __future__ import annotations

from kubectl_svcnet.model.finding import Gap
from kubectl_svcnet.model.report import Collected, SnapshotReport
from kubectl_svcnet.render.style import Style
from kubectl_svcnet.render.table.snapshot import render


def test_what_was_saved_and_what_not() -> None:
    report = SnapshotReport(
        collected=Collected(),
        file="x\x1b.tar.gz",
        size=2048,
        captures=12,
        gaps=(Gap(what="rules", why="no route", node="n2", blocking=True),),
    )
    assert render(report, Style()) == (
        "x\\x1b.tar.gz: 12 answers, 2 KiB\n\ngap n2: rules: no route\n"
    )
