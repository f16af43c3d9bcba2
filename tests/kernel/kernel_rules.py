"""Rulesets as kube-proxy shapes them, with Services of random kinds, and ways to spoil them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.kernel.kernel_net import (
    FAR_PODS,
    NODE,
    NODE_BRIDGE,
    OTHER_NODE,
    OUTSIDE,
    POD_A,
    POD_B,
    Probe,
)

TCP, UDP = 6, 17
BASE = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
}
ENDPOINTS = (POD_A, POD_B, *FAR_PODS, OTHER_NODE, NODE)
EXTERNAL_IP, BALANCER_IP = "203.0.113.10", "203.0.113.20"


@dataclass
class Rules:
    """Chains by table, in order; a rule is its text after the chain's name."""

    chains: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    policies: dict[tuple[str, str], str] = field(default_factory=dict)

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


@dataclass
class Case:
    texts: dict[str, str]
    probes: list[Probe]
    spoiled: list[str]


Spoil = Callable[["Rules", random.Random, "Frontends"], None]


def make_case(seed: int, blocks: Sequence[Spoil] = ()) -> Case:
    """kube-proxy's rules, spoiled; and with `blocks` what one or two of them write."""
    rng = random.Random(seed)
    own, foreign = Rules(), Rules()
    _frame(own, rng)
    frontends: list[tuple[int, str, int]] = []
    for number in range(rng.randint(1, 3)):
        frontends += _service(own, rng, number)
    own.add("nat", "KUBE-SERVICES", "-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS")
    spoiled = []
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        spoil = rng.choice(SPOILERS)
        where = foreign if rng.random() < 0.25 else own
        spoil(where, rng, frontends)
        spoiled.append(f"{spoil.__name__}{' (other backend)' if where is foreign else ''}")
    for block in rng.sample(blocks, min(len(blocks), rng.choice((1, 1, 2)))):
        where = foreign if rng.random() < 0.25 else own
        block(where, rng, frontends)
        spoiled.append(f"{block.__name__}{' (other backend)' if where is foreign else ''}")
    backends = rng.sample(("nft", "legacy"), 2)
    texts = dict(zip(backends, (own.text(), foreign.text()), strict=True))
    return Case(texts, _probes(rng, frontends), spoiled)


def _frame(rules: Rules, rng: random.Random) -> None:
    """What is there before the first Service."""
    for hook in ("PREROUTING", "OUTPUT"):
        rules.add("nat", hook, "-j KUBE-SERVICES")
    rules.chains["nat", "KUBE-SERVICES"] = []
    rules.chains["nat", "KUBE-NODEPORTS"] = []
    rules.add("nat", "POSTROUTING", "-j KUBE-POSTROUTING")
    rules.add("nat", "KUBE-MARK-MASQ", "-j MARK --or-mark 0x4000")
    if rng.random() < 0.6:
        rules.add("nat", "KUBE-POSTROUTING", "-m mark ! --mark 0x4000/0x4000 -j RETURN")
        rules.add("nat", "KUBE-POSTROUTING", "-j MARK --xor-mark 0x4000")
        rules.add("nat", "KUBE-POSTROUTING", "-j MASQUERADE --random-fully")
    else:
        rules.add("nat", "KUBE-POSTROUTING", "-m mark --mark 0x4000/0x4000 -j MASQUERADE")
    new = "-m conntrack --ctstate NEW"
    for hook in ("FORWARD", "OUTPUT"):
        rules.add("filter", hook, f"{new} -j KUBE-SERVICES")
    for hook in ("INPUT", "FORWARD"):
        rules.add("filter", hook, f"{new} -j KUBE-EXTERNAL-SERVICES")
    rules.add("filter", "FORWARD", "-j KUBE-FORWARD")
    rules.add("filter", "INPUT", "-j KUBE-FIREWALL")
    rules.chains["filter", "KUBE-SERVICES"] = []
    rules.chains["filter", "KUBE-EXTERNAL-SERVICES"] = []
    rules.add("filter", "KUBE-FORWARD", "-m conntrack --ctstate INVALID -j DROP")
    rules.add("filter", "KUBE-FORWARD", "-m mark --mark 0x4000/0x4000 -j ACCEPT")
    rules.add("filter", "KUBE-FIREWALL", "-m mark --mark 0x8000/0x8000 -j DROP")
    rules.add("nat", "KUBE-MARK-DROP", "-j MARK --or-mark 0x8000")
    if rng.random() < 0.2:
        rules.policies["filter", "FORWARD"] = "DROP"
        rules.add("filter", "FORWARD", "-s 10.244.0.0/16 -j ACCEPT")


