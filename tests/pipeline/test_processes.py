"""Rules that ask who sends are named, where they may meet what was dialled."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.fate import Backend
from kubectl_svcnet.model.nodeview import NodeView
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.packet import Hook, Packet
from kubectl_svcnet.parse.iptables_save import parse_save
from kubectl_svcnet.pipeline.processes import owner_gaps
from kubectl_svcnet.pipeline.trace import trace
from tests.saved import Saved

BY_USER = "-A OUTPUT -m owner --uid-owner 1000 -j ACCEPT"


def packet(hook: Hook = Hook.OUTPUT, destination: str = "10.96.0.10") -> Packet:
    return Packet(
        hook=hook,
        protocol=Protocol.TCP,
        destination=ip_address(destination),
        destination_port=53,
    )


@pytest.mark.parametrize(
    ("table", "rule", "asked", "named"),
    [
        ("nat", BY_USER, packet(), True),
        ("nat", BY_USER, packet(Hook.PREROUTING), False),  # no process of this node
        ("nat", BY_USER, packet(destination="fd00::a"), False),
        ("filter", BY_USER, packet(), True),
        ("raw", "-A OUTPUT -m owner ! --gid-owner 5-9 -j DROP", packet(), True),
        ("nat", "-A OUTPUT -m owner --socket-exists -j ACCEPT", packet(), False),
        ("nat", "-A OUTPUT -j ACCEPT", packet(), False),
        ("nat", BY_USER.replace("-m", "-d 10.96.0.11/32 -m"), packet(), False),
        ("nat", BY_USER.replace("-m", "-d 10.96.0.10/32 -m"), packet(), True),
        # what filter sees was translated before
        ("filter", BY_USER.replace("-m", "-d 10.244.1.2/32 -m"), packet(), True),
    ],
)
def test_rules_that_ask_who_sends(table: str, rule: str, asked: Packet, named: bool) -> None:
    text = f"*{table}\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -m weird -j X\n{rule}\nCOMMIT\n"
    ruleset = parse_save(text, Family.IPV4, Backend.NFT)
    view = NodeView(node="n1", rulesets={(Family.IPV4, Backend.NFT): ruleset})
    whys = [(gap.node, gap.why, gap.blocking) for gap in owner_gaps(view, [asked, asked])]
    why = f"{table}/OUTPUT:2 asks who sends ({rule}); as client, the node is uid 0 here"
    assert whys == ([("n1", why, False)] if named else [])


def test_a_trace_names_them() -> None:
    saved = Saved().before_rule("n1", '-A OUTPUT -m comment --comment "kubernetes', BY_USER)
    report = trace(saved.source(), Options(services=("db-service",)))
    assert [(gap.node, gap.what, gap.blocking) for gap in report.gaps] == [
        ("n1", "processes of other users", False)
    ]
    assert report.findings == ()
