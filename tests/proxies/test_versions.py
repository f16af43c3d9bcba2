"""Real kube-proxies, old and new: nothing to say of a healthy one, every fault found.

No pod runs and no packet is sent: what the rules would do is compared with what the API says, for
Services of every kind.
"""

from __future__ import annotations

import pytest

from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import FrontendTrace, NodeTrace, TraceReport
from kubectl_svcnet.pipeline.trace import trace
from tests.proxies.faults import FAULTS, SERVICE
from tests.proxies.node import ProxyNode
from tests.proxies.topology import HERE
from tests.proxies.versions import unlike

pytestmark = [pytest.mark.e2e, pytest.mark.full]


def look(node: ProxyNode, *services: str) -> TraceReport:
    options = Options(services=services, all_namespaces=not services, nodes=(HERE,), settle=0.1)
    return trace(node.source(), options)


def places(report: TraceReport) -> list[tuple[FrontendTrace, NodeTrace]]:
    found = [
        (frontend, node)
        for service in report.services
        for frontend in service.frontends
        for node in frontend.nodes
    ]
    assert {node.node for _, node in found} == {HERE}
    return found


def told(report: TraceReport) -> str:
    lines = [f"{f.code} {f.service} {f.message} {f.evidence}" for f in report.findings]
    return "\n".join([*lines, *(f"gap {g.what}: {g.why}" for g in report.gaps)])


@pytest.fixture(scope="module")
def healthy(node: ProxyNode) -> TraceReport:
    return look(node)


def test_every_service_is_in_order(node: ProxyNode, healthy: TraceReport) -> None:
    bad = {
        (frontend.frontend.service.name, place.verdict.value)
        for frontend, place in places(healthy)
        if place.verdict.value != "ok"
    }
    expected = unlike(node.version, node.mode)
    assert bad == set(expected.items()), told(healthy)
    named = {finding.service.partition("/")[2] for finding in healthy.findings}
    assert named == set(expected), told(healthy)
    assert not [gap for gap in healthy.gaps if gap.blocking], told(healthy)


def test_the_mode_is_known(node: ProxyNode, healthy: TraceReport) -> None:
    assert {place.dataplane for _, place in places(healthy)} == {f"kube-proxy/{node.mode}"}


def test_both_families_are_judged(healthy: TraceReport) -> None:
    families = [frontend.frontend.family for frontend, _ in places(healthy)]
    assert families.count(Family.IPV6) >= 4
    assert families.count(Family.IPV4) > 70


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(node: ProxyNode, name: str) -> None:
    fault = FAULTS[name]
    with fault.seeded(node):
        report = look(node, SERVICE)
    [(_, place)] = places(report)
    assert place.verdict.value == fault.verdict, told(report)
    assert fault.code in {finding.code for finding in report.findings}, told(report)
    assert {finding.node for finding in report.findings} == {HERE}
    again = look(node, SERVICE)
    assert not again.findings, told(again)
