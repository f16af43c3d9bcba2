"""One packet is a walk, many are a table of ends."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from kubectl_svcnet.model.fate import Fate, FateKind, Step
from kubectl_svcnet.model.finding import Gap
from kubectl_svcnet.model.packet import Hook
from kubectl_svcnet.model.report import Collected, PacketFates, PacketsReport
from kubectl_svcnet.render.style import Style
from kubectl_svcnet.render.table.packet import render
from tests.samples import arrives, packet, ref

PACKET = packet(in_interface="cni0")


def one(*fates: Fate, **values: Any) -> PacketFates:
    return PacketFates(**{"id": "a", "packet": PACKET, "fates": fates, "node": "n1", **values})


def head(**values: Any) -> str:
    note = values.pop("note", "")
    node = values.pop("node", "n1")
    walk = one(arrives("10.244.1.2:80"), packet=replace(PACKET, **values), note=note, node=node)
    report = PacketsReport(collected=Collected(), packets=(walk,), explained=True)
    return render(report, Style(width=200)).splitlines()[0]


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({}, "n1: 10.244.1.9, in by cni0 -> 10.96.0.9:3306/TCP"),
        ({"note": "a/b"}, "n1: 10.244.1.9 (a/b), in by cni0 -> 10.96.0.9:3306/TCP"),
        ({"node": ""}, "saved rules: 10.244.1.9, in by cni0 -> 10.96.0.9:3306/TCP"),
        ({"in_interface": None}, "n1: 10.244.1.9, in by some interface -> 10.96.0.9:3306/TCP"),
        ({"source_port": 4}, "n1: 10.244.1.9:4, in by cni0 -> 10.96.0.9:3306/TCP"),
        ({"mark": 16384}, "n1: 10.244.1.9, in by cni0 -> 10.96.0.9:3306/TCP, mark 0x4000"),
        (
            {"hook": Hook.OUTPUT, "source": None},
            "n1: a process of the node -> 10.96.0.9:3306/TCP",
        ),
        ({"hook": Hook.OUTPUT}, "n1: 10.244.1.9, of the node itself -> 10.96.0.9:3306/TCP"),
        (
            {"source": ip_address("fd00::1"), "destination": ip_address("fd00::2")},
            "n1: fd00::1, in by cni0 -> [fd00::2]:3306/TCP",
        ),
    ],
)
def test_who_sends_what(values: dict[str, Any], line: str) -> None:
    assert head(**values) == line


def test_a_walk_and_its_notes() -> None:
    rule = ref("KUBE-SEP-A", "-A KUBE-SEP-A -j DNAT --to-destination 10.244.1.2:3306", 2)
    fate = replace(
        arrives("10.244.1.2:3306"), steps=(Step("PREROUTING", rule, "to 10.244.1.2 port 3306"),)
    )
    gap = Gap(what="routes", why="not given")
    report = PacketsReport(collected=Collected(), packets=(one(fate),), explained=True, gaps=(gap,))
    assert render(report, Style()).splitlines() == [
        "n1: 10.244.1.9, in by cni0 -> 10.96.0.9:3306/TCP",
        "  PREROUTING   nat/KUBE-SEP-A:2  -j DNAT --to-destination 10.244.1.2:3306",
        "  => 100.0%  arrives at 10.244.1.2:3306; its source is kept: no rule marked it",
        "     for masquerading",
        "",
        "note: routes: not given",
    ]


MANY = PacketsReport(
    collected=Collected(),
    packets=(
        one(arrives("10.244.1.2:80", 0.5), arrives("10.244.2.2:80", 0.5, masquerade=True)),
        one(Fate(kind=FateKind.DROP, probability=None), id=7),
    ),
)


def test_many() -> None:
    assert render(MANY, Style()).splitlines() == [
        "ID   SHARE      FATE                       MASQUERADE",
        "a    50.0%      arrives at 10.244.1.2:80   no",
        "a    50.0%      arrives at 10.244.2.2:80   yes",
        "7    by state   drop                       -",
    ]
    assert render(MANY, Style(headers=False)).splitlines()[0].startswith("a ")


def test_wide_adds_the_rules() -> None:
    lines = render(MANY, Style(wide=True)).splitlines()
    assert lines[0].endswith("MASQUERADE   RULES")
    assert lines[1].endswith("nat/KUBE-SEP-AAAAAAAAAAAAAAAA:2")
    assert lines[3].endswith("-            -")
