from __future__ import annotations

from dataclasses import replace

from kubectl_svcnet.engine.judge.coverage import coverage_of
from kubectl_svcnet.model.report import Coverage, FrontendTrace, NodeTrace, ServiceTrace, Verdict
from tests.samples import frontend, service

V = Verdict


def on(node: str, *problems: Verdict, **values: object) -> NodeTrace:
    verdict = problems[0] if problems else V.OK
    return NodeTrace(
        node=node,
        dataplane="kube-proxy/iptables",
        verdict=verdict,
        problems=problems,
        **values,  # type: ignore[arg-type]
    )


def of(*nodes: NodeTrace) -> ServiceTrace:
    found = FrontendTrace(frontend=frontend(), endpoints=(), nodes=nodes)
    return ServiceTrace(service=service(), frontends=(found,))


HEADLESS = ServiceTrace(service=service(), sentence="db is headless")


def seen(*services: ServiceTrace, read: str = "n1 n2") -> Coverage:
    return coverage_of(services, frozenset(read.split()), 2)


def test_each_service_counts_once_as_the_worst_it_is() -> None:
    found = seen(
        of(on("n1"), on("n2")),
        of(on("n1", V.POLICY), on("n2")),
        of(on("n1", V.MISSING), on("n2", V.UNKNOWN)),
        of(on("n1"), on("n2", V.STALE, settled=False)),
        of(on("n1"), on("n2", V.UNKNOWN)),
        HEADLESS,
    )
    assert found == Coverage(
        ok=2, differ=1, where=("n1",), unsettled=1, unknown=1, without=1, nodes=2, nodes_read=2
    )


def test_a_node_that_was_not_read_makes_no_service_unknown_elsewhere() -> None:
    unread = on("n2", V.UNREAD)
    assert seen(of(on("n1"), unread), read="n1").ok == 1
    assert seen(of(on("n1"), unread)).unknown == 1
    assert seen(of(on("n1"), replace(unread, excused=True))).ok == 1


def test_where_nothing_was_read_nothing_is_ok() -> None:
    assert seen(of(on("n1", V.UNREAD)), read="").unknown == 1
    assert seen(of()).unknown == 1
