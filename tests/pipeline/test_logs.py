"""`logs` over the recorded lab: one time line of all places, and gaps for what was not read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubectl_svcnet.errors import ClusterError, UsageError
from kubectl_svcnet.model.capture import (
    Capture,
    ExecRequest,
    Failure,
    LogRequest,
    Reason,
    Request,
)
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import LogsReport
from kubectl_svcnet.pipeline.logs import logs, plan_logs
from tests.logged import LOGS, Logged, stamped
from tests.saved import Saved, of_resource

DB = Options(services=("db-service",))


def test_one_time_line() -> None:
    report = logs(Logged(), DB)
    assert [(line.node, line.source, str(line.about)) for line in report.lines] == [
        ("n1", "kube-proxy", "start"),
        ("", "event", "service default/db-service"),
        ("n1", "kube-proxy", "service default/db-service"),
        ("n3", "kube-proxy", "service default/db-service"),
        ("n1", "kube-proxy", "sync"),
        ("n3", "kube-proxy", "sync"),
        ("n3", "kube-proxy", "sync"),
    ]
    assert report.nodes == ("n1", "n2", "n3")
    assert (report.collected.nodes, report.collected.nodes_read) == (3, 2)


def blocking(report: LogsReport) -> list[str]:
    return [gap.node for gap in report.gaps if gap.blocking]


def test_only_a_node_without_any_log_blocks() -> None:
    report = logs(Logged(), DB)
    assert blocking(report) == ["n2"]
    (gap,) = [gap for gap in report.gaps if gap.node == "n2"]
    assert "10250" in gap.why
    everywhere = {**LOGS, "n2": stamped("23:30:00.1", "I", "x")}
    assert blocking(logs(Logged(logs=everywhere), DB)) == []


def weave(item: Any) -> Any:
    """n2 has a network plugin's pod beside kube-proxy; or instead of it."""
    if item["spec"].get("nodeName") == "n2":
        item["metadata"] |= {"name": "weave-net-x", "labels": {"name": "weave-net"}}
        item["spec"]["containers"][0]["name"] = "weave"
    return item


def test_without_a_proxy_any_agents_log_will_do() -> None:
    logged = {**LOGS, "n2": "2026-11-24T23:30:05Z INFO: 2026/11/24 23:30:05.5 at 10.244.2.2\n"}
    report = logs(Logged(saved=Saved().objects("pods", weave), logs=logged), DB)
    assert blocking(report) == []
    assert [line.source for line in report.lines if line.node == "n2"] == ["weave"]


def gone(item: Any) -> Any:
    return None if item["spec"].get("nodeName") == "n2" else item


def test_a_node_without_anybody_to_ask_blocks() -> None:
    report = logs(Logged(saved=Saved().objects("pods", gone)), DB)
    (gap,) = [gap for gap in report.gaps if gap.blocking]
    assert (gap.node, gap.what) == ("n2", "logs")
    assert gap.next == "kubectl get pods -A --field-selector spec.nodeName=n2"


def virtual(item: Any) -> Any:
    if item["metadata"]["name"] == "n2":
        item["metadata"]["labels"]["type"] = "virtual-kubelet"
    return item


def test_a_virtual_node_does_not() -> None:
    saved = Saved().objects("pods", gone).objects("nodes", virtual)
    assert blocking(logs(Logged(saved=saved), DB)) == []


def test_one_node() -> None:
    source = Logged()
    report = logs(source, replace(DB, nodes=("n3",)))
    assert {line.node for line in report.lines} == {"", "n3"}
    assert {r.node for r in source.asked if isinstance(r, LogRequest)} == {"n3"}


def test_a_service_by_its_address() -> None:
    (service,) = [
        s
        for c in Saved().captures
        if of_resource(c.request, "services")
        for s in c.objects
        if s["metadata"]["name"] == "db-service"
    ][:1]
    named = logs(Logged(), Options(services=(service["spec"]["clusterIP"],)))
    assert len(named.lines) == len(logs(Logged(), DB).lines)


def test_names_that_do_not_exist() -> None:
    with pytest.raises(UsageError, match='services "nope" not found'):
        logs(Logged(), Options(services=("nope",)))
    report = logs(Logged(), Options(services=("nope", "db-service")))
    assert report.missing == ('services "nope" not found',)
    assert report.lines


def test_no_rights_at_all() -> None:
    saved = Saved().refuse(
        lambda c: of_resource(c.request, "services"), Reason.FORBIDDEN, "services is forbidden"
    )
    with pytest.raises(ClusterError):
        logs(Logged(saved=saved), Options(services=("10.96.0.1",)))


def test_events_that_may_not_be_read_are_no_failure() -> None:
    class Denied(Logged):
        def fetch(self, request: Request) -> tuple[Capture, ...]:
            (first, *rest) = super().fetch(request)
            if of_resource(request, "events"):
                failure = Failure(reason=Reason.FORBIDDEN, message="events is forbidden")
                return (replace(first, objects=(), failure=failure),)
            return (first, *rest)

    report = logs(Denied(), DB)
    assert [gap.what for gap in report.gaps if "forbidden" in gap.why] == ["events"]
    assert blocking(report) == ["n2"]


def mounted(item: Any) -> Any:
    item["spec"].setdefault("volumes", []).append({"name": "l", "hostPath": {"path": "/var/log"}})
    for container in item["spec"]["containers"]:
        container.setdefault("volumeMounts", []).append({"name": "l", "mountPath": "/var/log"})
    return item


def test_an_image_without_a_shell_is_asked_without_one() -> None:
    class Bare(Logged):
        def fetch(self, request: Request) -> tuple[Capture, ...]:
            if not isinstance(request, ExecRequest):
                return super().fetch(request)
            self.asked.append(request)
            no = Failure(reason=Reason.NO_TOOL, message="sh is not in the image")
            text = b'I1124 23:30:05.5       1 a.go:1] Removing service port "default/db-service:"\n'
            return tuple(
                Capture(request=request, command=c, failure=no)
                if request.shell or c.name == "log-grep"
                else Capture(request=request, command=c, data=text, exit_code=0)
                for c in request.commands
            )

    source = Bare(saved=Saved().objects("pods", mounted))
    report = logs(source, DB)
    shells = [r.shell for r in source.asked if isinstance(r, ExecRequest) and r.node == "n1"]
    assert shells == [True, False]
    lines = [line for line in report.lines if line.source == "kube-proxy.log"]
    assert {line.node for line in lines} == {"n1", "n2", "n3"}
    assert blocking(report) == []  # the file of n2 was read


def test_the_plan_reads_no_log() -> None:
    source = Logged(saved=Saved().objects("pods", mounted))
    report = plan_logs(source, replace(DB, previous=True))
    assert not [r for r in source.asked if isinstance(r, (LogRequest, ExecRequest))]
    here = [c.argv for c in report.commands if c.node == "n1"]
    assert [argv.split()[0] for argv in here] == ["kubectl", "kubectl", "tail", "grep"]
    assert "--previous" in here[1]
