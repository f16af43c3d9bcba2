"""A base chain that is not walked again does what a walk would show: an explained one is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from kubectl_svcnet.engine.simulate import Simulator, repeats
from kubectl_svcnet.engine.simulate.flow import Branch
from kubectl_svcnet.engine.simulate.matching import answer
from kubectl_svcnet.engine.simulate.questions import Place
from kubectl_svcnet.engine.simulate.routing import Routing
from kubectl_svcnet.model import matches as m
from kubectl_svcnet.model.fate import ChainId, Fate, FateKind
from kubectl_svcnet.model.ipset import IPSet, Member, Part
from kubectl_svcnet.model.packet import Hook, Packet
from tests.samples import FLOW

SERVICES = {"10.96.0.10": ("A", (2, 3, 4)), "10.96.0.11": ("B", (5, 6, 3))}
MANY = ";".join(f"-A FORWARD -d 10.0.0.{n}/32 -j DROP" for n in range(40))

#: In filter, and whether it tells endpoints of the Services apart.
RULES = [
    ("-A FORWARD -d 10.244.1.3/32 -j DROP", True),
    ("-A FORWARD ! -d 10.244.1.0/29 -j DROP; -A FORWARD -d 10.244.1.4/31 -j REJECT", True),
    ("-A FORWARD -m iprange --dst-range 10.244.1.3-10.244.1.4 -j DROP", True),
    ("-A FORWARD -d 10.244.0.3/255.255.0.255 -j DROP", True),
    ("-A FORWARD -m conntrack --ctreplsrc 10.244.1.3 -j DROP", True),
    ("-A FORWARD -m conntrack --ctorigdst 10.96.0.11 -j DROP", True),
    ("-A FORWARD -m set --match-set s dst -j DROP", True),
    (f"{MANY}; -A FORWARD -d 10.244.1.3/32 -j DROP", True),
    (":UP - [0:0]; -A FORWARD -j UP; -A UP -d 10.244.1.3/32 -j DROP", True),
    ("-A FORWARD -j MARK --set-mark 7; -A FORWARD -d 10.244.1.3 -m mark --mark 7 -j DROP", True),
    ("-A FORWARD -m addrtype --dst-type LOCAL -j DROP", False),
    ("-A FORWARD -m pkttype --pkt-type unicast -j DROP", False),
    ("-A FORWARD -m statistic --mode random --probability 0.5 -j DROP", False),
    ("-A FORWARD -m limit --limit 5/min -j DROP", False),
    ("-A FORWARD -m recent --name r --rdest --set; -A FORWARD -m recent --name r --rcheck", False),
    ("-A FORWARD -m nonsense --words 1 -j DROP", False),
    ("-A FORWARD -j NOWHERE", False),
    ("-A FORWARD -s 10.244.1.9/32 -j REJECT", False),
]


def dump(filter_rules: str) -> str:
    nat = [":PREROUTING ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", ":POSTROUTING ACCEPT [0:0]"]
    for address, (name, hosts) in SERVICES.items():
        nat.append(f":KUBE-SVC-{name} - [0:0]")
        for hook in ("PREROUTING", "OUTPUT"):
            nat.append(f"-A {hook} -d {address}/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-{name}")
        for at, host in enumerate(hosts):
            chance = f"-m statistic --mode random --probability {1 / (len(hosts) - at):.8f}"
            target = f"-p tcp -j DNAT --to-destination 10.244.1.{host}:8080"
            nat.append(f"-A KUBE-SVC-{name} {chance if at < len(hosts) - 1 else ''} {target}")
    nat.append("-A POSTROUTING -j MASQUERADE")
    heads = [f":{chain} ACCEPT [0:0]" for chain in ("INPUT", "FORWARD", "OUTPUT")]
    rules = [rule.strip() for rule in filter_rules.split(";") if rule.strip()]
    rules.sort(key=lambda rule: not rule.startswith(":"))
    return "\n".join(["*nat", *nat, "COMMIT", "*filter", *heads, *rules, "COMMIT", ""])


def packets(packet: Callable[..., Packet]) -> list[Packet]:
    return [
        packet(address, source=source, hook=hook)
        for address in SERVICES
        for source, hook in (
            (ip_address("10.244.1.9"), Hook.PREROUTING),
            (ip_address("10.244.1.3"), Hook.PREROUTING),
            (None, Hook.OUTPUT),
        )
    ]


def bare(fates: tuple[Fate, ...]) -> tuple[Fate, ...]:
    return tuple(replace(fate, steps=()) for fate in fates)


def viewed(view: Callable[..., Any], rules: str) -> Any:
    members: dict[tuple[Part, ...], Member] = {(ip_network("10.244.1.3/32"),): Member()}
    sets = {"s": IPSet(name="s", kinds=("ip",), members=members)}
    return view(dump(rules), sets=sets)


@pytest.mark.parametrize(("rules", "differs"), RULES, ids=[rules for rules, _ in RULES])
def test_what_is_not_walked_again_is_what_a_walk_shows(
    rules: str, differs: bool, view: Callable[..., Any], packet: Callable[..., Packet]
) -> None:
    simulator = Simulator(viewed(view, rules))
    asked = [*packets(packet), *packets(packet)]
    for one in asked:
        assert bare(simulator.fates(one)) == bare(simulator.fates(one, explain=True))
    kinds = {fate.kind for one in asked for fate in simulator.fates(one)}
    assert (len(kinds) > 1 and FateKind.ENDPOINT in kinds) or not differs


def test_endpoints_alike_are_walked_once(
    view: Callable[..., Any], packet: Callable[..., Packet], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    find = repeats.Repeats.find

    def watched(self: repeats.Repeats, where: ChainId, branch: Branch, place: Place) -> Any:
        kept = find(self, where, branch, place)
        found.append((where.chain, branch.flow.destination.packed[-1], kept is not None))
        return kept

    monkeypatch.setattr(repeats.Repeats, "find", watched)
    simulator = Simulator(viewed(view, "-A FORWARD -d 10.244.1.4/32 -j DROP"))
    simulator.fates(packet("10.96.0.10"))
    walked = [(chain, host) for chain, host, kept in found if not kept and chain == "FORWARD"]
    assert len(walked) == 2  # the one that is dropped, and one of the two others
    assert ("FORWARD", 4) in walked
    found.clear()
    simulator.fates(packet("10.96.0.11"))
    assert {(chain, kept) for chain, _, kept in found} == {
        ("PREROUTING", False),  # a DNAT is walked each time
        ("FORWARD", True),
        ("POSTROUTING", True),
    }


BLIND = (
    m.ConnmarkIs(0, 1),
    m.CtDirection(reply=False),
    m.CtState(frozenset({"NEW"})),
    m.CtStatus(frozenset({"CONFIRMED"})),
    m.Fragment(),
    m.Icmp("3"),
    m.Interface(outgoing=False, name="cni0"),
    m.IPProtocol(6),
    m.MarkIs(0, 1),
    m.Never(),
    m.Owner("uid"),
    m.Ports(m.Side.DESTINATION, ((80, 80),)),
    m.TcpFlags(frozenset({"SYN"}), frozenset({"SYN"})),
    m.AddressIn(m.Side.SOURCE, ip_network("10.96.0.0/16")),
)


@pytest.mark.parametrize("match", BLIND, ids=lambda match: type(match).__name__)
def test_blind_matches_see_no_destination(
    match: object, view: Callable[..., Any], packet: Callable[..., Packet]
) -> None:
    assert repeats.is_blind(match)
    routing, answers = Routing(view()), []
    for address in ("10.244.1.3", "192.168.0.1", "8.8.8.8", "255.255.255.255", "224.0.0.1"):
        sent = packet(address)
        flow = FLOW._replace(
            source_port=40000, destination=sent.destination, out_device="eth0", mark=0
        )
        answers.append(answer(match, flow, Place("FORWARD", routing, {}, sent)))
    assert len(set(answers)) == 1


def test_each_blind_match_is_tried() -> None:
    assert {type(match) for match in BLIND} == repeats._BLIND | {m.AddressIn}
