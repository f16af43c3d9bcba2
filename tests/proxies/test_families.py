"""kube-proxies that serve one family, by their own word, and those that lost the rules of one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.kube_proxy import minor_version
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import TraceReport
from kubectl_svcnet.pipeline.proxy import run
from tests.proxies.control_plane import ControlPlane, Object
from tests.proxies.node import ProxyNode, proxy_node
from tests.proxies.objects import every_kind
from tests.proxies.reading import look, places, told
from tests.proxies.topology import HERE, POD_RANGE, addresses

pytestmark = [pytest.mark.e2e, pytest.mark.full]

#: Each wording, and each way to learn what the machine can.
SINGLE = (
    ("v1.24.17", "iptables", Family.IPV4),
    ("v1.27.16", "iptables", Family.IPV4),
    ("v1.30.14", "iptables", Family.IPV6),
    ("v1.36.3", "iptables", Family.IPV4),
    ("v1.36.3", "nftables", Family.IPV4),
)
FLUSHES = {
    ("iptables", Family.IPV4): ("iptables-nft-restore", "*nat\nCOMMIT\n*filter\nCOMMIT\n"),
    ("iptables", Family.IPV6): ("ip6tables-nft-restore", "*nat\nCOMMIT\n*filter\nCOMMIT\n"),
    ("nftables", Family.IPV4): ("nft", "-f", "-", "delete table ip kube-proxy\n"),
}


def verdicts(report: TraceReport) -> dict[Family, Counter[str]]:
    found: dict[Family, Counter[str]] = {family: Counter() for family in Family}
    for frontend, place in places(report):
        found[frontend.frontend.family][place.verdict.value] += 1
    return found


def said_of_the_proxy(node: ProxyNode, log: Path | None = None) -> list[str]:
    source = node.source()
    source.log = log or source.log
    report = run(source, Options(nodes=(HERE,), settle=0.1))
    return [one.code for one in report.findings]


def rotated(node: ProxyNode) -> list[str]:
    """What is said where its log has lost its head."""
    log = node.folder / "rotated.log"
    log.write_text('I1125 10:00:00.000000       1 proxier.go:1] "SyncProxyRules complete"\n')
    return said_of_the_proxy(node, log)


@pytest.mark.parametrize(("version", "mode", "serves"), SINGLE)
def test_it_serves_one(plane: ControlPlane, version: str, mode: str, serves: Family) -> None:
    plane.replace(every_kind())
    six = serves is Family.IPV6
    settings: Object = {
        "clusterCIDR": POD_RANGE.split(",")[six],
        "bindAddress": addresses(HERE)[six],
    }
    with proxy_node(plane, version, mode, settings, serves=serves) as node:
        report = look(node)
        assert len(report.findings) == 1, told(report)
        [found] = report.findings
        assert found.code == "SVN316", told(report)
        assert found.evidence[0].endswith(f"says single-stack mode, {serves.value}")
        seen = verdicts(report)
        assert set(seen.pop(serves)) == {"ok"}, told(report)
        [other] = seen.values()
        assert other["absent"] + other["blocked"] > 15
        assert bool(other["blocked"]) is (mode == "nftables")  # IPv6 is disabled: no route
        assert not [gap for gap in report.gaps if gap.blocking], told(report)
        assert said_of_the_proxy(node) == ["SVN316"]
        by_metrics = minor_version(version) or 0
        assert rotated(node) == ["SVN316" if by_metrics >= 33 else "SVN304"]


@pytest.mark.parametrize(("mode", "lost"), FLUSHES)
def test_it_lost_one(plane: ControlPlane, mode: str, lost: Family) -> None:
    plane.replace(every_kind())
    with proxy_node(plane, "v1.36.3", mode) as node:
        *argv, text = FLUSHES[mode, lost]
        node.run(*argv, stdin=text)
        report = look(node)
        assert said_of_the_proxy(node) == ["SVN304"]
        assert rotated(node) == ["SVN304"]
    seen = verdicts(report)
    assert seen[lost]["absent"] > 15, told(report)
    del seen[lost]
    assert {verdict for each in seen.values() for verdict in each} == {"ok"}
    assert {one.code for one in report.findings} <= {"SVN201", "SVN222"}, told(report)


def test_node_ports_nowhere_are_no_rules_lost(plane: ControlPlane) -> None:
    """IPv4's jump to them is not there, which else shows that kube-proxy programs it."""
    plane.replace(every_kind())
    settings: Object = {"nodePortAddresses": ["192.0.2.0/24"]}
    with proxy_node(plane, "v1.36.3", "iptables", settings) as node:
        assert said_of_the_proxy(node) == []
