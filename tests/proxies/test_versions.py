"""Real kube-proxies, old and new: nothing to say of a healthy one, every fault found.

No pod runs and no packet is sent: what the rules would do is compared with what the API says, for
Services of every kind.
"""

from __future__ import annotations

import pytest

from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.report import TraceReport
from tests.proxies.faults import FAULTS, SERVICE
from tests.proxies.node import ProxyNode
from tests.proxies.reading import look, places, told
from tests.proxies.topology import HERE
from tests.proxies.versions import unlike

pytestmark = [pytest.mark.e2e, pytest.mark.full]


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
