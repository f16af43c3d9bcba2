"""The lab's node in ipvs mode, as recorded: healthy, and altered line by line as somebody could
have with ipvsadm, ipset, ip or iptables.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from kubectl_svcnet.cluster.bundle import read_bundle
from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.model.capture import Capture
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import TraceReport
from kubectl_svcnet.pipeline.trace import trace

BUNDLE = Path(__file__).parents[1] / "fixtures" / "ipvs" / "kube-proxy-1.36--lab" / "bundle.tar.gz"
NODE = "n4"
DB = "TCP  0A6065B9:0CEA rr  \n"  # 10.96.101.185:3306
REAL = "  -> 0AF40302:0CEA      Masq    1 .*\n"  # 10.244.3.2:3306


@cache
def captures() -> tuple[Capture, ...]:
    return tuple(one.capture() for one in read_bundle(BUNDLE)[1])


def look(source: ReplaySource, *services: str) -> TraceReport:
    options = Options(services=services, all_namespaces=not services, nodes=(NODE,))
    return trace(source, options)


def edited(old: str, new: str) -> ReplaySource:
    """With this text replaced wherever a capture has it, and some must."""
    after = [
        replace(one, data=re.sub(old, new, one.text()).encode()) if one.command else one
        for one in captures()
    ]
    assert after != list(captures())
    return ReplaySource.of(after)


def verdicts(report: TraceReport) -> dict[str, set[str]]:
    return {
        service.service.name.name: {n.verdict.value for f in service.frontends for n in f.nodes}
        for service in report.services
    }


def test_every_service_is_in_order() -> None:
    report = look(ReplaySource.of(captures()))
    assert {name: found for name, found in verdicts(report).items() if found - {"ok"}} == {}
    assert report.findings == ()
    places = [n for s in report.services for f in s.frontends for n in f.nodes]
    assert {place.dataplane for place in places} == {"kube-proxy/ipvs"}
    assert len(places) > 50
    assert not [gap for gap in report.gaps if gap.blocking]


FAULTS = {
    "a real server deleted": (f"({DB}(?:  ->.*\n)*?){REAL}", r"\1", "missing", {"SVN202"}),
    "one of a wrong port": (
        f"({DB}(?:  ->.*\n)*?)  -> 0AF40302:0CEA",
        r"\1  -> 0AF40302:0CEB",
        "stale",
        {"SVN202", "SVN203"},
    ),
    "one that only drains": (
        f"({DB}(?:  ->.*\n)*?  -> 0AF40302:0CEA      Masq  )  1 ",
        r"\1  0 ",
        "missing",
        {"SVN202"},
    ),
    "the virtual server deleted": (f"{DB}(?:  ->.*\n)*", "", "absent", {"SVN201"}),
}


@pytest.mark.parametrize(("old", "new", "verdict", "codes"), FAULTS.values(), ids=FAULTS)
def test_faults(old: str, new: str, verdict: str, codes: set[str]) -> None:
    report = look(edited(old, new), "db-service")
    assert verdicts(report) == {"db-service": {verdict}}
    assert {finding.code for finding in report.findings} == codes
