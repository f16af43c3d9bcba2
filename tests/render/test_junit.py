from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from kubectl_svcnet.engine.codes import finding
from kubectl_svcnet.model.finding import Gap, Level
from kubectl_svcnet.model.report import (
    CheckReport,
    Collected,
    FrontendTrace,
    NodeTrace,
    ServiceTrace,
    Verdict,
)
from kubectl_svcnet.model.service import ServiceName
from kubectl_svcnet.render.junit import render
from tests.samples import frontend, service

ERROR = finding("SVN202", "x is gone", service="default/db", node="n3", next="kubectl delete")
INFO = finding("SVN314", "leftovers", node="n1")
BLIND = Gap(what="rules", why="no route", node="n2", blocking=True)


def of(name: str, verdict: Verdict = Verdict.OK) -> ServiceTrace:
    node = NodeTrace(node="n2", dataplane="d", verdict=verdict)
    found = FrontendTrace(frontend=frontend(), endpoints=(), nodes=(node,))
    return ServiceTrace(service=service(name=ServiceName("default", name)), frontends=(found,))


REPORT = CheckReport(
    collected=Collected(started_at=1795554287.25, seconds=1.5),
    services=(of("db"), of("web"), of("old", Verdict.UNREAD)),
    findings=(ERROR, INFO),
    gaps=(BLIND, replace(BLIND, blocking=False, what="log")),
)


def suite(report: CheckReport) -> ET.Element:
    found = ET.fromstring(render(report)).find("testsuite")
    assert found is not None
    return found


def test_a_case_for_each_finding_gap_and_service() -> None:
    found = suite(REPORT)
    assert {k: found.get(k) for k in ("tests", "failures", "errors", "skipped", "time")} == {
        "tests": "5",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
        "time": "1.500",
    }
    assert [(case.get("classname"), case.get("name")) for case in found.iter("testcase")] == [
        ("svcnet.SVN202", "default/db on n3: Endpoint missing"),
        ("svcnet.SVN314", "n1: Leftovers, harmless"),
        ("svcnet.gap", "n2 rules"),
        ("svcnet.service", "default/web"),
        ("svcnet.service", "default/old"),
    ]
    assert found.findtext("system-out") == "n2 log: no route"


@pytest.mark.parametrize(
    ("fails", "failures"), [(None, 0), (Level.ERROR, 1), (Level.WARNING, 1), (Level.INFO, 2)]
)
def test_what_fails_the_run_is_a_failure(fails: Level | None, failures: int) -> None:
    assert suite(replace(REPORT, fails=fails)).get("failures") == str(failures)


def test_unknown_is_never_passed() -> None:
    (skipped,) = suite(REPORT).iter("skipped")
    assert skipped.get("message") == "not known on n2"


def test_accepted_gaps_are_no_errors() -> None:
    accepted = replace(BLIND, accepted=True)
    assert suite(replace(REPORT, gaps=(accepted,))).get("errors") == "0"


def test_every_object_is_named() -> None:
    cause = finding("SVN301", "it is stopped", node="n3")
    (case,) = suite(replace(REPORT, findings=(replace(cause, objects=(ERROR,)),))).iter("failure")
    assert "SVN202 default/db n3 x is gone" in (case.text or "")


def test_foreign_text_makes_no_markup() -> None:
    hostile = "<b>\x00\x1b]]>&\ud800\uffff\n" + "\u202e"
    found = suite(replace(REPORT, findings=(replace(ERROR, message=hostile, evidence=(hostile,)),)))
    (failure,) = found.iter("failure")
    assert failure.get("message") == "<b>\\x00\\x1b]]>&\\ud800\ufffd\\n\\u202e"


#: Of each element, its attributes (those that must be there first) and what it may hold: the
#: schema that Jenkins reads by (xunit-plugin, junit-10.xsd), which is stricter than others.
JENKINS: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"skipped", "time", "timestamp"},
        {"testcase", "system-out"},
    ),
    "testcase": (
        {"name"},
        {"classname", "time"},
        {"skipped", "error", "failure", "system-out"},
    ),
    "failure": (set(), {"type", "message"}, set()),
    "error": (set(), {"type", "message"}, set()),
    "skipped": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}


def test_it_keeps_to_the_schema_of_jenkins() -> None:
    root = ET.fromstring(render(REPORT))
    assert root.tag == "testsuites"
    assert {element.tag for element in root.iter()} == JENKINS.keys()
    for element in root.iter():
        required, optional, inside = JENKINS[element.tag]
        assert required <= element.attrib.keys() <= required | optional, element.tag
        assert {child.tag for child in element} <= inside, element.tag
