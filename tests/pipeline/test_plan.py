"""`--plan` makes the first round of commands and runs none."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.errors import ClusterError, UsageError
from kubectl_svcnet.model.capture import ApiRequest, Reason
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.pipeline.plan import plan_trace
from tests.saved import Saved, Watched, of_resource

DB = Options(services=("db-service",))


def test_nothing_is_run() -> None:
    source = Watched(Saved())
    report = plan_trace(source, DB)
    assert {type(request) for request in source.asked} == {ApiRequest}
    assert report.collected.execs == report.collected.bytes == 0
    assert report.collected.nodes == 3


def test_what_would_be_run() -> None:
    report = plan_trace(Saved().source(), DB)
    per_node = {name: [c for c in report.commands if c.node == name] for name in ("n1", "n2", "n3")}
    assert all(per_node.values())
    assert {c.pod for c in per_node["n2"]} == {"kube-system/kube-proxy-b9hsc"}
    argvs = [c.argv for c in per_node["n1"]]
    assert "cat /proc/1/status" in argvs
    assert "iptables-nft -t nat -S KUBE-SVC-J5FHDC7QFLM3E3EH" in argvs
    assert "iptables-legacy-save | grep -nvE …" in argvs
    assert "grep -sH '' /proc/sys/net/ipv4/ip_forward" in argvs[1]
    assert not [argv for argv in argvs if argv.startswith("ip6tables")]  # an IPv4 Service
    assert len(set(argvs)) == len(argvs)
    assert all(c.shows for c in report.commands)
    assert report.may_follow
    assert (report.findings, report.gaps) == ((), ())


def relabel(item: Any) -> Any:
    if item["spec"].get("nodeName") == "n3":
        item["metadata"]["labels"] = {"k8s-app": "cilium"}
        item["metadata"]["name"] = "cilium-n3"
    return item


def test_nodes_that_would_not_be_read() -> None:
    report = plan_trace(Saved().objects("pods", relabel).source(), DB)
    assert {c.node for c in report.commands} == {"n1", "n2"}
    (gap,) = report.gaps
    assert (gap.node, gap.blocking) == ("n3", True)
    assert "cilium" in gap.why


def test_no_vantage() -> None:
    saved = Saved().objects("pods", lambda p: None if p["spec"]["nodeName"] == "n1" else p)
    report = plan_trace(saved.source(), DB)
    assert [gap.node for gap in report.gaps] == ["n1"]


def test_services_without_frontends_need_nothing() -> None:
    report = plan_trace(Saved().source(), Options(services=("db-headless",)))
    argvs = {c.argv for c in report.commands}
    assert not [argv for argv in argvs if argv.startswith("iptables")]


def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(UsageError, match='services "nope" not found'):
        plan_trace(Saved().source(), Options(services=("nope",)))


def test_no_right_to_see_services() -> None:
    saved = Saved().refuse(
        lambda c: of_resource(c.request, "services"), Reason.FORBIDDEN, "services is forbidden"
    )
    with pytest.raises(ClusterError, match="services is forbidden"):
        plan_trace(saved.source(), Options(all_namespaces=True))


def test_one_of_several_names() -> None:
    report = plan_trace(Saved().source(), Options(services=("db-service", "nope")))
    assert report.commands
    assert report.missing == ('services "nope" not found',)
