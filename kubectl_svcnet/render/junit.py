"""A check as JUnit XML, which most pipelines show: a test case for each finding, each gap that
blocks, and each Service that nothing was found of.

What would fail the run is a failure, other findings are passed with their words as output; a gap
that blocks is an error, and one that does not stands in the suite's output.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from ..model.finding import Finding, Gap, Level
from ..model.report import CheckReport, ServiceTrace, Verdict
from .escape import escape
from .times import time_text

_SUITE = "kubectl svcnet check"
_LEVELS = (Level.ERROR, Level.WARNING, Level.INFO)

#: What XML 1.0 cannot hold and `escape` lets through.
_NO_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")


def render(report: CheckReport) -> str:
    fails = _LEVELS[: _LEVELS.index(report.fails) + 1] if report.fails else ()
    cases = [_finding(one, failing=one.level in fails) for one in report.findings]
    cases += [_gap(gap) for gap in report.gaps if gap.unanswered]
    cases += [_service(service) for service in _clean(report)]
    seconds = f"{report.collected.seconds:.3f}"
    suite = ET.Element("testsuite", name=_SUITE, tests=str(len(cases)), time=seconds)
    for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(kind) is not None for case in cases)))
    started = time_text(report.collected.started_at)
    if started:
        suite.set("timestamp", started.removesuffix("Z"))
    suite.extend(cases)
    notes = [f"{gap.node} {gap.what}: {gap.why}".strip() for gap in report.gaps if not gap.blocking]
    if notes:
        ET.SubElement(suite, "system-out").text = "\n".join(map(_text, notes))
    suites = ET.Element("testsuites", name=_SUITE)
    suites.append(suite)
    ET.indent(suites)
    body = ET.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _text(text: str) -> str:
    return _NO_XML.sub("\ufffd", escape(text))


def _case(kind: str, name: str) -> ET.Element:
    return ET.Element("testcase", classname=_text(f"svcnet.{kind}"), name=_text(name))


def _finding(one: Finding, *, failing: bool) -> ET.Element:
    where = " on ".join(filter(None, (one.service, one.node)))
    case = _case(one.code, f"{where}: {one.title}" if where else one.title)
    said = [one.message, *one.evidence, *(_object(each) for each in one.objects)]
    said += [f"next: {one.next}"] if one.next else []
    inside = ET.SubElement(case, "failure" if failing else "system-out")
    if failing:
        inside.set("type", one.level.value)
        inside.set("message", _text(one.message))
    inside.text = "\n".join(map(_text, said))
    return case


def _object(one: Finding) -> str:
    return " ".join(filter(None, (one.code, one.service, one.node, one.message)))


def _gap(gap: Gap) -> ET.Element:
    case = _case("gap", " ".join(filter(None, (gap.node, gap.what))))
    error = ET.SubElement(case, "error", type="gap", message=_text(gap.why))
    error.text = _text(f"next: {gap.next}" if gap.next else gap.why)
    return case


def _clean(report: CheckReport) -> Iterable[ServiceTrace]:
    bad = {each.service for one in report.findings for each in (one, *one.objects)}
    return (service for service in report.services if str(service.service.name) not in bad)


def _service(trace: ServiceTrace) -> ET.Element:
    """Unknown is never passed."""
    case = _case("service", str(trace.service.name))
    open_ = {
        node.node: None
        for frontend in trace.frontends
        for node in frontend.nodes
        if node.verdict in (Verdict.UNREAD, Verdict.UNKNOWN) and not node.excused
    }
    if open_:
        ET.SubElement(case, "skipped", message=_text(f"not known on {', '.join(open_)}"))
    return case
