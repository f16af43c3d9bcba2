"""The recorded lab without the jump to node ports on n1: a fault, unless it is configured so."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kubectl_svcnet.model.capture import ApiRequest, Capture, Reason
from kubectl_svcnet.model.commands import Command
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import NodeTrace, TraceReport, Verdict
from kubectl_svcnet.model.service import FrontendKind
from kubectl_svcnet.pipeline import proxy
from kubectl_svcnet.pipeline.trace import trace
from tests.saved import PROXY, Saved, of_node, of_resource, recorded

NODE_PORT = Options(services=("web-nodeport",), namespace="default")
NOWHERE = "nodePortAddresses: [192.0.2.0/24]"
BEFORE = "2026-11-24T23:35:51Z"  # kube-proxy started after it
CONFIG = "kube-proxy"


def unserved() -> Saved:
    return Saved(recorded(PROXY)).without_rule("n1", "-j KUBE-NODEPORTS")


def configured(line: str, time: str = BEFORE) -> Callable[[Any], Any]:
    def edit(item: Any) -> Any:
        item["data"]["config.conf"] += f"\n{line}\n"
        item["metadata"]["managedFields"] = [{"time": time}]
        return item

    return edit


def places(report: TraceReport) -> dict[str, NodeTrace]:
    [service] = report.services
    found = [f for f in service.frontends if f.frontend.kind is FrontendKind.NODE_PORT]
    return {place.node: place for place in found[0].nodes}


def test_it_is_a_fault() -> None:
    report = trace(unserved().source(), NODE_PORT)
    assert places(report)["n1"].verdict is Verdict.ABSENT
    assert {finding.code for finding in report.findings} == {"SVN201"}


def test_it_is_configured_so() -> None:
    report = trace(unserved().objects(CONFIG, configured(NOWHERE)).source(), NODE_PORT)
    place = places(report)["n1"]
    assert (place.verdict, place.excused) == (Verdict.UNREAD, True)
    assert places(report)["n2"].verdict is Verdict.OK
    assert report.findings == ()
    [gap] = report.gaps
    assert (gap.node, gap.blocking) == ("n1", False)
    assert gap.why == (
        "kube-proxy serves node ports at 192.0.2.0/24 only (nodePortAddresses), and the node has "
        "no such address"
    )


@pytest.mark.parametrize(
    ("line", "time"),
    [
        ("nodePortAddresses: [172.18.0.0/16]", BEFORE),  # the node's own
        ("nodePortAddresses: [192.0.2.0/24, 10.244.1.0/24]", BEFORE),  # … of its bridge
        ("nodePortAddresses: ['2001:db8::/32']", BEFORE),  # of the other family alone
        ("nodePortAddresses: [primary]", BEFORE),
        ("nodePortAddresses: []", BEFORE),
        (NOWHERE, "2026-11-25T00:00:00Z"),  # since kube-proxy started
    ],
)
def test_it_is_not(line: str, time: str) -> None:
    report = trace(unserved().objects(CONFIG, configured(line, time)).source(), NODE_PORT)
    assert places(report)["n1"].verdict is Verdict.ABSENT


def test_what_is_configured_may_not_be_read() -> None:
    source = unserved().refuse(
        lambda c: of_resource(c.request, CONFIG), Reason.FORBIDDEN, "configmaps is forbidden"
    )
    report = trace(source.source(), NODE_PORT)
    assert places(report)["n1"].verdict is Verdict.ABSENT
    assert [(gap.what, gap.blocking) for gap in report.gaps] == [
        ("kube-proxy's configuration", False)
    ]


def elsewhere() -> Saved:
    """n3, in nftables mode, serves node ports at an address that nobody asks for."""

    def edit(capture: Capture) -> Capture:
        text = re.sub(
            r"(set nodeport-ips \{[^}]*elements = \{) [^}]*\}", r"\1 192.0.2.7 }", capture.text()
        )
        return replace(capture, data=text.encode())

    found = Saved(recorded(PROXY))
    return found.change(lambda c: of_node(c, "n3") and c.command == N3, edit)


N3 = Command("nft-table", ("ip", "kube-proxy"))


def test_an_address_that_is_not_configured_is_a_fault() -> None:
    report = trace(elsewhere().source(), NODE_PORT)
    assert places(report)["n3"].verdict in (Verdict.ABSENT, Verdict.BLOCKED)
    assert {finding.node for finding in report.findings} == {"n3"}


def test_an_address_that_may_be_configured_is_none() -> None:
    source = elsewhere().refuse(
        lambda c: isinstance(c.request, ApiRequest) and "/configmaps/" in c.request.path,
        Reason.FORBIDDEN,
        "configmaps is forbidden",
    )
    report = trace(source.source(), NODE_PORT)
    assert (places(report)["n3"].verdict, places(report)["n3"].excused) == (Verdict.UNREAD, True)
    assert report.findings == ()


def changed_long_ago(item: Any) -> Any:
    if item["metadata"]["name"] == "web-nodeport":
        item["metadata"]["managedFields"] = [{"time": "2026-11-25T00:00:30Z"}]
    return item


@pytest.mark.parametrize(("line", "late"), [("", {"SVN307"}), (NOWHERE, set())])
def test_no_sync_is_late_for_it(line: str, late: set[str]) -> None:
    source = unserved().objects("services", changed_long_ago).objects(CONFIG, configured(line))
    report = proxy.run(source.source(), Options())
    codes = {finding.code for finding in report.findings if finding.node == "n1"}
    assert codes & {"SVN307"} == late
