"""One statement for a cause, and one for what is the same in many places; nothing is dropped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from kubectl_svcnet.engine.codes import finding
from kubectl_svcnet.engine.judge.grouping import CAUSES, FEW, SYMPTOMS, grouped
from kubectl_svcnet.model.finding import Finding, Level

STOPPED = finding("SVN301", "kube-proxy is stopped and follows nothing", node="n7")


def missing(service: str, node: str = "n7", code: str = "SVN202", what: str = "") -> Finding:
    return finding(code, what or f"{service} lacks one", service=service, node=node)


def group(
    *findings: Finding, since: Mapping[str, str] | None = None, nodes: int = 8
) -> tuple[Finding, ...]:
    return grouped(findings, since=since or {}, nodes_read=nodes)


def leaves(findings: Iterable[Finding]) -> list[tuple[str, str, str]]:
    """Every finding, whether it stands alone or is the object of another."""
    return sorted(
        (one.code, one.node, one.service)
        for head in findings
        for one in (*([head] if head.code in CAUSES else []), *(head.objects or ())) or (head,)
    )


def test_a_stopped_proxy_is_one_finding() -> None:
    symptoms = [missing(f"default/s{n:03}") for n in range(212)]
    (one,) = group(STOPPED, *symptoms, since={"n7": "14:02Z"})
    assert one.message == (
        "kube-proxy is stopped and follows nothing since 14:02Z; "
        "212 Services differ (first: default/s000)"
    )
    assert (one.code, one.node, one.level) == ("SVN301", "n7", Level.ERROR)
    assert one.objects == tuple(symptoms)


def test_two_symptoms_of_one_service_are_one_service() -> None:
    (one,) = group(STOPPED, missing("default/db"), missing("default/db", code="SVN203"))
    assert one.message.endswith("follows nothing; default/db differs")
    assert len(one.objects) == 2


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_explains_every_symptom(cause: str) -> None:
    symptoms = [missing("default/db", code=code) for code in sorted(SYMPTOMS)]
    (one,) = group(finding(cause, "why", node="n7"), *symptoms)
    assert one.code == cause
    assert {each.code for each in one.objects} == SYMPTOMS


def test_the_first_of_several_causes_explains() -> None:
    late = finding("SVN307", "late", node="n7")
    found = group(late, STOPPED, missing("default/db"))
    assert [(one.code, len(one.objects)) for one in found] == [("SVN301", 1), ("SVN307", 0)]


def test_a_cause_is_as_grave_as_what_it_entails() -> None:
    by_log = finding("SVN308", "its log says so", node="n7", level=Level.WARNING)
    assert group(by_log)[0].level is Level.WARNING
    assert group(by_log, missing("default/db"))[0].level is Level.ERROR


def test_a_level_that_the_user_chose_is_kept() -> None:
    chosen = replace(STOPPED, level=Level.INFO)
    found = (chosen, missing("default/db"))
    (one,) = grouped(found, since={}, nodes_read=8, levelled={"SVN301"})
    assert (one.level, len(one.objects)) == (Level.INFO, 1)
    (one,) = grouped(found, since={}, nodes_read=8, levelled={"SVN202"})
    assert one.level is Level.ERROR


def test_a_cause_explains_its_own_node_and_no_foreign_rule() -> None:
    elsewhere = missing("default/db", "n1")
    dropped = missing("default/db", code="SVN205")
    found = group(STOPPED, elsewhere, dropped, missing("default/web"))
    assert [(one.code, one.node) for one in found] == [
        ("SVN301", "n7"),
        ("SVN202", "n1"),
        ("SVN205", "n7"),
    ]


def test_one_statement_about_many_nodes_is_one() -> None:
    found = group(*[missing("default/db", f"n{n}") for n in range(5)])
    (one,) = found
    assert (one.service, one.node, one.message) == ("default/db", "", "default/db lacks one")
    assert [each.node for each in one.objects] == ["n0", "n1", "n2", "n3", "n4"]
    assert one.evidence == ("5 of 8 nodes differ so",)


def test_an_outlier_says_so() -> None:
    (one,) = group(missing("default/db"), nodes=120)
    assert one.evidence == ("1 of 120 nodes differs so",)
    assert one.objects == ()


def test_many_services_that_fare_alike_on_a_node_are_one() -> None:
    (one,) = group(*[missing(f"default/s{n}") for n in range(FEW + 1)])
    assert (one.service, one.node) == ("", "n7")
    assert one.message == "endpoint missing: 4 Services (first: default/s0)"
    assert len(one.objects) == FEW + 1


def test_few_services_stand_alone() -> None:
    assert len(group(*[missing(f"default/s{n}") for n in range(FEW)])) == FEW


def test_many_services_on_many_nodes_are_one() -> None:
    (one,) = group(*[missing(f"default/s{s}", f"n{n}") for s in range(9) for n in range(3)])
    assert one.message == "endpoint missing: 9 Services (first: default/s0)"
    assert (one.service, one.node, len(one.objects)) == ("", "", 27)


def test_what_differs_in_level_or_nodes_stays_apart() -> None:
    settled = [missing(f"default/s{n}") for n in range(FEW)]
    moving = [replace(one, level=Level.INFO) for one in settled]
    assert len(group(*settled, *moving)) == 2 * FEW
    spread = [missing(f"default/s{n}", f"n{n % 2}") for n in range(2 * FEW)]
    assert len(group(*spread)) == 2 * FEW


def test_nodes_that_are_alike_are_one_too() -> None:
    old = [finding("SVN310", "runs in ipvs mode", node=f"n{n}") for n in range(3)]
    (one,) = group(*old)
    assert one.evidence == ()
    assert len(one.objects) == 3


def test_errors_come_first_and_causes_before_symptoms() -> None:
    found = group(
        finding("SVN106", "nearly full"),
        finding("SVN104", "overlap"),
        finding("SVN305", "modes"),
        missing("default/db", "n1"),
        STOPPED,
    )
    assert [one.code for one in found] == ["SVN301", "SVN202", "SVN104", "SVN106", "SVN305"]


def test_nothing_is_dropped() -> None:
    findings = [
        STOPPED,
        *(missing(f"default/s{n}", f"n{m}") for n in range(6) for m in (1, 2, 7)),
        missing("default/s1", "n1", code="SVN205"),
        finding("SVN104", "overlap"),
    ]
    assert leaves(group(*findings)) == sorted((f.code, f.node, f.service) for f in findings)


OFF = finding("SVN511", "net.ipv4.ip_forward is 0, so nothing is sent on to pods", node="n7")


def blocked(service: str, by: str, node: str = "n7") -> Finding:
    return replace(missing(service, node, code="SVN205"), evidence=(by,))


def test_a_node_that_forwards_nothing_explains_what_it_drops_by_that() -> None:
    dropped = [blocked(f"default/s{n}", "net.ipv4.ip_forward is 0") for n in range(5)]
    by_rule = blocked("default/db", "filter/FORWARD:1  -A FORWARD -j DROP")
    elsewhere = blocked("default/web", "net.ipv4.ip_forward is 0", "n1")
    found = group(OFF, *dropped, by_rule, elsewhere)
    assert [(one.code, one.node, len(one.objects)) for one in found] == [
        ("SVN205", "n1", 0),
        ("SVN205", "n7", 0),
        ("SVN511", "n7", 5),
    ]
    assert found[2].message.endswith("to pods; 5 Services differ (first: default/s0)")
    assert found[2].objects == tuple(dropped)


def test_each_family_explains_its_own() -> None:
    six = finding("SVN511", "net.ipv6.conf.all.forwarding is 0, so nothing", node="n7")
    found = group(OFF, six, blocked("default/db", "net.ipv6.conf.all.forwarding is 0"))
    assert [(one.message[:8], len(one.objects)) for one in found] == [
        ("net.ipv6", 1),
        ("net.ipv4", 0),
    ]