def _service(rules: Rules, rng: random.Random, number: int) -> list[tuple[int, str, int]]:
    protocol = rng.choice((TCP, UDP))
    word = "tcp" if protocol == TCP else "udp"
    vip, port, node_port = f"10.96.0.{number + 10}", rng.choice((80, 443)), 30080 + number
    port_match = f"-p {word} -m {word} --dport {port}"
    kind = rng.choice(("cluster", "nodeport", "external", "balancer", "empty"))
    if kind == "empty":
        answer = "-j REJECT --reject-with icmp-port-unreachable"
        rules.add("filter", "KUBE-SERVICES", f"-d {vip}/32 {port_match} {answer}")
        return [(protocol, vip, port)]
    backends = rng.sample(ENDPOINTS, rng.randint(1, 4))
    affinity = rng.random() < 0.2
    _endpoint_chains(rules, number, word, backends, affinity=affinity)
    service, masquerade = f"KUBE-SVC-{number}", rng.choice(("new", "old", "none"))
    outside = f"! -s 10.244.0.0/16 -d {vip}/32 {port_match}"
    if masquerade == "new":
        rules.chains["nat", service].insert(0, f"{outside} -j KUBE-MARK-MASQ")
    elif masquerade == "old":
        rules.add("nat", "KUBE-SERVICES", f"{outside} -j KUBE-MARK-MASQ")
    rules.add("nat", "KUBE-SERVICES", f"-d {vip}/32 {port_match} -j {service}")
    frontends = [(protocol, vip, port)]
    if kind == "cluster":
        return frontends
    external = f"KUBE-EXT-{number}"
    local = rng.random() < 0.3
    _external_chain(rules, rng, number, backends, local=local)
    node_match = f"-p {word} -m {word} --dport {node_port}"
    rules.add("nat", "KUBE-NODEPORTS", f"{node_match} -j {external}")
    frontends.append((protocol, NODE, node_port))
    if kind == "external":
        rules.add("nat", "KUBE-SERVICES", f"-d {EXTERNAL_IP}/32 {port_match} -j {external}")
        frontends.append((protocol, EXTERNAL_IP, port))
    if kind == "balancer":
        firewall = f"KUBE-FW-{number}"
        rules.add("nat", "KUBE-SERVICES", f"-d {BALANCER_IP}/32 {port_match} -j {firewall}")
        rules.add("nat", firewall, f"-s {rng.choice((OUTSIDE, '10.0.0.0'))}/32 -j {external}")
        rules.add("nat", firewall, "-j KUBE-MARK-DROP")
        frontends.append((protocol, BALANCER_IP, port))
    return frontends


def _endpoint_chains(
    rules: Rules, number: int, word: str, backends: list[str], *, affinity: bool
) -> None:
    service = f"KUBE-SVC-{number}"
    rules.chains["nat", service] = []
    names = [f"KUBE-SEP-{number}-{index}" for index in range(len(backends))]
    if affinity:
        for name in names:
            seen = f"-m recent --name {name} --rcheck --seconds 10800 --reap"
            rules.add("nat", service, f"{seen} -j {name}")
    for index, (name, address) in enumerate(zip(names, backends, strict=True)):
        left = len(backends) - index
        share = f"-m statistic --mode random --probability {1 / left:.10f} " if left > 1 else ""
        rules.add("nat", service, f"{share}-j {name}")
        rules.add("nat", name, f"-s {address}/32 -j KUBE-MARK-MASQ")
        remember = f"-m recent --name {name} --set " if affinity else ""
        to = f"-j DNAT --to-destination {address}:8080"
        rules.add("nat", name, f"-p {word} {remember}-m {word} {to}")


def _external_chain(
    rules: Rules, rng: random.Random, number: int, backends: list[str], *, local: bool
) -> None:
    chain, service = f"KUBE-EXT-{number}", f"KUBE-SVC-{number}"
    if not local:
        rules.add("nat", chain, "-j KUBE-MARK-MASQ")
        rules.add("nat", chain, f"-j {service}")
        return
    rules.add("nat", chain, f"-s 10.244.0.0/16 -j {service}")
    rules.add("nat", chain, "-m addrtype --src-type LOCAL -j KUBE-MARK-MASQ")
    rules.add("nat", chain, f"-m addrtype --src-type LOCAL -j {service}")
    near = [index for index, one in enumerate(backends) if one in (POD_A, POD_B)]
    for place, index in enumerate(near):
        left = len(near) - place
        share = f"-m statistic --mode random --probability {1 / left:.10f} " if left > 1 else ""
        rules.add("nat", f"KUBE-SVL-{number}", f"{share}-j KUBE-SEP-{number}-{index}")
    if near:
        rules.add("nat", chain, f"-j KUBE-SVL-{number}")
    else:
        rules.add("nat", chain, "-j KUBE-MARK-DROP")


