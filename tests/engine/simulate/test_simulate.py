"""Packets as rows: which fates a ruleset of kube-proxy's shape gives to each kind of client."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet.engine.simulate import Simulator
from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.fate import Backend, Fate, FateKind
from kubectl_svcnet.model.nodeview import InterfaceAddress, Route
from kubectl_svcnet.model.packet import Hook
from kubectl_svcnet.model.ruleset import Chain, Ruleset, Table
from kubectl_svcnet.parse.iptables_save import parse_save

FIXTURE = Path(__file__).parents[2] / "fixtures" / "iptables" / "kube-proxy--by-hand"
RULES = (FIXTURE / "iptables-save.txt").read_text(encoding="utf-8")
OUTSIDE = {"source": ip_address("198.51.100.7"), "in_interface": "eth0"}
STRANGER = {"source": ip_address("192.0.2.7"), "in_interface": "eth0"}
NODE = {"hook": Hook.OUTPUT}
SELF = {"source": ip_address("10.244.1.2")}
UDP = {"protocol": Protocol.UDP}

PACKETS: list[tuple[str, str, int, dict[str, Any], list[str]]] = [
    (
        "a pod and a cluster IP",
        "10.96.0.10",
        80,
        {},
        ["endpoint 10.244.1.2:8080 0.5", "endpoint 10.244.2.2:8080 0.5"],
    ),
    (
        "an endpoint and its own Service: only the way back to itself is masqueraded",
        "10.96.0.10",
        80,
        SELF,
        ["endpoint 10.244.1.2:8080 0.5 masquerade", "endpoint 10.244.2.2:8080 0.5"],
    ),
    (
        "a node process: masqueraded where another device means another address",
        "10.96.0.10",
        80,
        NODE,
        ["endpoint 10.244.1.2:8080 0.5 masquerade", "endpoint 10.244.2.2:8080 0.5"],
    ),
    (
        "from outside to a node port",
        "192.168.0.1",
        30080,
        OUTSIDE,
        ["endpoint 10.244.1.2:8080 0.5 masquerade", "endpoint 10.244.2.2:8080 0.5 masquerade"],
    ),
    (
        "a node process and its own node port",
        "127.0.0.1",
        30080,
        NODE,
        ["endpoint 10.244.1.2:8080 0.5 masquerade", "endpoint 10.244.2.2:8080 0.5 masquerade"],
    ),
    ("a cluster IP, a port that no Service has", "10.96.0.10", 81, {}, ["pass 1"]),
    ("a cluster IP, another protocol", "10.96.0.10", 80, UDP, ["pass 1"]),
    ("the node itself", "192.168.0.1", 22, OUTSIDE, ["local 1"]),
    ("no endpoints", "10.96.0.13", 80, {}, ["reject 1"]),
    ("no endpoints, from the node", "10.96.0.13", 80, NODE, ["reject 1"]),
    ("no local endpoints", "192.168.0.1", 30099, OUTSIDE, ["drop 1"]),
    (
        "inside the source ranges",
        "203.0.113.20",
        80,
        OUTSIDE,
        ["endpoint 10.244.1.2:8080 0.5 masquerade", "endpoint 10.244.2.2:8080 0.5 masquerade"],
    ),
    ("outside the source ranges", "203.0.113.20", 80, STRANGER, ["drop 1"]),
    (
        "affinity: the shares of a client that is not known yet, and the list's answer",
        "10.96.0.11",
        53,
        UDP,
        [
            "endpoint 10.244.1.3:5353 0.5",
            "endpoint 10.244.1.3:5353 ?",
            "endpoint 10.244.2.3:5353 0.5",
            "endpoint 10.244.2.3:5353 ?",
        ],
    ),
    (
        "an endpoint on the node itself is reached through INPUT",
        "10.96.0.12",
        443,
        OUTSIDE,
        ["endpoint 192.168.0.1:6443 1"],
    ),
]


@pytest.mark.parametrize(
    ("destination", "port", "fields", "fates"),
    [row[1:] for row in PACKETS],
    ids=[row[0] for row in PACKETS],
)
@pytest.mark.parametrize("backend", ["nft", "legacy"])
def test_packets(
    ask: Callable[..., tuple[Fate, ...]],
    brief: Callable[[tuple[Fate, ...]], list[str]],
    backend: str,
    destination: str,
    port: int,
    fields: dict[str, Any],
    fates: list[str],
) -> None:
    text, view = (RULES, {}) if backend == "nft" else ("", {"legacy": RULES})
    found = ask(text, destination, port, view=view, **fields)
    rules = [str(rule) for fate in found for rule in fate.rules]
    assert brief(found) == fates, rules


def test_rules_are_those_that_decided(ask: Callable[..., tuple[Fate, ...]]) -> None:
    first, _ = ask(RULES)
    assert [str(rule) for rule in first.rules] == [
        "nat/PREROUTING:1",
        "nat/KUBE-SERVICES:1",
        "nat/KUBE-SVC-A:2",
        "nat/KUBE-SEP-A1:2",
    ]
    (legacy, _) = ask("", view={"legacy": RULES})
    assert str(legacy.rules[0]) == "legacy:nat/PREROUTING:1"
    assert legacy.rules[0].raw.startswith("-A PREROUTING -m comment")


def test_steps_only_when_asked(ask: Callable[..., tuple[Fate, ...]]) -> None:
    assert not ask(RULES)[0].steps
    steps = ask(RULES, explain=True)[0].steps
    told = [f"{step.hook} {step.rule or '-'} {step.action}" for step in steps]
    assert "PREROUTING nat/KUBE-SVC-A:2 chance 50.0%" in told
    assert "PREROUTING nat/KUBE-SEP-A1:2 to 10.244.1.2 port 8080" in told
    assert "ROUTING - forward to cni0" in told


def test_the_source_after_translation(ask: Callable[..., tuple[Fate, ...]]) -> None:
    found = {str(fate.endpoint): str(fate.source) for fate in ask(RULES, **NODE)}
    assert found == {"10.244.1.2:8080": "10.244.1.1", "10.244.2.2:8080": "192.168.0.1"}


# What was not read, and what is not understood


def reading(chains: dict[str, Chain], **fields: Any) -> dict[str, Any]:
    """A node of which only some chains of nat were read; filter and the rest are not there."""
    nat = Table(name="nat", chains=chains, **fields)
    nft = Ruleset(family=Family.IPV4, backend=Backend.NFT, tables={"nat": nat}, complete=True)
    legacy = Ruleset(family=Family.IPV4, backend=Backend.LEGACY, complete=True)
    return {"rulesets": {(Family.IPV4, one.backend): one for one in (nft, legacy)}}


def parsed(ask_view: Callable[..., Any]) -> dict[str, Chain]:
    node = ask_view(RULES)
    return dict(node.rulesets[Family.IPV4, Backend.NFT].tables["nat"].chains)


def test_rounds_of_reading_end(
    ask: Callable[..., tuple[Fate, ...]], view: Callable[..., Any]
) -> None:
    """Whatever is missing is named until nothing is; then the answer is that of the dump."""
    everything = parsed(view)
    held: dict[str, Chain] = {}
    rounds = 0
    while True:
        fates = ask("", view=reading(held))
        wanted = {one.chain for fate in fates for one in fate.unread}
        if not wanted:
            break
        assert {fate.kind for fate in fates} == {FateKind.UNREAD}
        held |= {name: everything.get(name, Chain(name=name, policy="ACCEPT")) for name in wanted}
        rounds += 1
    assert [str(fate.endpoint) for fate in fates] == ["10.244.1.2:8080", "10.244.2.2:8080"]
    assert rounds <= 5
    assert "KUBE-FW-A" not in held


def test_a_walk_names_all_that_it_wants_at_once(
    ask: Callable[..., tuple[Fate, ...]], view: Callable[..., Any]
) -> None:
    chains = parsed(view)
    held = {name: chains[name] for name in ("PREROUTING", "KUBE-SERVICES", "KUBE-SVC-A")}
    (fate,) = ask("", view=reading(held))
    assert {str(one) for one in fate.unread} == {
        "nat/KUBE-SEP-A1",
        "nat/KUBE-SEP-A2",
        "nat/POSTROUTING",
    }


def test_an_empty_view_is_unread(ask: Callable[..., tuple[Fate, ...]]) -> None:
    (fate,) = ask("", view={"rulesets": {}})
    assert fate.kind is FateKind.UNREAD
    assert {str(one) for one in fate.unread} >= {"nat/PREROUTING", "legacy:nat/PREROUTING"}


def test_a_chain_covers_only_some_destinations(
    ask: Callable[..., tuple[Fate, ...]], view: Callable[..., Any]
) -> None:
    chains = parsed(view)
    for name in ("OUTPUT", "INPUT", "POSTROUTING"):
        chains.setdefault(name, Chain(name=name, policy="ACCEPT"))
    whole = chains["KUBE-SERVICES"]
    chains["KUBE-SERVICES"] = Chain(
        name=whole.name, rules=whole.rules, covers=frozenset({ip_address("10.96.0.10")})
    )
    assert {fate.kind for fate in ask("", view=reading(chains))} == {FateKind.ENDPOINT}
    (fate,) = ask("", "10.96.0.99", view=reading(chains))
    assert [str(one) for one in fate.unread] == ["nat/KUBE-SERVICES"]


def test_an_incompatible_table_is_unread(ask: Callable[..., tuple[Fate, ...]]) -> None:
    dump = "# Table `nat' is incompatible, use 'nft' tool.\n"
    (fate,) = ask(dump)
    assert fate.kind is FateKind.UNREAD
    assert "nat/PREROUTING" in {str(one) for one in fate.unread}


UNKNOWNS = [
    ("at the start", "-A PREROUTING", "-m u32 --u32 0x0=0x0 -j ACCEPT", "unknown"),
    ("only logs", "-A PREROUTING", "-m u32 --u32 0x0=0x0 -j LOG", "endpoint"),
    (
        "another port",
        "-A KUBE-SERVICES",
        "-p tcp --dport 9 -m u32 --u32 0x0=0x0 -j DROP",
        "endpoint",
    ),
    ("the same either way", "-A KUBE-SVC-A", "-m u32 --u32 0x0=0x0 -j RETURN", "unknown"),
    ("a target", "-A KUBE-SVC-A", "-p tcp -j TPROXY --on-port 1", "unknown"),
    ("a target of others", "-A KUBE-SVC-A", "-p udp -j TPROXY --on-port 1", "endpoint"),
    ("never reached", "-A KUBE-SVC-B", "-m u32 --u32 0x0=0x0 -j DROP", "endpoint"),
    (
        "a return before the end",
        "-A KUBE-MARK-MASQ",
        "-m u32 --u32 0x0=0x0 -j RETURN",
        "endpoint",
    ),
]


@pytest.mark.parametrize(
    ("chain", "words", "kind"), [row[1:] for row in UNKNOWNS], ids=[row[0] for row in UNKNOWNS]
)
def test_unknown_only_where_it_matters(
    ask: Callable[..., tuple[Fate, ...]], chain: str, words: str, kind: str
) -> None:
    text = RULES.replace(f"\n{chain} ", f"\n{chain} {words}\n{chain} ", 1)
    fates = ask(text)
    assert {fate.kind.value for fate in fates} == {kind}
    if kind == "unknown":
        assert fates[0].because.startswith(f"nat/{chain[3:]}:1: not understood: -")
        assert sum(fate.probability or 0 for fate in fates) == pytest.approx(1)


def test_an_unknown_rule_that_makes_no_difference_is_forgotten(
    ask: Callable[..., tuple[Fate, ...]], brief: Callable[[tuple[Fate, ...]], list[str]]
) -> None:
    text = RULES.replace(
        "*filter\n", "*mangle\n-A PREROUTING -m u32 --u32 0x0=0x0 -j ACCEPT\nCOMMIT\n*filter\n"
    )
    assert brief(ask(text)) == ["endpoint 10.244.1.2:8080 0.5", "endpoint 10.244.2.2:8080 0.5"]


def test_one_simulator_many_packets(view: Callable[..., Any], packet: Callable[..., Any]) -> None:
    simulator = Simulator(view(RULES))
    first = simulator.fates(packet())
    simulator.fates(packet("10.96.0.13"))
    assert simulator.fates(packet()) == first


def test_ipv6(view: Callable[..., Any], packet: Callable[..., Any]) -> None:
    text = """\
*filter
-A FORWARD -s fd00:10::/64 -p ipv6-icmp -j DROP
COMMIT
*nat
-A PREROUTING -d fd00::10/128 -p tcp -m tcp --dport 80 -j DNAT --to-destination [fd00:10::2]:8080
-A POSTROUTING -d fd00:10::/64 -j MASQUERADE
COMMIT
"""
    node = view(
        rulesets={
            (Family.IPV6, Backend.NFT): parse_save(text, Family.IPV6, Backend.NFT),
            (Family.IPV6, Backend.LEGACY): parse_save("", Family.IPV6, Backend.LEGACY),
        },
        addresses=(InterfaceAddress(ip_address("fd00:10::1"), "cni0", 64),),
        routes=(Route(ip_network("fd00:10::/64"), "cni0"),),
    )
    (fate,) = Simulator(node).fates(packet("fd00::10", source=ip_address("fd00:10::9")))
    assert (str(fate.endpoint), str(fate.source)) == ("[fd00:10::2]:8080", "fd00:10::1")
