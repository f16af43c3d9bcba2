"""What a row says of each verdict; whole tables are goldens (tests/render/goldens)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_svcnet.model.fate import Fate, FateKind
from kubectl_svcnet.model.report import (
    Collected,
    FrontendTrace,
    NodeTrace,
    ServiceTrace,
    TraceReport,
    Verdict,
)
from kubectl_svcnet.render.style import Style
from kubectl_svcnet.render.table.trace import difference, render
from tests.samples import arrives, asked, at, endpoint, ends, frontend, ref, service, walk

V, K = Verdict, FateKind
A, B, OLD = "10.244.1.2:3306", "10.244.2.2:3306", "10.244.3.9:3306"
ENDPOINTS = (endpoint(A, "n1", pod="db-1"), endpoint(B, "n2"))
DROP = ref("FORWARD", "-A FORWARD -j DROP", table="filter")
FOREIGN = ref("PREROUTING", "-A PREROUTING -j DNAT --to-destination 10.244.3.9:3306")


def diverted(text: str) -> Fate:
    return Fate(kind=K.ENDPOINT, endpoint=at(text), rules=(FOREIGN,), translated_by=FOREIGN)


def trace(
    *problems: Verdict, fates: tuple[Fate, ...] = (), node: str = "n1", **values: object
) -> NodeTrace:
    known: dict[str, object] = {"expected": (at(A), at(B)), "reached": (at(A), at(B))}
    return NodeTrace(
        node=node,
        dataplane="kube-proxy/iptables",
        verdict=problems[0] if problems else V.OK,
        problems=problems,
        walks=(walk(asked(A, B), *fates),),
        **{**known, **values},  # type: ignore[arg-type]
    )


def table(*nodes: NodeTrace, style: Style | None = None) -> str:
    found = FrontendTrace(frontend=frontend(), endpoints=ENDPOINTS, nodes=nodes)
    report = TraceReport(
        collected=Collected(),
        services=(ServiceTrace(service=service(), endpoints=ENDPOINTS, frontends=(found,)),),
    )
    return render(report, style or Style())


def test_endpoints_that_were_not_read_are_not_none() -> None:
    dialled = FrontendTrace(frontend=frontend(), endpoints=(), nodes=())
    found = ServiceTrace(service=service(), blind=True, frontends=(dialled,))
    text = render(TraceReport(collected=Collected(), services=(found,)), Style())
    assert text.splitlines()[0].endswith("   endpoints not read")


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (trace(), "-"),
        (trace(V.MISSING, missing=(at(A),)), "-10.244.1.2:3306 (db-1)"),
        (trace(V.STALE, stale=(at(OLD),)), "+10.244.3.9:3306"),
        (
            trace(V.STALE, V.MISSING, missing=(at(B),), stale=(at(OLD),)),
            "-10.244.2.2:3306 +10.244.3.9:3306",
        ),
        (trace(V.ABSENT), "not dispatched"),
        (trace(V.UNREAD, reason="no route to host"), "no route to host"),
        (trace(V.UNREAD, reason="exec in a/kube-proxy-x c: no answer"), "no answer"),
        (trace(V.UNKNOWN, reason="nat/X:1: -m weird"), "nat/X:1: -m weird"),
        (
            trace(V.BLOCKED, V.MISSING, missing=(at(A),), fates=(ends(K.DROP, DROP),)),
            "by filter/FORWARD:1",
        ),
        (
            trace(V.DIVERTED, fates=(diverted(OLD),)),
            "by nat/PREROUTING:1",
        ),
        (
            trace(V.UNBALANCED, fates=(arrives(A, 0.75), arrives(B, 0.25))),
            "25% 10.244.2.2:3306 75% 10.244.1.2:3306",
        ),
        (
            trace(V.MISSING, missing=(at(A),), settled=False),
            "-10.244.1.2:3306 (db-1) (not settled)",
        ),
    ],
)
def test_difference(node: NodeTrace, text: str) -> None:
    found = FrontendTrace(frontend=frontend(), endpoints=ENDPOINTS, nodes=(node,))
    assert difference(node, found) == text


def test_a_refusal_that_is_asked_for_is_said() -> None:
    refused = walk(asked(why="no local endpoints"), ends(K.DROP, DROP))
    node = NodeTrace(node="n1", dataplane="d", verdict=V.OK, walks=(refused,))
    found = FrontendTrace(frontend=frontend(), endpoints=(), nodes=(node,))
    assert difference(node, found) == "refused: no local endpoints"
    assert "0/0" in table(node)


def test_many_nodes_fold_and_outliers_stand_alone() -> None:
    nodes = [trace(node=f"node-{i:02}") for i in range(47)]
    shown = table(*nodes, trace(V.ABSENT, node="node-99", reached=())).splitlines()
    assert shown[4].startswith("47 nodes   kube-proxy/iptables   ok        2/2")
    assert shown[5].startswith("node-99    kube-proxy/iptables   absent    0/2")


def test_unread_counts_nothing() -> None:
    assert "unread    -           why" in table(trace(V.UNREAD, reason="why"))


def test_wide_is_a_matrix_of_shares() -> None:
    node = trace(fates=(arrives(A, 0.5, masquerade=True), arrives(B, None)))
    shown = table(node, style=Style(wide=True)).splitlines()
    assert shown[3].split() == ["ENDPOINT", "POD", "NODE", "READY", "n1"]
    assert shown[4].split() == [A, "db-1", "n1", "yes", "50.0%", "(m)"]
    assert shown[5].split() == [B, "<none>", "n2", "yes", "by", "state"]
    assert shown[6].split() == ["VERDICT", "ok"]


def test_wide_says_a_refusal_too() -> None:
    refused = walk(asked(why="no endpoints"), ends(K.REJECT, DROP))
    nodes = [
        replace(trace(node=name, expected=(), reached=()), walks=(refused,))
        for name in ("n1", "n2")
    ]
    shown = table(*nodes, trace(node="n3"), style=Style(wide=True)).splitlines()
    assert [line for line in shown if "refused" in line] == ["n1,n2: refused: no endpoints"]


def test_a_service_of_which_no_node_was_read() -> None:
    assert "no node was read" in table()


def test_frontends_that_say_the_same_share_a_table() -> None:
    both = tuple(
        FrontendTrace(frontend=frontend(port=port), endpoints=ENDPOINTS, nodes=(trace(),))
        for port in (80, 81)
    )
    report = TraceReport(
        collected=Collected(),
        services=(ServiceTrace(service=service(), endpoints=ENDPOINTS, frontends=both),),
    )
    assert render(report, Style()).count("VERDICT") == 1
