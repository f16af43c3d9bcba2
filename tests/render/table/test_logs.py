from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_svcnet.model.finding import Level
from kubectl_svcnet.model.logline import About, AboutKind, LogLine
from kubectl_svcnet.model.report import Collected, LogsReport
from kubectl_svcnet.render.style import Style
from kubectl_svcnet.render.table.logs import render

#: 2026-11-24T23:36:00Z
NOW = 1795563360.0
SYNC = About(AboutKind.SYNC)


def line(message: str, after: float | None = 0.0, node: str = "n1", **values: object) -> LogLine:
    known: dict[str, object] = {"source": "kube-proxy", "about": SYNC, "level": Level.INFO}
    time = None if after is None else NOW + after
    return LogLine(time=time, node=node, message=message, **{**known, **values})  # type: ignore[arg-type]


def rows(*lines: LogLine, style: Style | None = None, **values: object) -> list[str]:
    known: dict[str, object] = {"nodes": ("n1", "n2", "n3")}
    report = LogsReport(collected=Collected(started_at=NOW), lines=lines, **{**known, **values})  # type: ignore[arg-type]
    return render(report, style or Style()).splitlines()[1:]


def test_a_row() -> None:
    assert rows(line("hello", 0.25)) == [" 23:36:00.250  n1        kube-proxy      hello"]
    assert rows(line("hello", None)) == [" -             n1        kube-proxy      hello"]
    assert rows(line("hello", node="", assumed="zone")) == [
        "~23:36:00.000  -         kube-proxy      hello"
    ]


def test_errors_are_marked_and_coloured() -> None:
    (error,) = rows(line("bad", level=Level.ERROR), style=Style(colour=True))
    assert error.endswith("\x1b[31mE bad\x1b[0m")
    assert rows(line("odd", level=Level.WARNING))[0].endswith("W odd")
    assert rows(line("plain", level=None))[0].endswith("  plain")


def test_the_same_of_several_nodes_is_one_row() -> None:
    same = [line("same", n, f"n{n}") for n in (1, 2, 3)]
    assert rows(*same) == [" 23:36:01.000  n1,n2,n3  kube-proxy      same"]
    many = [line("same", 0, f"node-{n}") for n in range(47)]
    assert rows(*many) == [" 23:36:00.000  47 nodes  kube-proxy      same"]
    assert len(rows(*same, line("same", 60, "n1"))) == 1  # nothing between them
    assert len(rows(*same, line("other", 50), line("same", 60))) == 3
    assert len(rows(line("same"), line("same", source="weave"), line("same", level=None))) == 3


def test_repeats_are_counted() -> None:
    assert rows(line("same"), line("same", 30), line("same", 60))[0].endswith("same (3 times)")


def test_long_messages_are_wrapped_and_then_cut() -> None:
    shown = rows(line("word " * 100))
    assert len(shown) == 4
    assert all(len(row) <= 80 for row in shown)
    assert shown[-1].endswith("…")
    assert all(row.startswith(" " * 41) for row in shown[1:])
    (alone,) = rows(line("x" * 500), style=Style(width=0))
    assert alone.endswith("x" * 500)


def test_another_day() -> None:
    assert rows(line("a", -86400), line("b"))[::2] == ["2026-11-23", "2026-11-24"]


def test_what_follows_has_no_head_and_the_same_columns() -> None:
    first = LogsReport(collected=Collected(started_at=NOW), lines=(line("a"),), nodes=("node-1",))
    then = replace(first, lines=(line("b", node=""),), continued=True)
    one, two = render(first, Style()).splitlines()[1:], render(then, Style()).splitlines()
    assert one[0].index("kube-proxy") == two[0].index("kube-proxy")
    assert len(two) == 1
    assert render(then, Style(wide=True)).count("\n") == 1


def test_wide_folds_nothing() -> None:
    same = [line("a  b\n\tc", n, f"n{n}") for n in (1, 2)]
    head, *shown = render(
        LogsReport(collected=Collected(), lines=tuple(same)), Style(wide=True)
    ).splitlines()
    assert head.split() == ["TIME", "NODE", "SOURCE", "LEVEL", "ABOUT", "MESSAGE"]
    assert len(shown) == 2
    assert shown[0].endswith("info    sync    a b c")
    assert shown[0].startswith("2026-11-24T23:36:01.000Z")


@pytest.mark.parametrize("time", [1e300, -1e300, float("inf")])
def test_a_time_that_no_calendar_has(time: float) -> None:
    assert "?" in rows(line("a", time))[-1]
