"""One cluster with a node in every mode: n1 and n2 iptables (nft, legacy), n3 nftables, n4 ipvs.

The same Services, one table each, the modes named."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from kubectl_svcnet.cluster.bundle import read_bundle
from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.model.address import SocketAddress
from kubectl_svcnet.model.commands import Command
from kubectl_svcnet.model.fate import FateKind
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import NodeTrace, TraceReport, Verdict
from kubectl_svcnet.pipeline.trace import trace
from kubectl_svcnet.render import render
from kubectl_svcnet.render.style import Style

BUNDLE = Path(__file__).parents[1] / "fixtures" / "lab" / "modes.tar.gz"
SERVICES = ("db-service", "edge-lb", "empty", "web-dual", "web-sticky")
MODES = {"n1": "iptables", "n2": "iptables", "n3": "nftables", "n4": "ipvs"}


@cache
def report() -> TraceReport:
    return trace(ReplaySource(BUNDLE), Options(services=SERVICES))


def places() -> list[tuple[str, NodeTrace]]:
    return [(str(f.frontend), n) for s in report().services for f in s.frontends for n in f.nodes]


def test_every_mode_is_in_order_and_named() -> None:
    assert {n.verdict for _, n in places()} == {Verdict.OK}
    assert {n.node: n.dataplane.removeprefix("kube-proxy/") for _, n in places()} == MODES
    assert len(places()) == 4 * len({what for what, _ in places()})
    assert report().findings == ()
    assert not [gap for gap in report().gaps if gap.blocking]


def arrivals(node: NodeTrace) -> dict[str, dict[SocketAddress | None, float]]:
    """By client, the share of each endpoint; what state decides is left out."""
    found: dict[str, dict[SocketAddress | None, float]] = {}
    for walk in node.walks:
        shares = found.setdefault(walk.asked.client.value, {})
        for fate in walk.fates:
            if fate.kind is FateKind.ENDPOINT and fate.probability is not None:
                known = shares.get(fate.endpoint, 0.0)
                shares[fate.endpoint] = round(known + fate.probability, 6)
    return found


@pytest.mark.parametrize("service", ["db-service", "web-dual", "web-sticky"])
def test_all_modes_lead_to_the_same_endpoints_in_the_same_shares(service: str) -> None:
    for trace_ in next(s for s in report().services if s.service.name.name == service).frontends:
        shares = [arrivals(node)["node"] for node in trace_.nodes]
        assert len(shares[0]) == 3
        for other in shares[1:]:
            assert other == pytest.approx(shares[0])


def test_a_name_for_each_rule() -> None:
    """kube-proxy/ipvs names virtual servers as ADDR:PORT, without a number."""
    (node,) = (n for what, n in places() if what == "10.96.101.185:3306/TCP" and n.node == "n4")
    named = {str(fate.translated_by) for walk in node.walks for fate in walk.fates}
    assert named == {"ipvs/10.96.101.185:3306"}


TABLE = """\
NODES   PROXY                 VERDICT   ENDPOINTS   DIFFERENCE
n1,n2   kube-proxy/iptables   ok        3/3         -
n3      kube-proxy/nftables   ok        3/3         -
n4      kube-proxy/ipvs       ok        3/3         -
"""


def test_one_table() -> None:
    text = render(report(), "table", Style(width=80))
    assert text.count(TABLE) >= 3


def test_steps_show_its_virtual_servers() -> None:
    found = trace(ReplaySource(BUNDLE), Options(services=SERVICES, steps=True))
    (step,) = (s for s in found.steps if s.title == "The rules of default/edge-lb on n4")
    assert step.command.endswith(" -- cat /proc/net/ip_vs")
    assert step.lines == tuple(
        line
        for where in ("10.96.30.21:80", "172.18.0.5:30082", "203.0.113.10:80")
        for line in (
            f"ipvs/{where} TCP {where} rr",
            f"ipvs/{where} -> 10.244.2.4:8080 Masq weight 1",
        )
    )
    assert "virtual servers" in step.note


def altered(old: str, new: str) -> TraceReport:
    """With the virtual servers of n4 edited."""
    kept = [stored.capture() for stored in read_bundle(BUNDLE)[1]]
    edits = 0
    for index, one in enumerate(kept):
        if one.command == Command("ip-vs") and re.search(old, one.text()):
            kept[index] = replace(one, data=re.sub(old, new, one.text()).encode())
            edits += 1
    assert edits
    return trace(ReplaySource.of(kept), Options(services=SERVICES))


DB = r"(TCP  0A6065B9:0CEA rr  \n(?:  ->.*\n){2})  ->.*\n"


def test_what_is_missing_there_names_the_virtual_server() -> None:
    (finding,) = altered(DB, r"\1").findings
    assert (finding.code, finding.node) == ("SVN202", "n4")
    assert finding.evidence == ("ipvs/10.96.101.185:3306 leads to 2 of 3",)


def test_without_a_virtual_server_its_own_rules_are_not_blamed() -> None:
    """ipvs mode accepts in nat what its sets hold, before IPVS is asked."""
    (finding,) = altered(DB, "").findings
    assert (finding.code, finding.node) == ("SVN201", "n4")
    assert finding.next.startswith("kubectl -n kube-system delete pod kube-proxy-ipvs-")
