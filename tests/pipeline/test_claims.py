"""Two Services of the recorded lab claim one address, and one of them is asked about."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.capture import ApiRequest, Capture, Failure, Reason, Request
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import CheckReport
from kubectl_svcnet.pipeline.check import check
from tests.saved import Saved

ADDRESS = "192.0.2.200"  # web-extip's; nodes serve it
EDGE = Options(services=("edge-lb",))


def contested() -> Saved:
    def edit(item: Any) -> Any:
        if item["metadata"]["name"] == "edge-lb":
            item["spec"]["externalIPs"] = [ADDRESS]
        return item

    return Saved().objects("services", edit)


def errors(report: CheckReport) -> set[str]:
    return {one.code for one in report.findings if one.level.value != "info"}


@pytest.mark.parametrize(
    "options",
    [EDGE, Options(selector="app=edge", all_namespaces=True), Options(all_namespaces=True)],
    ids=["by name", "by label", "all"],
)
def test_the_contest_is_told_and_not_what_follows_from_it(options: Options) -> None:
    saved = contested()
    if options.selector:
        saved.objects("services", labelled)
    report = check(saved.source(), options)
    (found,) = [one for one in report.findings if one.code == "SVN413"]
    assert {"default/edge-lb", "default/web-extip"} <= set(found.message.split())
    assert "default/web-extip is served on n1, n2, n3" in found.evidence
    assert {one.code for one in found.objects} >= {"SVN203"}
    assert errors(report) <= {"SVN413", "SVN401", "SVN412"}
    if options is EDGE:
        assert [str(service.service.name) for service in report.services] == ["default/edge-lb"]


def test_a_node_port_at_fault_may_be_an_external_ip_of_another() -> None:
    def edit(item: Any) -> Any:
        spec = item["spec"]
        if item["metadata"]["name"] == "web-nodeport":
            spec["ports"][0]["nodePort"] = 31999
        if item["metadata"]["name"] == "web-extip":
            spec["externalIPs"], spec["ports"][0]["port"] = ["172.18.0.2"], 31999
        return item

    report = check(Saved().objects("services", edit).source(), Options(services=("web-nodeport",)))
    (found,) = [one for one in report.findings if one.code == "SVN413"]
    assert found.message.startswith("172.18.0.2:31999/TCP is claimed by ")
    assert "default/web-extip" in found.message


def labelled(item: Any) -> Any:
    if item["metadata"]["name"] == "edge-lb":
        item["metadata"].setdefault("labels", {})["app"] = "edge"
    return item


class Narrowed:
    """Who may not list the Services of all namespaces."""

    def __init__(self, saved: Saved) -> None:
        self.inner = saved.source()
        self.context, self.now, self.wait = self.inner.context, self.inner.now, self.inner.wait
        self.apart, self.readings = self.inner.apart, self.inner.readings

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        if isinstance(request, ApiRequest) and request.path == "/api/v1/services":
            failure = Failure(reason=Reason.FORBIDDEN, message="services is forbidden")
            return (Capture(request=request, failure=failure),)
        return self.inner.fetch(request)


def test_where_nothing_differs_nobody_else_is_asked_for() -> None:
    report = check(Narrowed(Saved()), Options(services=("web-extip",)))
    assert not [gap for gap in report.gaps if "claims" in gap.what]


def test_without_the_right_it_is_a_gap() -> None:
    report = check(Narrowed(contested()), EDGE)
    (gap,) = [gap for gap in report.gaps if gap.what == "who else claims the address"]
    assert gap.blocking is False
    assert "SVN203" in errors(report)
