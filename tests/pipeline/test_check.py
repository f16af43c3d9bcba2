"""`check` over the recorded lab, whole and with one thing altered at a time."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from kubectl_svcnet.cli.status import status_of
from kubectl_svcnet.engine.judge.grouping import CAUSES
from kubectl_svcnet.errors import ClusterError, UsageError
from kubectl_svcnet.model.capture import Capture, ForwardRequest, LogRequest, Reason
from kubectl_svcnet.model.commands import Command
from kubectl_svcnet.model.finding import Finding, Level
from kubectl_svcnet.model.gate import Gate
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import CheckReport, Coverage
from kubectl_svcnet.pipeline.check import check, plan
from kubectl_svcnet.pipeline.collect import Collector
from kubectl_svcnet.pipeline.inventory import Scope, read_services
from kubectl_svcnet.pipeline.kernel import commands_beside
from kubectl_svcnet.pipeline.proxy import run as proxy
from kubectl_svcnet.pipeline.ranges import run as ranges
from kubectl_svcnet.pipeline.trace import trace
from kubectl_svcnet.render.style import Style
from kubectl_svcnet.render.table.check import render
from tests.reports import followed_nothing, proxies
from tests.saved import PROXY, Narrow, Saved, of_node, of_resource, recorded

ALL = Options(all_namespaces=True)
DB = Options(services=("db-service",))
SVC = "KUBE-SVC-J5FHDC7QFLM3E3EH"
SEP3 = "KUBE-SEP-VNBBEHA7I74KR64Y"  # 10.244.3.2


#: Of the recorded workloads by themselves: two are made to show it, and a balancer knows the third.
OBJECTS = [
    ("SVN401", Level.WARNING, "default/empty"),
    ("SVN412", Level.WARNING, "default/web-internal-local"),
    ("SVN411", Level.INFO, "default/edge-lb"),
]


def of_nodes(report: CheckReport) -> list[Finding]:
    return [one for one in report.findings if not one.code.startswith("SVN4")]


def codes(report: CheckReport, *levels: Level) -> list[tuple[str, str]]:
    return [(f.code, f.node) for f in report.findings if not levels or f.level in levels]


@pytest.mark.parametrize("source", [Saved.source, Narrow], ids=["dumps", "rounds"])
def test_a_healthy_cluster(source: Any) -> None:
    report = check(source(Saved()), ALL)
    assert [(one.code, one.level, one.service) for one in report.findings] == OBJECTS
    assert report.coverage == Coverage(ok=14, without=2, nodes=3, nodes_read=3)
    assert len(report.services) == 16
    assert [gap for gap in report.gaps if gap.blocking] == []
    assert status_of(report, fail_on="error") == 0


def test_it_says_what_trace_proxy_and_ranges_say() -> None:
    """No second judge: their findings, each once, whatever is grouped."""
    saved = proxies()
    found = {
        (one.code, one.node, one.service)
        for head in of_nodes(check(saved.source(), ALL))
        for one in ((head, *head.objects) if head.code in CAUSES else head.objects or (head,))
    }
    theirs = [
        *proxy(saved.source(), Options()).findings,
        *ranges(saved.source(), Options()).findings,
        *trace(saved.source(), ALL).findings,
    ]
    assert found == {(one.code, one.node, one.service) for one in theirs}


def test_the_cause_before_its_symptoms() -> None:
    report = check(followed_nothing().source(), ALL)
    (one,) = of_nodes(report)
    assert (one.code, one.node, one.level) == ("SVN301", "n3", Level.ERROR)
    assert "follows nothing since " in one.message
    assert {each.code for each in one.objects} == {"SVN202", "SVN203"}
    assert {each.service for each in one.objects} == {"default/db-service"}
    assert (report.coverage.ok, report.coverage.differ) == (13, 1)
    assert report.coverage.where == ("n3",)
    assert status_of(report, fail_on="error") == 1


def test_a_family_that_is_not_served_and_whom_it_concerns() -> None:
    dual, single = b'dual-stack mode" primary ipFamily', b'single-stack mode" ipFamily'
    saved = Saved(recorded(PROXY)).change(
        lambda c: of_node(c, "n1") and c.command == Command("ip6tables-nft-save-all"),
        lambda c: replace(c, data=re.sub(rb"(?m)^-A.*\n", b"", c.data)),
    )
    saved.change(
        lambda c: isinstance(c.request, LogRequest) and c.request.node == "n1",
        lambda c: replace(c, data=c.data.replace(dual, single)),
    )
    [said] = [one for one in of_nodes(check(saved.source(), ALL)) if one.code == "SVN316"]
    [named] = trace(saved.source(), ALL).findings
    assert said == named
    assert " Services have such an address (first: " in said.message


def test_two_hundred_changes_that_a_stopped_kube_proxy_missed() -> None:
    """One finding with an object for each, on one page. Half of them have no endpoint, whose
    refusal is missing."""
    saved = Saved().stopped("n3")
    for number in range(200):
        meta = {"namespace": "shop", "name": f"s{number}"}
        address, port = f"10.96.200.{number}", {"port": 80, "protocol": "TCP", "name": "http"}
        spec = {"clusterIP": address, "clusterIPs": [address], "ports": [port]}
        saved.add("services", {"metadata": meta, "spec": {**spec, "type": "ClusterIP"}})
        if number % 2:
            label = {"kubernetes.io/service-name": f"s{number}"}
            ready = {"addresses": ["10.244.1.77"], "conditions": {"ready": True}, "nodeName": "n1"}
            sliced = {"addressType": "IPv4", "ports": [port], "endpoints": [ready]}
            saved.add("endpointslices", {"metadata": {**meta, "labels": label}, **sliced})
    report = check(saved.source(), replace(ALL, nodes=("n3",)))
    (cause,) = [one for one in report.findings if one.level is Level.ERROR]
    assert (cause.code, cause.node, len(cause.objects)) == ("SVN301", "n3", 200)
    assert "200 Services differ (first: shop/s0)" in cause.message
    assert {one.code for one in cause.objects} == {"SVN201", "SVN222"}
    lines = render(report, Style()).splitlines()
    assert len(lines) < 24
    assert lines[-1].startswith("14 Services ok on 1 of 1 nodes, 200 differ on n3 only")


def test_one_service_and_what_explains_it() -> None:
    """Of the cluster's own state nothing is asked for then, of its nodes' proxies it is."""
    report = check(followed_nothing().source(), DB)
    (one,) = report.findings
    assert one.message.endswith("; default/db-service differs")
    assert [str(s.service.name) for s in report.services] == ["default/db-service"]


def test_a_rule_that_is_gone() -> None:
    report = check(Saved().without_rule("n3", f"-j {SEP3}").source(), DB)
    (one,) = report.findings
    assert (one.code, one.service, one.node) == ("SVN202", "default/db-service", "n3")
    assert one.evidence[-1] == "1 of 3 nodes differs so"


def test_only_its_own_chain_is_empty() -> None:
    """It is dispatched: no word of that nothing does."""

    def flushed(text: str) -> str:
        return "".join(x for x in text.splitlines(True) if not x.startswith(f"-A {SVC} "))

    (one,) = check(Saved().rules("n3", flushed).source(), DB).findings
    assert (one.code, one.node) == ("SVN202", "n3")
    assert one.message.count("10.244.") == 3
    assert one.evidence[0] == f"nat/{SVC} is there and leads to no endpoint"


STRANGER = (
    '-A KUBE-SERVICES -d 10.96.5.5/32 -p tcp -m comment --comment "shop/old:http cluster IP" '
    f"-m tcp --dport 80 -j {SVC}"
)


@pytest.mark.parametrize("source", [Saved.source, Narrow], ids=["dumps", "rounds"])
def test_a_service_that_the_api_does_not_have(source: Any) -> None:
    """Read whole, so that it shows, where all Services are asked about."""
    saved = Saved().before_rule("n1", "kubernetes service nodeports", STRANGER)
    found = [one for one in check(source(saved), ALL).findings if one.code == "SVN223"]
    assert [(one.node, one.service, one.level) for one in found] == [
        ("n1", "shop/old", Level.WARNING)
    ]
    assert "SVN223" not in {one.code for one in check(source(saved), DB).findings}
    gone = saved.rules("n1", lambda text: text.replace(f"{STRANGER}\n", ""), last_only=True)
    assert "SVN223" not in {one.code for one in check(source(gone), ALL).findings}


def test_an_address_may_be_of_a_service_that_cannot_be_read() -> None:
    saved = Saved().before_rule("n1", "kubernetes service nodeports", STRANGER)
    spec = {"clusterIP": "10.96.5.5", "clusterIPs": ["10.96.5.5"], "ports": [{"port": "x"}]}
    saved.add("services", {"metadata": {"namespace": "shop", "name": "old"}, "spec": spec})
    report = check(saved.source(), ALL)
    assert "SVN223" not in {one.code for one in report.findings}
    assert "ports or addresses of shop/old cannot be read" in " ".join(g.why for g in report.gaps)


def test_a_difference_that_goes_by_itself_is_none() -> None:
    def gone(text: str) -> str:
        return "".join(line for line in text.splitlines(True) if f"-j {SEP3}" not in line)

    late = Saved().rules("n3", gone, last_only=True)
    assert codes(check(late.source(), DB), Level.ERROR, Level.WARNING) == []


@pytest.mark.parametrize(
    ("time", "heads"),
    [
        ("2026-11-25T00:00:30Z", [("SVN307", "n1")]),
        ("2026-11-25T00:01:30Z", [("SVN202", "n1"), ("SVN203", "n1")]),
    ],
)
def test_a_change_that_the_kernel_does_not_show(time: str, heads: list[tuple[str, str]]) -> None:
    """Over a minute old it is late, as `proxy` finds, and explains what differs."""

    def edit(item: Any) -> Any:
        if item["metadata"]["name"] == "db-service":
            item["metadata"]["managedFields"] = [{"time": time}]
        return item

    saved = Saved(recorded(PROXY)).objects("services", edit)
    saved.rules("n1", lambda text: text.replace("10.244.3.2:3306", "10.244.3.9:3306"))
    report = check(saved.source(), ALL)
    assert sorted(set(codes(report, Level.ERROR))) == heads
    if len(heads) == 1:
        (late,) = [f for f in report.findings if f.level is Level.ERROR]
        assert "default/db-service (10.96." in late.message
        assert {each.code for each in late.objects} == {"SVN202", "SVN203"}


def test_what_it_has_synced_was_edited_later() -> None:
    """Its own clocks say that it took the newest change in: then its rules were altered, and no
    sync is supposed to be late."""

    def edit(item: Any) -> Any:
        if item["metadata"]["name"] == "db-service":
            item["metadata"]["managedFields"] = [{"time": "2026-11-25T00:00:30Z"}]
        return item

    def clocks(capture: Capture) -> Capture:
        lines = [x for x in capture.text().splitlines(True) if "_timestamp_seconds" not in x]
        at = datetime(2026, 11, 25, 0, 0, 31, tzinfo=timezone.utc).timestamp()
        for what in ("last_queued", "last"):
            lines.append(f"kubeproxy_sync_proxy_rules_{what}_timestamp_seconds {at}\n")
        return replace(capture, data="".join(lines).encode())

    saved = Saved(recorded(PROXY)).objects("services", edit)
    saved.rules("n1", lambda text: text.replace("10.244.3.2:3306", "10.244.3.9:3306"))
    saved.change(
        lambda c: isinstance(c.request, ForwardRequest) and c.request.path == "/metrics", clocks
    )
    found = codes(check(saved.source(), ALL), Level.ERROR)
    assert sorted(set(found)) == [("SVN202", "n1"), ("SVN203", "n1")]


def test_nodes_that_were_not_read_are_gaps() -> None:
    saved = Saved().refuse(lambda c: of_node(c, "n2"), Reason.UNREACHABLE, "no route to host")
    report = check(saved.source(), ALL)
    assert report.coverage == Coverage(ok=14, without=2, nodes=3, nodes_read=2)
    assert {gap.node for gap in report.gaps if gap.blocking} == {"n2"}
    assert status_of(report, fail_on="error") == 4


def test_without_ranges_it_goes_on() -> None:
    saved = Saved().refuse(
        lambda c: isinstance(c.request, LogRequest) or of_resource(c.request, "servicecidrs"),
        Reason.FORBIDDEN,
        "not allowed",
    )
    report = check(saved.source(), ALL)
    assert report.coverage.ok == 14
    assert report.gaps


def test_names_that_do_not_exist() -> None:
    with pytest.raises(UsageError):
        check(Saved().source(), Options(services=("nothing",)))
    report = check(Saved().source(), Options(services=("nothing", "db-service")))
    assert status_of(report, fail_on="error") == 2


def test_a_service_that_is_skipped_without_its_namespace() -> None:
    gate = Gate(skip=frozenset({("SVN202", "db-service"), ("SVN203", "n3"), ("SVN204", "gone")}))
    with pytest.raises(UsageError, match="did you mean SVN202=default/db-service"):
        check(Saved().source(), ALL, gate)
    nodes = Gate(skip=frozenset({("SVN203", "n3"), ("SVN204", "gone")}))
    assert check(Saved().source(), ALL, nodes).findings


def test_nothing_could_be_read() -> None:
    saved = Saved().refuse(lambda c: of_resource(c.request, "services"), Reason.FORBIDDEN, "no")
    with pytest.raises(ClusterError):
        check(saved.source(), ALL)


def test_a_plan_runs_nothing() -> None:
    source = Narrow(Saved())
    report = plan(source, ALL)
    assert source.asked == []
    shown = " ".join(command.argv for command in report.commands)
    assert "iptables" in shown
    assert "/proc/net/route" in shown
    assert "--include=hairpin_mode" in shown
    assert "/proc/net/nf_conntrack" in shown
    assert any("10249" in text for text in report.may_follow)
    assert len(plan(Saved().source(), DB).commands) < len(report.commands)


@pytest.mark.parametrize(("age", "level"), [(30, Level.INFO), (90, Level.WARNING)])
def test_flows_that_kube_proxy_may_still_clear(age: int, level: Level) -> None:
    """A Service that changed within a minute: the flows of its former endpoints are no alarm."""
    saved = Saved()
    now = saved.source().now()
    changed = datetime.fromtimestamp(now - age, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

    def udp(item: Any) -> Any:
        if item["metadata"]["name"].startswith("db-service"):
            item["metadata"] |= {"creationTimestamp": changed, "managedFields": []}
            item["metadata"].pop("annotations", None)
            for port in item["spec"]["ports"] if "spec" in item else item["ports"]:
                port["protocol"] = "UDP"
        return item

    saved.objects("services", udp).objects("endpointslices", udp)
    read = read_services(Collector(saved.source()), [Scope()])
    *_, asked = commands_beside(read)
    [service] = [s for s in read.services if s.name.name == "db-service"]
    [address] = service.cluster_ips
    line = (
        f"ipv4     2 udp      17 29 src=10.244.1.4 dst={address} sport=40001 dport=3306 "
        "src=10.244.9.9 dst=10.244.1.4 sport=3306 dport=40001 [ASSURED] mark=0 zone=0 use=2\n"
    )
    status = Command("cat", ("/proc/1/status",))
    saved.captures += [
        replace(one, command=asked, data=line.encode())
        for one in saved.captures
        if one.command == status and of_node(one, "n1")
    ]
    found = [one for one in check(saved.source(), ALL).findings if one.code == "SVN515"]
    assert [(one.node, one.level) for one in found] == [("n1", level)]
    assert ("a moment ago" in found[0].message) is (level is Level.INFO)
