"""Rulesets in the text of iptables-save, and random ways to spoil one."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.kernel.kernel_packets import TCP, Probe
from tests.kernel.kernel_places import V4, Places

BASE = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
}

#: What a Service listens at: protocol, address, port.
Frontends = list[tuple[int, str, int]]


@dataclass
class Rules:
    """Chains by table, in order; a rule is its text after the chain's name."""

    places: Places = V4
    chains: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    policies: dict[tuple[str, str], str] = field(default_factory=dict)
    taken: set[tuple[str, int]] = field(default_factory=set)  # addresses and ports outside

    def __post_init__(self) -> None:
        for table, names in BASE.items():
            for name in names:
                self.chains[table, name] = []

    def add(self, table: str, chain: str, rule: str) -> None:
        self.chains.setdefault((table, chain), []).append(rule)

    def text(self) -> str:
        lines = []
        for table, base in BASE.items():
            mine = {name: rules for (t, name), rules in self.chains.items() if t == table}
            lines.append(f"*{table}")
            for name in mine:
                policy = self.policies.get((table, name), "ACCEPT") if name in base else "-"
                lines.append(f":{name} {policy} [0:0]")
            for name, rules in mine.items():
                lines += [f"-A {name} {rule}" for rule in rules]
            lines.append("COMMIT")
        return "\n".join(lines) + "\n"


Spoil = Callable[[Rules, random.Random, Frontends], None]


def probes_of(places: Places, rng: random.Random, frontends: Frontends) -> list[Probe]:
    """Every client of every frontend, and a few packets beside them."""
    clients = (
        ("pod-a", places.pod_a),
        ("pod-b", places.pod_b),
        ("far", places.outside),
        ("far", places.far_pods[0]),
        ("node", None),
    )
    probes = []
    for protocol, address, port in frontends:
        probes += [Probe(who, protocol, source, address, port) for who, source in clients]
        if address == places.node:
            probes.append(Probe("node", protocol, None, places.loopback, port))
            probes.append(Probe("pod-a", protocol, places.pod_a, places.node_bridge, port))
    protocol, address, port = rng.choice(frontends)
    probes.append(Probe("pod-a", protocol, places.pod_a, address, port + 1))
    probes.append(Probe("pod-a", protocol, places.pod_a, places.far_pods[1], 8080))
    return probes


# Ways to spoil a ruleset: each changes it in place.


def _any_rule(rules: Rules, rng: random.Random, table: str = "nat") -> tuple[list[str], int] | None:
    full = [chain for (t, _), chain in rules.chains.items() if t == table and chain]
    if not full:
        return None
    chain = rng.choice(full)
    return chain, rng.randrange(len(chain))


def _base(rng: random.Random) -> tuple[str, str]:
    table = rng.choice(tuple(BASE))
    return table, rng.choice(BASE[table])


