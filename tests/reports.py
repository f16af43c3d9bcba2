"""Reports to render: made once by the pipeline from the recorded lab."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from kubectl_svcnet.model.capture import ForwardRequest, Reason
from kubectl_svcnet.model.commands import Command
from kubectl_svcnet.model.options import Options, PacketOptions
from kubectl_svcnet.model.report import Collected, PlanReport, SnapshotReport
from kubectl_svcnet.model.saved import SavedFiles, SavedText
from kubectl_svcnet.parse.addresses import pick_addresses
from kubectl_svcnet.pipeline.addresses import addresses
from kubectl_svcnet.pipeline.check import check
from kubectl_svcnet.pipeline.logs import logs
from kubectl_svcnet.pipeline.packet import packet_saved
from kubectl_svcnet.pipeline.permissions import run as read_permissions
from kubectl_svcnet.pipeline.plan import plan_trace
from kubectl_svcnet.pipeline.proxy import run as read_proxies
from kubectl_svcnet.pipeline.ranges import run as read_ranges
from kubectl_svcnet.pipeline.trace import trace
from kubectl_svcnet.render.document import Report
from tests.granted import Granted
from tests.logged import Logged
from tests.saved import PROXY, Saved, of_node, recorded

DB = ("db-service",)


def followed_nothing() -> Saved:
    """The demo's case: a pod was replaced, and n3's kube-proxy does not know."""
    return Saved().stopped("n3").rules("n3", lambda t: t.replace("10.244.3.2", "10.244.3.9"))


def foreign(item: Any) -> Any:
    if item["spec"].get("nodeName") == "n3":
        item["metadata"] |= {"name": "cilium-x", "labels": {"k8s-app": "cilium"}}
    return item


def half_blind() -> Saved:
    saved = Saved().refuse(lambda c: of_node(c, "n2"), Reason.UNREACHABLE, "no route to host")
    return saved.objects("pods", foreign)


def weird() -> Saved:
    portals = '-A PREROUTING -m comment --comment "kubernetes service portals"'
    return Saved().before_rule("n2", portals, "-A PREROUTING -m weird --thing -j ACCEPT")


def proxies() -> Saved:
    """n2's legacy rules on n1 too, n1 and n2 set to nftables since, n3 stopped and silent."""
    saved = Saved(recorded(PROXY)).stopped("n3").objects("kube-proxy", _edited)
    [legacy, *_] = [
        c.text()
        for c in saved.captures
        if of_node(c, "n2") and c.command == Command("iptables-legacy-save-all")
    ]
    saved.change(
        lambda c: of_node(c, "n1") and c.command == Command("iptables-legacy-save-all"),
        lambda c: replace(c, data=legacy.encode(), failure=None, exit_code=0),
    )
    return saved.refuse(
        lambda c: isinstance(c.request, ForwardRequest) and c.request.node == "n3",
        Reason.TIMEOUT,
        "no answer within 10s",
    )


def _edited(item: Any) -> Any:
    text = item["data"]["config.conf"].replace('mode: "iptables"', "mode: nftables")
    item["data"]["config.conf"] = text
    item["metadata"]["managedFields"] = [{"time": "2026-11-25T00:00:00Z"}]
    return item


def _short(report: PlanReport) -> PlanReport:
    return replace(report, commands=report.commands[:6])


#: What it cost is not what is tested: it changes with every command that is added.
COLLECTED = Collected(
    context="admin@lab",
    started_at=1795554287.25,
    seconds=0.4,
    nodes=3,
    nodes_read=3,
    execs=4,
    bytes=16384,
)


def ufw() -> SavedText:
    file = Path(__file__).parent / "fixtures" / "iptables" / "kube-proxy--ufw" / "iptables-save.txt"
    return SavedText("iptables-save.txt", file.read_text(encoding="utf-8"))


PACKETS = SavedText(
    "packets.jsonl",
    """\
{"id": "dns", "hook": "prerouting", "in": "cni0", "proto": "udp", "src": "10.244.1.9", \
"dst": "10.96.0.10", "dport": 53}
{"id": "ssh", "hook": "prerouting", "in": "eth0", "proto": "tcp", "src": "198.51.100.7", \
"dst": "10.244.1.2", "dport": 22}
""",
)

#: Neither a node's rules nor, outside the namespace, Services.
NOT_GRANTED = ("get pods/exec", "create pods/exec", "list services -A")

ADDRESSES = "10.96.0.1 10.244.1.2 10.244.1.77 172.18.0.2 8.8.8.8 127.0.0.1"

MAKERS: Mapping[str, Callable[[], Report]] = {
    "addresses": lambda: addresses(Saved().source(), Options(), asked=pick_addresses(ADDRESSES)),
    "checked": lambda: check(followed_nothing().source(), Options(all_namespaces=True)),
    "explained": lambda: trace(Saved().source(), Options(services=DB, nodes=("n1",), explain=True)),
    "followed-nothing": lambda: trace(followed_nothing().source(), Options(services=DB)),
    "half-blind": lambda: trace(half_blind().source(), Options(services=("edge-lb",))),
    "healthy": lambda: trace(Saved().source(), Options(services=DB)),
    "logs": lambda: logs(Logged(), Options(services=DB)),
    "not-understood": lambda: trace(weird().source(), Options(services=DB)),
    "packet": lambda: packet_saved(
        PacketOptions(words=("tcp", "10.244.1.9", "10.96.0.10:53")), SavedFiles(rules=(ufw(),))
    ),
    "packets": lambda: packet_saved(PacketOptions(), SavedFiles(rules=(ufw(),), packets=PACKETS)),
    "permissions": lambda: read_permissions(Granted(*NOT_GRANTED), Options()),
    "plan": lambda: _short(plan_trace(Saved().source(), Options(services=DB, nodes=("n1",)))),
    "proxy": lambda: read_proxies(proxies().source(), Options()),
    "ranges": lambda: read_ranges(Saved().source(), Options()),
    "snapshot": lambda: SnapshotReport(
        collected=COLLECTED, file="cluster.tar.gz", size=79001, captures=142
    ),
    "without-frontends": lambda: trace(
        Saved().source(), Options(services=("db-headless", "db-external", "empty"))
    ),
}


@cache
def made(name: str) -> Report:
    return replace(MAKERS[name](), collected=COLLECTED)
