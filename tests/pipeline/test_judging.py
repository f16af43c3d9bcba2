"""Verdicts out of readings; `test_trace` has them over a whole cluster."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from kubectl_svcnet.dataplanes import Owner
from kubectl_svcnet.model.finding import Gap
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import Collected, NodeTrace, Verdict
from kubectl_svcnet.model.service import Node, frontends
from kubectl_svcnet.pipeline.expected import Expected
from kubectl_svcnet.pipeline.judging import Outcome, differing, judge, report_of, settled
from kubectl_svcnet.pipeline.nodes import NodeReading
from kubectl_svcnet.pipeline.trace import trace
from tests.pipeline.test_expected import EXPECTED, NAME, SERVICE
from tests.saved import Saved

GAP = Gap(what="rules", node="n1", why="it failed", blocking=True)
READING = NodeReading(node=Node(name="n1"), owner=Owner(name="x", why="no reader"), gaps=(GAP,))
TARGETS = frontends(SERVICE)
JUDGED = judge(EXPECTED, {"n1": READING}, TARGETS)


def test_a_node_that_was_not_read_says_why() -> None:
    assert {trace.verdict for trace in JUDGED.values()} == {Verdict.UNREAD}
    assert {trace.reason for trace in JUDGED.values()} == {"it failed"}
    assert differing(JUDGED) == frozenset()


def test_a_second_reading_replaces_what_it_read() -> None:
    moved = Expected(services=(SERVICE,), endpoints={NAME: ()})
    for expected in (EXPECTED, moved):
        both = settled(JUDGED, JUDGED, (EXPECTED, expected))
        assert both.keys() == JUDGED.keys()
        assert {trace.verdict for trace in both.values()} == {Verdict.UNREAD}


def test_a_report_has_every_service_and_every_gap_once() -> None:
    outcome = Outcome(
        services=(SERVICE,),
        nodes=(READING.node,),
        expected=EXPECTED,
        judged=JUDGED,
        readings={"n1": READING},
        gaps=(),
        missing=('services "x" not found',),
    )
    collected = Collected(context="lab", started_at=0.0, seconds=1.0)
    report = report_of(outcome, collected)
    assert [str(each.service.name) for each in report.services] == [str(NAME)]
    assert [len(each.nodes) for each in report.services[0].frontends] == [1] * len(TARGETS)
    assert report.gaps == (GAP,)
    assert report.missing == ('services "x" not found',)


def test_what_judges_is_not_imported_before_a_node_has_answered() -> None:
    """Or the first answer comes a tenth of a second later."""
    script = (
        "import sys, kubectl_svcnet.cli.session, kubectl_svcnet.pipeline.trace; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    loaded = set(done.stdout.decode().split())
    late = ("engine.simulate", "parse.iptables_save", "parse.nftables", "model.report", "render")
    assert not loaded & {f"kubectl_svcnet.{name}" for name in late}
    assert not loaded & {"kubernetes", "urllib3", "websocket"}


def test_a_service_that_is_deleted_meanwhile_is_no_node_s_fault() -> None:
    judged = judge(Expected(services=(), endpoints={}), {"n1": READING}, TARGETS)
    assert {trace.reason for trace in judged.values()} == {
        "the Service was deleted while it was read"
    }
    assert all(trace.excused for trace in judged.values())


def undispatched(saved: Saved, name: str, at: str = "") -> list[NodeTrace]:
    """What is said of a Service that n1 has no rules for, or not all."""
    saved = saved.without_rule("n1", at or f"default/{name}")
    report = trace(saved.source(), Options(services=(name,), nodes=("n1",), settle=0))
    return [node for front in report.services[0].frontends for node in front.nodes]


def run_by(version: str) -> Saved:
    """Every Service has the label of headless ones."""

    def edit(item: Any) -> Any:
        for container in item["spec"]["containers"]:
            container["image"] = container["image"].rpartition(":")[0] + f":{version}"
        return item

    def mark(item: Any) -> Any:
        item["metadata"]["labels"] = {"service.kubernetes.io/headless": ""}
        return item

    return Saved().objects("pods", edit).objects("services", mark)


@pytest.mark.parametrize(
    ("version", "verdict"), [("v1.33.13", Verdict.UNREAD), ("v1.36.3", Verdict.ABSENT)]
)
def test_kube_proxy_leaves_out_what_bears_the_label_of_headless_services(
    version: str, verdict: Verdict
) -> None:
    """Seen with real ones: 1.33 has no rules for it, 1.36 has."""
    [place] = undispatched(run_by(version), "db-service")
    assert (place.verdict, place.excused) == (verdict, verdict is Verdict.UNREAD)
    assert ("before 1.36 leaves such Services out" in place.reason) is place.excused


@pytest.mark.parametrize("allowed", ["true", "false"])
def test_external_ips_behind_a_closed_gate(allowed: str) -> None:
    def edit(item: Any) -> Any:
        gate = f"featureGates: {{AllowServiceExternalIPs: {allowed}}}"
        item["data"]["config.conf"] += f"\n{gate}\n"
        item["metadata"]["managedFields"] = [{"time": "2026-11-01T00:00:00Z"}]
        return item

    saved = Saved().objects("kube-proxy", edit)
    found = undispatched(saved, "web-extip", at="-d 192.0.2.200/32")
    said = [(place.verdict, place.excused) for place in found]
    outer = (Verdict.UNREAD, True) if allowed == "false" else (Verdict.ABSENT, False)
    assert said == [(Verdict.OK, False), outer]
