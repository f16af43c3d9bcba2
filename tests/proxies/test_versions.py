"""Real kube-proxies, old and new: nothing to say of a healthy one, every fault found.

No pod runs and no packet is sent: what the rules would do is compared with what the API says, for
Services of every kind.
"""

from __future__ import annotations

import re
import signal

import pytest

from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.packet import Client
from kubectl_svcnet.model.report import TraceReport
from tests.lab import fabric, processes
from tests.proxies.faults import DB, FAULTS, NO_MASQUERADE, asleep
from tests.proxies.node import ProxyNode
from tests.proxies.objects import every_kind, here, port, service, there, with_endpoints
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
    assert families.count(Family.IPV6) > 20
    assert families.count(Family.IPV4) > 70


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(node: ProxyNode, name: str) -> None:
    fault = FAULTS[name]
    service = fault.target.service
    with fault.seeded(node):
        report = look(node, service)
    [(_, place)] = places(report)
    assert place.verdict.value == fault.verdict, told(report)
    [found] = [finding for finding in report.findings if finding.code == fault.code]
    assert re.search(fault.evidence, " ".join(found.evidence)), told(report)
    assert {finding.node for finding in report.findings} == {HERE}
    again = look(node, service)
    assert not again.findings, told(again)


def masquerades(node: ProxyNode) -> set[bool | None]:
    """Of packets of the node itself: does their source change? To an endpoint on the node it must
    become the bridge's, elsewhere it is right already."""
    [(_, place)] = places(look(node, DB.service))
    walks = [walk for walk in place.walks if walk.asked.client is Client.NODE]
    return {fate.masquerade for walk in walks for fate in walk.fates}


def test_a_missing_masquerade_is_shown(node: ProxyNode) -> None:
    assert masquerades(node) == {True, False}
    with NO_MASQUERADE.seeded(node):
        assert masquerades(node) == {False}
        report = look(node, DB.service)
    [found] = report.findings
    assert found.code == NO_MASQUERADE.code, told(report)
    assert re.search(NO_MASQUERADE.evidence, " ".join(found.evidence)), told(report)


def test_a_table_that_sleeps(node: ProxyNode) -> None:
    if node.mode != "nftables":
        return
    with asleep(node, DB):
        report = look(node, DB.service)
    [(_, place)] = places(report)
    assert place.verdict.value == "absent", told(report)
    assert not look(node, DB.service).findings


def test_a_stopped_proxy(node: ProxyNode) -> None:
    """It follows no longer: an endpoint moves, and the node's rules stay."""
    [process] = processes.in_network_namespace(fabric.NETNS_FOLDER / node.namespace, "kube-proxy")
    process.signal(signal.SIGSTOP)
    try:
        of = service(DB.service, port(f"mysql:{DB.port}", DB.endpoint_port))
        node.plane.apply(with_endpoints(of, (here(2), there(99))))
        report = look(node, DB.service)
    finally:
        process.signal(signal.SIGCONT)
        node.plane.replace(every_kind())
        node.catch_up()
    assert {finding.code for finding in report.findings} == {"SVN202", "SVN203", "SVN301"}
    assert not look(node, DB.service).findings
