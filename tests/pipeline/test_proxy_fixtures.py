"""kube-proxies of many versions, as recorded: one folder under fixtures/kube-proxy per
VERSION--MODE. Each is healthy, and is altered here as its rules have it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from kubectl_svcnet.cluster.bundle import read_bundle
from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.capture import Capture
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import TraceReport
from kubectl_svcnet.pipeline.check import check
from kubectl_svcnet.pipeline.trace import trace
from tests.proxies.topology import HERE
from tests.proxies.versions import MATRIX, unlike

FIXTURES = Path(__file__).parents[1] / "fixtures" / "kube-proxy"
CASES = sorted(path.parent.name for path in FIXTURES.glob("*/bundle.tar.gz"))
RULES = re.compile(r"ip6?tables-nft-save-all|nft-table")

pytestmark = pytest.mark.parametrize("case", CASES)


@cache
def captures(case: str) -> tuple[Capture, ...]:
    stored = read_bundle(FIXTURES / case / "bundle.tar.gz")[1]
    return tuple(one.capture() for one in stored)


def is_rules(capture: Capture) -> bool:
    return bool(capture.command and RULES.fullmatch(capture.command.name))


def edited(case: str, how: Callable[[str], str]) -> ReplaySource:
    """With other rules, which must differ."""
    after = [
        replace(one, data=how(one.text()).encode()) if is_rules(one) else one
        for one in captures(case)
    ]
    changed = [a for a, b in zip(after, captures(case), strict=True) if a.data != b.data]
    assert changed
    return ReplaySource.of(after)


def look(source: ReplaySource, *services: str) -> TraceReport:
    options = Options(services=services, all_namespaces=not services, nodes=(HERE,))
    return trace(source, options)


def verdicts(report: TraceReport) -> dict[str, set[str]]:
    return {
        service.service.name.name: {n.verdict.value for f in service.frontends for n in f.nodes}
        for service in report.services
    }


def test_every_service_is_in_order(case: str) -> None:
    report = look(ReplaySource.of(captures(case)))
    version, _, mode = case.partition("--")
    odd = {name: found - {"ok"} for name, found in verdicts(report).items() if found - {"ok"}}
    assert odd == {name: {verdict} for name, verdict in unlike(f"v{version}", mode).items()}
    places = [n for s in report.services for f in s.frontends for n in f.nodes]
    assert {place.dataplane for place in places} == {f"kube-proxy/{mode}"}
    assert len(places) > 110
    assert not [gap for gap in report.gaps if gap.blocking]


def test_nothing_is_strange(case: str) -> None:
    """Nor are addresses that an old kube-proxy serves although their ipMode is Proxy."""
    options = Options(all_namespaces=True, nodes=(HERE,))
    report = check(ReplaySource.of(captures(case)), options)
    assert "SVN223" not in {one.code for head in report.findings for one in (head, *head.objects)}


@pytest.mark.parametrize(
    ("service", "right", "wrong"),
    [
        ("db-service", r"(10\.244\.2\.2)(:| \. )3306\b", r"\g<1>\g<2>3307"),
        ("single", r"(10\.244\.2\.7)(:| \. )8080\b", r"\g<1>\g<2>8081"),
        ("six", r"(fd00:10:244:2::2)(\]:| \. )8080\b", r"\g<1>\g<2>8081"),
    ],
)
def test_a_wrong_port(case: str, service: str, right: str, wrong: str) -> None:
    report = look(edited(case, lambda text: re.sub(right, wrong, text)), service)
    assert verdicts(report) == {service: {"stale"}}
    stale = [finding for finding in report.findings if finding.code == "SVN203"]
    assert [" leads to " in line for finding in stale for line in finding.evidence] == [True]


def test_a_service_without_dispatch(case: str) -> None:
    """Its line in KUBE-SERVICES or its element of service-ips is gone, of the other family's
    Service of the same port it is not."""
    address = next(
        str(service.service.cluster_ips[0])
        for service in look(ReplaySource.of(captures(case)), "single").services
    )
    here = re.escape(address)
    lines = rf"^-A KUBE-SERVICES .*-d {here}/32 .*\n|(?<=\s){here} \. tcp \. 80 : goto [^,}}]*,?"
    report = look(edited(case, lambda text: re.sub(lines, "", text, flags=re.M)), "single")
    assert verdicts(report) == {"single": {"absent"}}
    assert {finding.code for finding in report.findings} == {"SVN201"}


def test_both_families(case: str) -> None:
    report = look(ReplaySource.of(captures(case)), "dual")
    families = [f.frontend.family for s in report.services for f in s.frontends]
    assert families.count(Family.IPV4) == families.count(Family.IPV6) == 2


def test_cases_are_whole(case: str) -> None:
    version, _, mode = case.partition("--")
    assert (f"v{version}", mode) in MATRIX
    about = (FIXTURES / case / "case.toml").read_text(encoding="utf-8")
    assert f"kube-proxy {version} in {mode} mode" in about
    assert {path.name for path in (FIXTURES / case).iterdir()} == {"bundle.tar.gz", "case.toml"}