def _probes(rng: random.Random, frontends: list[tuple[int, str, int]]) -> list[Probe]:
    probes = []
    for protocol, address, port in frontends:
        for sender, source in (
            ("pod-a", POD_A),
            ("pod-b", POD_B),
            ("far", OUTSIDE),
            ("far", FAR_PODS[0]),
            ("node", None),
        ):
            probes.append(Probe(sender, protocol, source, address, port))
        if address == NODE:
            probes.append(Probe("node", protocol, None, "127.0.0.1", port))
            probes.append(Probe("pod-a", protocol, POD_A, NODE_BRIDGE, port))
    protocol, address, port = rng.choice(frontends)
    probes.append(Probe("pod-a", protocol, POD_A, address, port + 1))
    probes.append(Probe("pod-a", protocol, POD_A, FAR_PODS[1], 8080))
    return probes


# Ways to spoil a ruleset: each changes it in place.

Frontends = list[tuple[int, str, int]]


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
    match = _match(rng, frontends, chain[1])
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
    to = f"{rng.choice(ENDPOINTS)}{rng.choice(('', ':7000', ':7000-7003'))}"
    target = f"-p {word} -m {word} --dport {port} -j DNAT --to-destination {to}"
    place = rules.chains["nat", hook]
    place.insert(rng.choice((0, len(place))), f"-d {address}/32 {target}")


def _foreign_redirect(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    hook = rng.choice(("PREROUTING", "OUTPUT"))
    match = _match(rng, frontends, hook)
    protocol = "" if "-p " in match else "-p tcp "
    rules.chains["nat", hook].insert(0, f"{protocol}{match} -j REDIRECT --to-ports 15001")


def _foreign_masquerade(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    rule = rng.choice(
        (
            "-s 10.244.1.0/24 ! -d 10.244.0.0/16 -j MASQUERADE",
            "-s 10.244.1.0/24 ! -o cni0 -j MASQUERADE",
            f"-o eth0 -j SNAT --to-source {NODE}",
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
    _insert(rules, rng, ("mangle", hook), f"{_match(rng, frontends, hook)} -j {mark}")


def _foreign_reject(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    hook = rng.choice(("INPUT", "FORWARD"))
    match = _match(rng, frontends, hook)
    _insert(rules, rng, ("filter", hook), f"{match} -j REJECT --reject-with icmp-port-unreachable")


def _notrack(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    hook = rng.choice(("PREROUTING", "OUTPUT"))
    _insert(rules, rng, ("raw", hook), f"{_match(rng, frontends, hook)} -j CT --notrack")


def _not_understood(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    """Matches that the simulator does not know: length, ttl, tos."""
    table, hook = _base(rng)
    word = rng.choice(("-m length --length 0:60", "-m ttl --ttl-gt 3", "-m tos --tos 0x10/0x3f"))
    verdicts = ("ACCEPT", "RETURN") if table == "nat" else ("ACCEPT", "DROP", "RETURN")
    _insert(rules, rng, (table, hook), f"{word} -j {rng.choice(verdicts)}")


_HOOK_MATCHES = {
    "-i cni0": ("PREROUTING", "INPUT", "FORWARD"),
    "! -i eth0": ("PREROUTING", "INPUT", "FORWARD"),
    "-o cni+": ("FORWARD", "OUTPUT", "POSTROUTING"),
    "! -o eth0": ("FORWARD", "OUTPUT", "POSTROUTING"),
    "-m owner --uid-owner 0": ("OUTPUT", "POSTROUTING"),
}


def _match(rng: random.Random, frontends: Frontends, chain: str) -> str:
    protocol, address, port = rng.choice(frontends)
    word = "tcp" if protocol == TCP else "udp"
    anywhere = [
        "",
        f"-d {address}/32",
        f"! -d {address}/32",
        "-s 10.244.0.0/16",
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
        "-m iprange --dst-range 10.244.1.0-10.244.1.255",
        "-m statistic --mode random --probability 0.5",
        "-m statistic --mode nth --every 2 --packet 0",
        f'-m comment --comment "it is \\"quoted\\" -j DROP" -d {address}/32',
    ]
    anywhere += [text for text, chains in _HOOK_MATCHES.items() if chain in chains]
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
