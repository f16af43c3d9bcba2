"""Packets that arrive, with the wrong source or forgotten: what is stated, and what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_svcnet.dataplanes.kube_proxy_iptables import OWN
from kubectl_svcnet.engine.codes import CODES
from kubectl_svcnet.engine.judge.defects import defect_findings, defects_of
from kubectl_svcnet.engine.judge.findings import NodeFacts
from kubectl_svcnet.model.fate import FOR_EVER, Fate
from kubectl_svcnet.model.finding import Level
from kubectl_svcnet.model.packet import Client
from kubectl_svcnet.model.report import (
    Defect,
    FrontendTrace,
    NodeTrace,
    ServiceTrace,
    Verdict,
    Walk,
)
from tests.samples import arrives, asked, at, frontend, ref, service, walk

D = Defect
A, B, SELF = "10.244.1.2:3306", "10.244.2.2:3306", "10.244.1.9:3306"
POSTROUTING = ref("KUBE-POSTROUTING", "-A KUBE-POSTROUTING -j MASQUERADE --random-fully", 3)
FOREIGN = ref("POSTROUTING", "-A POSTROUTING -o eth0 -j MASQUERADE", 2)


def of(
    *fates: Fate, masquerade: bool | None = None, sticky: bool = False, client: Client = Client.POD
) -> Walk:
    """Session affinity of three hours, if `sticky`."""
    question = asked(A, B, SELF, client=client)
    wanted = replace(
        question.expectation, masquerade=masquerade, affinity=10800 if sticky else None
    )
    return walk(replace(question, expectation=wanted), *fates)


def changed(text: str, *rules: object) -> Fate:
    fate = arrives(text, masquerade=True)
    return replace(fate, rules=(*fate.rules, *rules))  # type: ignore[arg-type]


KEPT, OWN_CHANGED, FOREIGN_CHANGED = arrives(A), changed(A, POSTROUTING), changed(A, FOREIGN)
FRESH = (arrives(A, 0.5), arrives(B, 0.5))
REMEMBERED = (arrives(A, None), arrives(B, None))


def for_seconds(*seconds: int, chain: str = "KUBE-SVC-J5FHDC7QFLM3E3EH") -> Fate:
    fate = arrives(A, None)
    rule = replace(ref(chain, "-A … -m recent --rcheck -j KUBE-SEP-A"), remembers=seconds)
    return replace(fate, rules=(rule, *fate.rules))


CASES = [
    (of(KEPT, masquerade=True), [D.UNMASQUERADED]),
    (of(OWN_CHANGED, masquerade=True), []),
    (of(KEPT, masquerade=False), []),
    (of(KEPT), []),
    (of(arrives(A, masquerade=None), masquerade=True), []),
    (of(OWN_CHANGED, masquerade=False), [D.MASQUERADED]),
    # a network plugin's own rule is its business, unless it hides who comes from outside
    (of(FOREIGN_CHANGED, masquerade=False), []),
    (of(FOREIGN_CHANGED, masquerade=False, client=Client.EXTERNAL), [D.MASQUERADED]),
    # what returns to its sender
    (of(arrives(SELF), masquerade=False, client=Client.SELF), [D.UNMASQUERADED]),
    (of(changed(SELF, POSTROUTING), masquerade=False, client=Client.SELF), []),
    # the node's own
    (of(KEPT, masquerade=True, client=Client.NODE), []),
    (of(OWN_CHANGED, masquerade=False, client=Client.NODE), []),
    # what a verdict speaks of
    (of(arrives("10.244.3.9:3306"), masquerade=True), []),
    (of(arrives(A, chain="FOREIGN"), masquerade=True), []),
    (of(*FRESH, sticky=True), [D.UNSTICKY]),
    (of(*FRESH, REMEMBERED[0], sticky=True), [D.UNSTICKY]),
    (of(*FRESH, *REMEMBERED, sticky=True), []),
    (of(arrives(A), sticky=True), []),  # there is no other to go to
    (of(*FRESH), []),
    (of(for_seconds(300), sticky=True), [D.MISTIMED]),
    (of(for_seconds(FOR_EVER), sticky=True), [D.MISTIMED]),
    (of(for_seconds(27000, 10800, 9000, 2700), sticky=True), []),  # in ticks of who knows what
    (of(for_seconds(10800), sticky=True), []),
    (of(for_seconds(300)), []),  # another question
    (of(for_seconds(60, chain="LIMITS"), sticky=True), []),  # somebody else's memory
]


@pytest.mark.parametrize(("seen", "defects"), CASES)
def test_defects(seen: Walk, defects: list[Defect]) -> None:
    assert list(defects_of([seen], OWN)) == defects


def test_what_ends_on_the_node_meets_no_postrouting() -> None:
    seen = of(KEPT, masquerade=True)
    wanted = replace(seen.asked.expectation, here=frozenset({at(A)}))
    assert defects_of([replace(seen, asked=replace(seen.asked, expectation=wanted))], OWN) == ()


def trace(seen: Walk, **values: object) -> ServiceTrace:
    node = NodeTrace(
        node="n3",
        dataplane="kube-proxy/iptables",
        verdict=Verdict.OK,
        defects=defects_of([seen], OWN),
        walks=(seen,),
        **values,  # type: ignore[arg-type]
    )
    places = tuple(
        FrontendTrace(frontend=frontend(port=port), endpoints=(), nodes=(node,))
        for port in (1, 2, 3, 4)
    )
    return ServiceTrace(service=service(), frontends=places)


FACTS = {"n3": NodeFacts(own=OWN)}
WHAT = "10.96.0.9:1/TCP, 10.96.0.9:2/TCP, 10.96.0.9:3/TCP and 1 more"


@pytest.mark.parametrize(
    ("seen", "code", "message", "evidence"),
    [
        (
            of(KEPT, masquerade=True),
            "SVN521",
            f"packets for {WHAT} keep their source, so that answers miss this node",
            (f"10.244.1.9 to 10.96.0.9 arrives at {A}",),
        ),
        (
            of(OWN_CHANGED, masquerade=False),
            "SVN522",
            f"packets for {WHAT} lose their client's address, which should be kept",
            (
                f"10.244.1.9 to 10.96.0.9 arrives at {A}",
                f"nat/KUBE-POSTROUTING:3  {POSTROUTING.raw}",
            ),
        ),
        (
            of(*FRESH, sticky=True),
            "SVN221",
            f"clients of {WHAT} do not stay with an endpoint, which sessionAffinity asks for",
            (
                f"10.244.1.9 to 10.96.0.9 arrives at {A}",
                f"nat/KUBE-SEP-AAAAAAAAAAAAAAAA:2  "
                f"-A KUBE-SEP-AAAAAAAAAAAAAAAA -p tcp -m tcp -j DNAT --to-destination {A}",
            ),
        ),
        (
            of(for_seconds(300, FOR_EVER), sticky=True),
            "SVN221",
            f"clients of {WHAT} do not stay with an endpoint for the time that sessionAffinity "
            "asks for",
            (
                f"10.244.1.9 to 10.96.0.9 arrives at {A}",
                "remembered 300s or for ever, asked for 10800s (timeoutSeconds)",
                "nat/KUBE-SVC-J5FHDC7QFLM3E3EH:1  -A … -m recent --rcheck -j KUBE-SEP-A",
            ),
        ),
    ],
)
def test_where_it_speaks(seen: Walk, code: str, message: str, evidence: tuple[str, ...]) -> None:
    (found,) = defect_findings(trace(seen), FACTS)
    assert (found.code, found.message, found.evidence) == (code, message, evidence)
    assert found.level is CODES[code].level
    assert found.next == "kubectl svcnet trace db -n default --node n3 --explain"


@pytest.mark.parametrize("seen", [case for case, defects in CASES if not defects])
def test_where_it_is_silent(seen: Walk) -> None:
    assert defect_findings(trace(seen), FACTS) == ()


def test_an_unsettled_one_is_info() -> None:
    (found,) = defect_findings(trace(of(KEPT, masquerade=True), settled=False), FACTS)
    assert found.level is Level.INFO
    assert "not settled" in found.message


def test_of_a_bundle_with_one_reading() -> None:
    facts = {"n3": NodeFacts(own=OWN, once=True)}
    (found,) = defect_findings(trace(of(KEPT, masquerade=True)), facts)
    assert found.message.endswith("(one reading)")
