"""`diff` as text: folded by node, counted by table."""

from __future__ import annotations

from kubectl_svcnet.model.report import Collected, DiffReport
from kubectl_svcnet.model.state import Change, ChangeKind
from kubectl_svcnet.render.style import Style
from kubectl_svcnet.render.table.diff import render

ADDED, CHANGED = ChangeKind.ADDED, ChangeKind.CHANGED


def said(*changes: Change, wide: bool = False) -> str:
    report = DiffReport(collected=Collected(), before="a", after="b", changes=changes)
    return render(report, Style(wide=wide))


def changed(path: str, before: str, after: str) -> Change:
    return Change(kind=CHANGED, path=path, before=tuple(before.split()), after=tuple(after.split()))


def added(path: str) -> Change:
    return Change(kind=ADDED, path=path, before=None, after=("x",))


def test_nothing() -> None:
    assert said() == "no difference between a and b\n"


def test_the_same_on_several_nodes_once() -> None:
    rows = [changed(f"nodes/n{n}/rules/ip nat/KUBE-X", "o", "p q") for n in (1, 2)]
    assert said(*rows) == "changed nodes/n1,n2/rules/ip nat/KUBE-X\n  - o\n  + p\n  + q\n"


def test_many_chains_of_a_table_are_counted() -> None:
    rows = [added(f"nodes/n1/rules/ip kube-proxy/service-{n}-d/s/tcp/http") for n in range(5)]
    text = said(*rows)
    assert " ".join(text.split()) == (
        "added nodes/n1/rules/ip kube-proxy: service-0-d/s/tcp/http, service-1-d/s/tcp/http, "
        "service-2-d/s/tcp/http and 2 more"
    )
    assert said(*rows, wide=True).count("added ") == 5


def test_a_node_and_a_service() -> None:
    text = said(added("nodes/n4"), added("services/d/s"))
    assert text == "added nodes/n4\n  + x\nadded services/d/s\n  + x\n"


def test_long_ones_are_cut() -> None:
    text = said(changed("services/d/s/endpoints", " ".join("abcdefghijkl"), ""))
    assert "  - … 4 more (-o wide)\n" in text
