"""What is wrong with API objects, over the recorded lab with one object altered at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubectl_svcnet.engine.codes import finding
from kubectl_svcnet.model.capture import ApiRequest, Capture, Reason, Request
from kubectl_svcnet.model.finding import Level
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.pipeline.check import check
from kubectl_svcnet.pipeline.objects import FEW, unsettled
from tests.saved import Saved, of_resource

ALL = Options(all_namespaces=True)
CHANGING = frozenset(("default/db",))
IN_ONE = Options(all_namespaces=True, selector="app!=no")
DB = Options(services=("db-service",))


def told(saved: Saved, options: Options = ALL) -> dict[str, str]:
    """By code, of db-service."""
    found = [f for f in check(saved.source(), options).findings if f.code.startswith("SVN4")]
    return {f.code: f.message for f in found if f.service == "default/db-service"}


def service(**spec: Any) -> Saved:
    def edit(item: Any) -> Any:
        if item["metadata"]["name"] == "db-service":
            item["spec"].update(spec)
        return item

    return Saved().objects("services", edit)


def without_ready(saved: Saved) -> Saved:
    def edit(item: Any) -> Any:
        if item["metadata"]["name"].startswith("db-service"):
            for one in item["endpoints"]:
                one["conditions"] = {"ready": False, "serving": False}
        return item

    return saved.objects("endpointslices", edit)


def test_nothing_is_wrong_with_it() -> None:
    assert told(Saved()) == told(Saved(), DB) == {}


def test_a_selector_that_matches_nothing() -> None:
    saved = without_ready(service(selector={"app": "bd"}))
    for options in (ALL, DB):
        assert told(saved, options)["SVN401"] == "no pod has app=bd"
    found = next(f for f in check(saved.source(), DB).findings if f.code == "SVN401")
    assert found.evidence[0].startswith("nearest: app=db of pods db-")


def test_pods_that_are_not_ready() -> None:
    def edit(item: Any) -> Any:
        if item["metadata"]["name"].startswith("db-"):
            state = {"waiting": {"reason": "CrashLoopBackOff"}}
            item["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
            item["status"]["containerStatuses"] = [
                {"name": item["spec"]["containers"][0]["name"], "state": state}
            ]
        return item

    saved = without_ready(Saved()).objects("pods", edit)
    assert told(saved)["SVN402"] == "none of 3 pods with app=db is ready"


def test_a_port_that_no_pod_has() -> None:
    ports = [{"name": "mysql", "port": 3306, "protocol": "TCP", "targetPort": "sql"}]
    assert "leads to sql/TCP" in told(without_ready(service(ports=ports)))["SVN403"]


def test_a_number_that_no_pod_declares() -> None:
    ports = [{"name": "mysql", "port": 3306, "protocol": "TCP", "targetPort": 3307}]
    saved = service(ports=ports)
    for options in (ALL, DB, IN_ONE):
        assert "SVN404" in told(saved, options)


def lists_of_pods(saved: Saved, options: Options) -> list[str]:
    """Whose pods are asked for, beside those of nodes and agents."""
    source = saved.source()
    asked: list[str] = []
    fetch = source.fetch

    def noted(request: Request) -> tuple[Capture, ...]:
        if isinstance(request, ApiRequest) and request.path.endswith("default/pods"):
            asked.append(dict(request.query).get("labelSelector", "all"))
        return fetch(request)

    source.fetch = noted  # type: ignore[method-assign]
    check(source, options)
    return asked


def many() -> Saved:
    saved = Saved()
    for number in range(FEW):
        meta = {"namespace": "default", "name": f"more-{number}", "labels": {"app": "db"}}
        saved.add("services", {"metadata": meta, "spec": {"selector": {"app": "db"}, "ports": []}})
    return saved


def test_how_often_pods_are_listed() -> None:
    """Not at all where `ranges` lists them all; else once for many Services, also where policies
    isolate pods."""
    deny = {"metadata": {"namespace": "default", "name": "deny"}, "spec": {"podSelector": {}}}
    assert lists_of_pods(many().add("networkpolicies", deny), ALL) == ["all"]  # SVN401's
    assert lists_of_pods(many().add("networkpolicies", deny), IN_ONE) == ["all", "all"]
    assert lists_of_pods(Saved(), DB) == ["app=db"]


def test_of_too_many_pods_only_those_of_services_without_endpoints() -> None:
    report = check(many().source(), replace(IN_ONE, max_pods=2))
    (gap,) = [one for one in report.gaps if one.what == "pods of Services"]
    assert (gap.blocking, "namespace default has more than --max-pods 2" in gap.why) == (
        False,
        True,
    )
    assert "SVN401" in {one.code for one in report.findings}


def test_of_a_service_that_is_being_changed_it_is_information() -> None:
    found = [
        finding("SVN402", "none is ready", service=name) for name in ("default/db", "default/web")
    ]
    assert [(one.level, "not settled" in one.message) for one in unsettled(found, CHANGING)] == [
        (Level.INFO, True),
        (Level.WARNING, False),
    ]


@pytest.mark.parametrize("options", [ALL, DB])
def test_a_slice_without_service(options: Options) -> None:
    def edit(item: Any) -> Any:
        if item["metadata"]["name"].startswith("empty"):
            item["metadata"]["labels"]["kubernetes.io/service-name"] = "gone"
        return item

    report = check(Saved().objects("endpointslices", edit).source(), options)
    shown = [f.service for f in report.findings if f.code == "SVN405"]
    assert shown == (["default/gone"] if options is ALL else [])


def test_pods_that_may_not_be_listed_are_a_gap_once() -> None:
    saved = without_ready(Saved()).refuse(
        lambda c: of_resource(c.request, "pods"), Reason.FORBIDDEN, "pods is forbidden"
    )
    report = check(saved.source(), ALL)
    assert [g.blocking for g in report.gaps if g.what == "pods of Services"] == [False]
    assert "SVN402" not in {f.code for f in report.findings}
