"""One packet and many, on a node and under saved rules: the same judge, the same answers."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet.errors import ParseError, UsageError
from kubectl_svcnet.model.capture import ApiRequest, Capture, Reason
from kubectl_svcnet.model.commands import Command
from kubectl_svcnet.model.fate import Backend, Fate, FateKind
from kubectl_svcnet.model.options import Options, PacketOptions
from kubectl_svcnet.model.packet import Hook
from kubectl_svcnet.model.report import PacketsReport, PlanReport
from kubectl_svcnet.model.saved import SavedFiles, SavedText
from kubectl_svcnet.node.proc import read_state
from kubectl_svcnet.pipeline.packet import packet, packet_saved
from tests.saved import Narrow, Saved, Watched, of_node, recorded

DB, NODE_PORT = "10.96.78.5:3306", "172.18.0.2:30082"
ENDPOINTS = ["10.244.1.2:3306", "10.244.2.2:3306", "10.244.3.2:3306"]


def asked(words: str, **values: Any) -> PacketOptions:
    return PacketOptions(words=tuple(words.split()), **values)


def on_node(words: str, node: str = "n1", source: Any = None, **values: Any) -> PacketsReport:
    options = Options(nodes=(node,) if node else ())
    report = packet(source or Saved().source(), options, asked(words, **values))
    assert isinstance(report, PacketsReport)
    return report


def of(node: str) -> dict[Command, Capture]:
    return {c.command: c for c in reversed(recorded()) if of_node(c, node) and c.command}


@cache
def files(node: str) -> SavedFiles:
    """What the recorded node answered, as a user would have saved it. Its image has no `ip`."""
    answers = of(node)
    saves = ("iptables-nft-save-all", "iptables-legacy-save-all", "ip6tables-nft-save-all")
    rules = (SavedText(name, answers[Command(name)].text()) for name in saves)
    state = read_state(answers)
    assert state.addresses
    assert state.routes
    addresses = [
        {
            "ifname": entry.interface,
            "addr_info": [{"local": str(entry.address), "prefixlen": entry.prefix_length}],
        }
        for entry in state.addresses
    ]
    routes = [
        {
            "dst": str(route.destination),
            "type": route.kind,
            "table": route.table,
            "metric": route.metric,
            **({"dev": route.interface} if route.interface else {}),
            **({"gateway": str(route.gateway)} if route.gateway else {}),
        }
        for route in state.routes
    ]
    return SavedFiles(
        rules=tuple(rules),
        addresses=(SavedText("addresses", json.dumps(addresses)),),
        routes=(SavedText("routes", json.dumps(routes)),),
        sysctls=(SavedText("sysctls", answers[Command("sysctls")].text()),),
    )


def plain(fates: tuple[Fate, ...]) -> list[Fate]:
    return [replace(fate, steps=()) for fate in fates]


def ends(report: PacketsReport) -> list[str]:
    return [str(f.endpoint or f.kind.value) for one in report.packets for f in one.fates]


def test_on_a_node() -> None:
    report = on_node(f"tcp 10.244.1.3 {DB}")
    (one,) = report.packets
    assert sorted(ends(report)) == ENDPOINTS
    assert (one.node, one.packet.in_interface, one.id) == ("n1", "cni0", f"tcp 10.244.1.3 {DB}")
    assert report.explained
    assert all(fate.steps for fate in one.fates)
    assert (report.collected.nodes, report.collected.nodes_read) == (1, 1)
    assert report.gaps == ()


@pytest.mark.parametrize("nft", [True, False])
def test_chains_are_met_by_walking(nft: bool) -> None:
    """No chain is known by name here, and an answer is narrow, as on a live node."""
    narrow = Narrow(Saved(), nft=nft)
    assert on_node(f"tcp 10.244.1.3 {DB}", source=narrow).packets[0].fates == (
        on_node(f"tcp 10.244.1.3 {DB}").packets[0].fates
    )
    assert 1 < len(narrow.asked) <= 5


WORDS = [
    f"tcp 10.244.1.3 {DB}",
    f"tcp 10.244.1.2 {DB}",
    f"tcp node {DB}",
    f"tcp 172.18.0.2 {DB}",
    f"tcp 198.51.100.7 {NODE_PORT}",
    f"udp 10.244.1.3 {DB}",
    "tcp 10.244.1.3 10.96.237.173:80",
    "tcp 10.244.1.3 10.244.1.3:1",
    "tcp fd00:10:244:1::3 [fd00:10:96::1a17]:80",
]


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("node", ["n1", "n3"])
def test_saved_files_answer_as_the_node_does(words: str, node: str) -> None:
    live, saved = on_node(words, node).packets[0], packet_saved(asked(words), files(node))
    assert plain(saved.packets[0].fates) == plain(live.fates)
    assert saved.packets[0].packet == live.packet
    assert not any(gap.blocking for gap in saved.gaps)


def test_where_it_comes_in() -> None:
    def entered(words: str, **values: Any) -> tuple[Hook, str | None]:
        found = packet_saved(asked(words, **values), files("n1")).packets[0].packet
        return found.hook, found.in_interface

    assert entered(f"tcp 10.244.2.9 {DB}") == (Hook.PREROUTING, "eth0")
    assert entered(f"tcp 10.244.2.9 {DB}", in_interface="cni0") == (Hook.PREROUTING, "cni0")
    assert entered(f"tcp 172.18.0.2 {DB}") == (Hook.OUTPUT, None)
    assert entered(f"tcp 172.18.0.2 {DB}", hook="prerouting") == (Hook.PREROUTING, "lo")
    assert entered(f"tcp 10.244.1.3 {DB}", hook="output") == (Hook.OUTPUT, None)


def test_without_routes_the_interface_is_open() -> None:
    given = replace(files("n1"), routes=())
    report = packet_saved(asked(f"tcp 10.244.1.3 {DB}"), given)
    assert report.packets[0].packet.in_interface is None
    assert [g.what for g in report.gaps if "--in" in g.why] == ["interface"]
    named = packet_saved(asked(f"tcp 10.244.1.3 {DB}", in_interface="cni0"), given)
    assert not [g for g in named.gaps if "--in" in g.why]


def line(id: object, hook: str, source: str | None, destination: str, **more: object) -> str:
    host, _, port = destination.rpartition(":")
    entry = {
        "id": id,
        "hook": hook,
        "in": None if hook == "output" else "cni0",
        "proto": "tcp",
        "src": source,
        "dst": host.strip("[]"),
        "dport": int(port),
    }
    return json.dumps(entry | more) + "\n"


BULK = [
    (f"tcp {source} {target}", line(words_id, hook, source, target))
    for words_id, (hook, source, target) in enumerate(
        (hook, source, target)
        for target in (DB, NODE_PORT, "10.96.237.173:80", "10.96.0.1:443", "10.244.1.2:3306")
        for hook, source in (
            ("prerouting", "10.244.1.3"),
            ("prerouting", "10.244.1.2"),
            ("output", "172.18.0.2"),
        )
    )
]


def test_bulk_equals_single_answers() -> None:
    bulk = SavedText("packets", "".join(text for _, text in BULK))
    report = packet_saved(PacketOptions(), replace(files("n1"), packets=bulk))
    assert [one.id for one in report.packets] == list(range(len(BULK)))
    assert not report.explained
    for one, (words, text) in zip(report.packets, BULK, strict=True):
        hook = json.loads(text)["hook"]
        device = "" if hook == "output" else "cni0"
        single = packet_saved(asked(words, hook=hook, in_interface=device), files("n1"))
        assert plain(single.packets[0].fates) == list(one.fates)


def test_bulk_on_a_node() -> None:
    bulk = SavedText("packets", "".join(text for _, text in BULK))
    report = packet(Saved().source(), Options(nodes=("n1",)), PacketOptions(), bulk)
    assert isinstance(report, PacketsReport)
    saved = packet_saved(PacketOptions(), replace(files("n1"), packets=bulk))
    for there, here in zip(report.packets, saved.packets, strict=True):
        # /proc lists addresses in no order, so which one MASQUERADE borrows for lo stays open.
        known = [
            replace(one, masquerade=None, source=None) if other.masquerade is None else one
            for one, other in zip(here.fates, there.fates, strict=True)
        ]
        assert list(there.fates) == known


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("\n{}", "packets:2: not a packet"), ("", "packets: no packet in it")],
)
def test_packets_that_cannot_be_read(text: str, sentence: str) -> None:
    given = replace(files("n1"), packets=SavedText("packets", text))
    with pytest.raises(ParseError) as caught:
        packet_saved(PacketOptions(), given)
    assert str(caught.value).startswith(sentence)


def test_a_node_that_does_not_answer() -> None:
    saved = Saved().refuse(lambda c: of_node(c, "n1"), Reason.UNREACHABLE, "no route to host")
    report = on_node(f"tcp 10.244.1.3 {DB}", source=saved.source())
    assert [fate.kind for fate in report.packets[0].fates] == [FateKind.UNREAD]
    assert any(gap.blocking and gap.node == "n1" for gap in report.gaps)
    assert report.collected.nodes_read == 0


def test_a_node_of_another_dataplane_is_unread() -> None:
    def foreign(item: Any) -> Any:
        if item["spec"].get("nodeName") == "n1" and item["spec"].get("hostNetwork"):
            item["metadata"] |= {"labels": {"k8s-app": "cilium"}}
        return item

    report = on_node(f"tcp node {DB}", source=Saved().objects("pods", foreign).source())
    assert ends(report) == ["unread"]
    assert any(gap.blocking for gap in report.gaps)


def test_ipvs_is_not_overlooked() -> None:
    """A Service address bound to kube-ipvs0 is local for the rules alone."""
    ipvs = [{"ifname": "kube-ipvs0", "addr_info": [{"local": "10.96.0.10", "prefixlen": 32}]}]
    given = SavedFiles(
        rules=(SavedText("bare", "*nat\nCOMMIT\n"),), addresses=(SavedText("a", json.dumps(ipvs)),)
    )
    report = packet_saved(asked("tcp 10.244.1.3 10.96.0.10:53"), given)
    (fate,) = report.packets[0].fates
    assert fate.kind is FateKind.UNREAD
    assert [str(name) for name in fate.unread] == ["ipvs/10.96.0.10:53"]


def test_plan_runs_nothing() -> None:
    source = Watched(Saved())
    report = packet(source, Options(plan=True), asked(f"tcp default/client-n2 {DB}"))
    assert isinstance(report, PlanReport)
    assert {type(request) for request in source.asked} == {ApiRequest}
    assert {command.node for command in report.commands} == {"n2"}
    assert report.collected.nodes == 1


@pytest.mark.parametrize(
    ("options", "packets", "why"),
    [
        (Options(nodes=("n1", "n2")), None, "on one node"),
        (Options(), SavedText("packets", BULK[0][1]), "on one node"),
        (Options(nodes=("n7",)), None, 'nodes "n7" not found'),
    ],
)
def test_wrong_usage(options: Options, packets: SavedText | None, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        packet(Saved().source(), options, asked(f"tcp node {DB}"), packets)


KERNEL = Path(__file__).parents[1] / "fixtures" / "kernel"


@pytest.mark.parametrize("case", sorted(KERNEL.iterdir()), ids=lambda case: case.name)
def test_what_the_kernel_did_is_foretold(case: Path) -> None:
    """Each was a disagreement once; `seen` in a packet's row is what became of it."""

    def text(name: str) -> SavedText:
        return SavedText(name, (case / name).read_text(encoding="utf-8"))

    listed = [Backend.NFT, Backend.LEGACY]
    rules = [replace(text(f"rules-{one.value}.txt"), backend=one) for one in listed]
    rules += [text(file.name) for file in case.glob("rules-native.txt")]
    rows = text("packets.jsonl")
    saved = SavedFiles(
        rules=tuple(rules),
        addresses=(text("addresses.json"),),
        routes=(text("routes4.json"), text("routes6.json")),
        routing_rules=tuple(text(file.name) for file in case.glob("routing-rules*.json")),
        sysctls=(text("sysctl.txt"),),
        sets=(text("sets.txt"),),
        packets=rows,
    )
    report = packet_saved(PacketOptions(), saved)
    for row, found in zip(rows.text.splitlines(), report.packets, strict=True):
        seen = [tuple(one) for one in json.loads(row)["seen"]]
        told = [
            (fate.kind.value, fate.endpoint and str(fate.endpoint), fate.masquerade)
            for fate in found.fates
        ]
        assert seen == sorted(told, key=str)