def _delete_rule(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    if found := _any_rule(rules, rng):
        del found[0][found[1]]


def _wrong_port(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    if found := _any_rule(rules, rng):
        chain, at = found
        chain[at] = chain[at].replace(":8080", ":9999")


def _insert(rules: Rules, rng: random.Random, chain: tuple[str, str], rule: str) -> None:
    place = rules.chains[chain]
    place.insert(rng.randint(0, len(place)), rule)


def _insert_verdict(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    table = rng.choice(("nat", "filter", "mangle"))
    chain = rng.choice([key for key in rules.chains if key[0] == table])
    verdicts = ["RETURN", "ACCEPT"] if table == "nat" else ["RETURN", "ACCEPT", "DROP"]
    match = _match(rules.places, rng, frontends, chain[1])
    _insert(rules, rng, chain, f"{match} -j {rng.choice(verdicts)}")


def _goto_for_jump(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    if found := _any_rule(rules, rng):
        chain, at = found
        if "-j KUBE-" in chain[at]:
            chain[at] = chain[at].replace("-j KUBE-", "-g KUBE-")


def _swap(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    if (found := _any_rule(rules, rng)) and len(found[0]) > 1:
        rng.shuffle(found[0])


def _foreign_dnat(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    protocol, address, port = rng.choice(frontends)
    word = "tcp" if protocol == TCP else "udp"
    hook = rng.choice(("PREROUTING", "OUTPUT"))
    places, port_to = rules.places, rng.choice(("", "7000", "7000-7003"))
    end = rng.choice(places.endpoints)
    to = places.spot(end, port_to) if port_to else places.alone(end)
    target = f"-p {word} -m {word} --dport {port} -j DNAT --to-destination {to}"
    place = rules.chains["nat", hook]
    place.insert(rng.choice((0, len(place))), f"-d {places.one(address)} {target}")


def _foreign_redirect(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    hook = rng.choice(("PREROUTING", "OUTPUT"))
    match = _match(rules.places, rng, frontends, hook)
    protocol = "" if "-p " in match else "-p tcp "
    rules.chains["nat", hook].insert(0, f"{protocol}{match} -j REDIRECT --to-ports 15001")


def _foreign_masquerade(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    places = rules.places
    rule = rng.choice(
        (
            f"-s {places.pods_here} ! -d {places.pods} -j MASQUERADE",
            f"-s {places.pods_here} ! -o cni0 -j MASQUERADE",
            f"-o eth0 -j SNAT --to-source {places.node}",
            "-o cni0 -j MASQUERADE",
            "-m conntrack --ctstate DNAT -j MASQUERADE",
        )
    )
    place = rules.chains["nat", "POSTROUTING"]
    place.insert(rng.choice((0, len(place))), rule)


def _foreign_mark(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    hook = rng.choice(("PREROUTING", "OUTPUT", "FORWARD", "POSTROUTING"))
    mark = rng.choice(
        (
            "MARK --set-xmark 0x4000/0x4000",
            "MARK --set-mark 0x8000",
            "MARK --and-mark 0xffffbfff",
            "MARK --xor-mark 0x4000",
            "CONNMARK --set-xmark 0x4000/0x4000",
            "CONNMARK --restore-mark",
            "CONNMARK --save-mark",
        )
    )
    _insert(rules, rng, ("mangle", hook), f"{_match(rules.places, rng, frontends, hook)} -j {mark}")


def _foreign_reject(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    hook = rng.choice(("INPUT", "FORWARD"))
    match = _match(rules.places, rng, frontends, hook)
    answer = f"REJECT --reject-with {rules.places.refused}"
    _insert(rules, rng, ("filter", hook), f"{match} -j {answer}")


def _notrack(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    hook = rng.choice(("PREROUTING", "OUTPUT"))
    _insert(
        rules, rng, ("raw", hook), f"{_match(rules.places, rng, frontends, hook)} -j CT --notrack"
    )


def _not_understood(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    """Matches of what differs from packet to packet."""
    table, hook = _base(rng)
    hops = rules.places.hops
    word = rng.choice(
        ("-m length --length 0:60", f"-m {hops} --{hops}-gt 3", "-m tos --tos 0x10/0x3f")
    )
    verdicts = ("ACCEPT", "RETURN") if table == "nat" else ("ACCEPT", "DROP", "RETURN")
    _insert(rules, rng, (table, hook), f"{word} -j {rng.choice(verdicts)}")


_HOOK_MATCHES = {
    "-i cni0": ("PREROUTING", "INPUT", "FORWARD"),
    "! -i eth0": ("PREROUTING", "INPUT", "FORWARD"),
    "-o cni+": ("FORWARD", "OUTPUT", "POSTROUTING"),
    "! -o eth0": ("FORWARD", "OUTPUT", "POSTROUTING"),
    "-m physdev --physdev-is-in": ("PREROUTING", "INPUT", "FORWARD"),
    "-m physdev --physdev-is-bridged": ("FORWARD", "POSTROUTING"),
    "-m physdev ! --physdev-is-out": ("FORWARD", "POSTROUTING"),
    "-m physdev ! --physdev-out pod-a": ("FORWARD", "POSTROUTING"),
    "-m owner --uid-owner 0": ("OUTPUT", "POSTROUTING"),
    "-m owner ! --uid-owner 0": ("OUTPUT", "POSTROUTING"),
    "-m owner --socket-exists": ("OUTPUT", "POSTROUTING"),
}
#: Chains that one hook alone leads to.
_ONLY_FROM = {"KUBE-POSTROUTING": "POSTROUTING", "KUBE-FORWARD": "FORWARD"}


def _match(places: Places, rng: random.Random, frontends: Frontends, chain: str) -> str:
    protocol, address, port = rng.choice(frontends)
    word = "tcp" if protocol == TCP else "udp"
    anywhere = [
        "",
        f"-d {places.one(address)}",
        f"! -d {places.one(address)}",
        f"-s {places.pods}",
        f"-p {word} -m {word} --dport {port}",
        f"-p {word} -m {word} ! --dport 8080",
        f"-p {word} -m multiport --dports 80,{port},8080:8090",
        "-p tcp --syn",
        "-p tcp -m tcp ! --tcp-flags SYN,ACK SYN",
        "-m mark --mark 0x4000/0x4000",
        "-m mark ! --mark 0x4000/0x4000",
        "-m connmark --mark 0x4000/0x4000",
        "-m conntrack --ctstate NEW",
        "-m conntrack --ctstate INVALID",
        "-m conntrack ! --ctstate NEW,RELATED",
        "-m conntrack --ctstate DNAT",
        "-m conntrack ! --ctstate DNAT,SNAT",
        "-m state --state ESTABLISHED,RELATED",
        "-m addrtype --dst-type LOCAL",
        "-m addrtype ! --dst-type LOCAL",
        "-m addrtype --src-type LOCAL",
        "-m addrtype ! --src-type LOCAL --dst-type UNICAST",
        "-m pkttype --pkt-type unicast",
        f"-m iprange --dst-range {places.node_bridge}-{places.pod_a}",
        "-m statistic --mode random --probability 0.5",
        "-m statistic --mode nth --every 2 --packet 0",
        f'-m comment --comment "it is \\"quoted\\" -j DROP" -d {places.one(address)}',
    ]
    hook = _ONLY_FROM.get(chain, chain)
    anywhere += 2 * [text for text, hooks in _HOOK_MATCHES.items() if hook in hooks]
    return rng.choice(anywhere)


SPOILERS: tuple[Callable[[Rules, random.Random, Frontends], None], ...] = (
    _delete_rule,
    _wrong_port,
    _insert_verdict,
    _insert_verdict,
    _goto_for_jump,
    _swap,
    _foreign_dnat,
    _foreign_redirect,
    _foreign_masquerade,
    _foreign_mark,
    _foreign_reject,
    _notrack,
    _not_understood,
)
