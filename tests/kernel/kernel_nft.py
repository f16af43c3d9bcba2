"""nftables as kube-proxy shapes it, all generations, with foreign tables, and ways to spoil it.

G1 is 1.29 to 1.35 (a chain per endpoint), G2 is 1.36 (a map of endpoints), G3 is 1.37 (as G2, a
single endpoint without a map). 1.30 to 1.33 check refusals before and after nat, later ones in
the filter hooks.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.kernel.kernel_net import FAR_PODS, NODE, OUTSIDE, POD_A, POD_B, Probe
from tests.kernel.kernel_rules import (
    BALANCER_IP,
    ENDPOINTS,
    EXTERNAL_IP,
    TCP,
    UDP,
    Frontends,
    Rules,
)

ACCEPT = "policy accept;"
KEY = "type ipv4_addr . inet_proto . inet_service : verdict"
NOT_A_POD = "ip saddr != 10.244.0.0/16"


@dataclass
class NftTable:
    """Chains and sets by name; a chain's first line may be its `type … hook …`."""

    name: str = "kube-proxy"
    family: str = "ip"
    chains: dict[str, list[str]] = field(default_factory=dict)
    sets: dict[str, tuple[str, str, list[str]]] = field(default_factory=dict)

    def text(self) -> str:
        lines = [f"table {self.family} {self.name} {{"]
        for name, (kind, head, elements) in self.sets.items():
            lines += [f"\t{kind} {name} {{", f"\t\t{head}"]
            if elements:
                lines.append(f"\t\telements = {{ {', '.join(elements)} }}")
            lines.append("\t}")
        for name, rules in self.chains.items():
            lines += [f"\tchain {name} {{", *(f"\t\t{rule}" for rule in rules), "\t}"]
        return "\n".join([*lines, "}", ""])

    def base(self, name: str, kind: str, hook: str, priority: int | str, *rules: str) -> None:
        line = f"type {kind} hook {hook} priority {priority}; {ACCEPT}"
        self.chains[name] = [line, *rules]

    def rules(self) -> list[tuple[list[str], int]]:
        """Every rule, as its chain's list and its place there."""
        return [
            (chain, at)
            for chain in self.chains.values()
            for at, rule in enumerate(chain)
            if not rule.startswith("type ")
        ]


@dataclass
class NftCase:
    """`orders` are texts to load one after the other: nft's, or iptables-nft's."""

    orders: list[tuple[str, str]]
    probes: list[Probe]
    spoiled: list[str]
    shape: str


def make_nft_case(seed: int) -> NftCase:
    rng = random.Random(seed)
    shape = rng.choice(("G1", "G2", "G3"))
    own = NftTable()
    _frame(own, rng, shape)
    frontends: Frontends = []
    for number in range(rng.randint(1, 3)):
        frontends += _service(own, rng, number, shape)
    foreign: list[NftTable] = []
    iptables = Rules()
    spoiled = []
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        spoil = rng.choice(SPOILERS)
        spoil(own, rng, frontends, foreign, iptables)
        spoiled.append(spoil.__name__)
    orders = [("nft", table.text()) for table in (own, *foreign)]
    if iptables.chains != Rules().chains:
        orders.append(("iptables", iptables.text()))
    rng.shuffle(orders)
    return NftCase(orders, _probes(rng, frontends), spoiled, shape)


def _frame(table: NftTable, rng: random.Random, shape: str) -> None:
    table.sets["cluster-ips"] = ("set", "type ipv4_addr;", [])
    table.sets["nodeport-ips"] = ("set", "type ipv4_addr;", [NODE])
    for name in ("no-endpoint-services", "service-ips", "firewall-ips"):
        table.sets[name] = ("map", KEY, [])
    for name in ("no-endpoint-nodeports", "service-nodeports"):
        table.sets[name] = ("map", "type inet_proto . inet_service : verdict", [])
    if shape != "G1":
        head = "type ipv4_addr . ipv4_addr . inet_proto . inet_service;"
        table.sets["hairpin-connections"] = ("set", head, [])
    checks = ("ct state new jump service-endpoints-check", "ct state new jump cluster-ips-check")
    filters: int | str = rng.choice((0, -110)) if shape == "G1" else 0
    table.base("filter-pre", "filter", "prerouting", -110, "ct state new jump firewall-check")
    table.base("filter-out", "filter", "output", -110, "ct state new jump firewall-check")
    table.base(
        "filter-input", "filter", "input", filters, "ct state new jump nodeport-endpoints-check",
        checks[0],
    )  # fmt: skip
    table.base("filter-forward", "filter", "forward", filters, *checks)
    table.base("filter-output", "filter", "output", 0 if filters == 0 else -90, *checks)
    table.base("nat-prerouting", "nat", "prerouting", -100, "jump services")
    table.base("nat-output", "nat", "output", -100, "jump services")
    table.base("nat-postrouting", "nat", "postrouting", 100, "jump masquerading")
    chains = table.chains
    ports = "ip daddr @nodeport-ips meta l4proto . th dport vmap"
    chains["nodeport-endpoints-check"] = [f"{ports} @no-endpoint-nodeports"]
    key = "ip daddr . meta l4proto . th dport vmap"
    chains["service-endpoints-check"] = [f"{key} @no-endpoint-services"]
    chains["firewall-check"] = [f"{key} @firewall-ips"]
    chains["services"] = [f"{key} @service-ips", f"{ports} @service-nodeports"]
    chains["cluster-ips-check"] = ["ip daddr @cluster-ips reject", "ip daddr 10.96.0.0/16 drop"]
    chains["reject-chain"] = ["reject"]
    chains["mark-for-masquerade"] = ["meta mark set meta mark | 0x4000"]
    if shape == "G1":
        chains["masquerading"] = [
            "meta mark & 0x4000 == 0 return",
            "meta mark set meta mark ^ 0x4000",
            "masquerade fully-random",
        ]
        return
    mark = f"ip daddr @cluster-ips {NOT_A_POD} meta mark set meta mark | 0x4000"
    chains["services"].insert(0, mark)
    chains["masquerading"] = [
        "meta mark & 0x4000 != 0 meta mark set meta mark ^ 0x4000 masquerade fully-random",
        "ct status dnat ip saddr . ip daddr . meta l4proto . th dport @hairpin-connections"
        " masquerade fully-random",
    ]


def _service(table: NftTable, rng: random.Random, number: int, shape: str) -> Frontends:
    protocol = rng.choice((TCP, UDP))
    word = "tcp" if protocol == TCP else "udp"
    vip, port, node_port = f"10.96.0.{number + 10}", rng.choice((80, 443)), 30080 + number
    kind = rng.choice(("cluster", "nodeport", "external", "balancer", "empty"))
    elements = {name: found for name, (_, _, found) in table.sets.items()}
    elements["cluster-ips"].append(vip)
    frontends: Frontends = [(protocol, vip, port)]
    if kind == "empty":
        elements["no-endpoint-services"].append(f"{vip} . {word} . {port} : goto reject-chain")
        refusal = rng.choice(("drop", "goto reject-chain"))
        elements["no-endpoint-nodeports"].append(f"{word} . {node_port} : {refusal}")
        return [*frontends, (protocol, NODE, node_port)]
    backends = rng.sample(ENDPOINTS, rng.randint(1, 4))
    base = f"HASH{number:04}-ns/s{number}/{word}/p"
    service = f"service-{base}"
    _endpoints(table, rng, service, base, word, backends, shape)
    if shape == "G1":
        masquerade = f"ip daddr {vip} {word} dport {port} {NOT_A_POD} jump mark-for-masquerade"
        table.chains[service].insert(0, masquerade)
    elements["service-ips"].append(f"{vip} . {word} . {port} : goto {service}")
    if kind == "cluster":
        return frontends
    external = _external(table, rng, base, word, backends, shape)
    if kind == "nodeport":
        elements["service-nodeports"].append(f"{word} . {node_port} : goto {external}")
        return [*frontends, (protocol, NODE, node_port)]
    address = EXTERNAL_IP if kind == "external" else BALANCER_IP
    if f"{address} . {word} . {port} " in " ".join(elements["service-ips"]):
        return frontends
    elements["service-ips"].append(f"{address} . {word} . {port} : goto {external}")
    if kind == "balancer":
        ranges = rng.choice(("192.168.50.0/24", "{ 10.244.1.0/24, 192.168.50.9 }"))
        table.chains[f"firewall-{base}"] = [f"ip saddr != {ranges} drop"]
        elements["firewall-ips"].append(f"{address} . {word} . {port} : goto firewall-{base}")
    return [*frontends, (protocol, address, port)]


def _endpoints(
    table: NftTable,
    rng: random.Random,
    service: str,
    base: str,
    word: str,
    backends: list[str],
    shape: str,
) -> None:
    sticky = rng.random() < 0.2
    rules: list[str] = []
    if shape != "G1":
        hairpin = table.sets["hairpin-connections"][2]
        near = [one for one in backends if one in (POD_A, POD_B)]
        hairpin += [e for one in near if (e := f"{one} . {one} . {word} . 8080") not in hairpin]
    if shape == "G1" or sticky:
        names = [f"endpoint-{base}__{one}/8080" for one in backends]
        for name, one in zip(names, backends, strict=True):
            chain = [f"ip saddr {one} jump mark-for-masquerade"] if shape == "G1" else []
            if sticky:
                seen = name.replace("endpoint-", "affinity-")
                head = "type ipv4_addr; flags dynamic,timeout; timeout 3h;"
                table.sets[seen] = ("set", head, [])
                rules.append(f"ip saddr @{seen} goto {name}")
                chain.append(f"update @{seen} {{ ip saddr }}")
            table.chains[name] = [*chain, f"meta l4proto {word} dnat to {one}:8080"]
        rules.append(_picks([f"goto {name}" for name in names], "vmap"))
    elif shape == "G3" and len(backends) == 1:
        rules.append(f"meta l4proto {word} dnat to {backends[0]}:8080")
    else:
        picks = _picks([f"{one} . 8080" for one in backends], "map")
        rules.append(f"meta l4proto {word} dnat ip addr . port to {picks}")
    table.chains[service] = rules


def _picks(values: list[str], word: str) -> str:
    found = ", ".join(f"{index} : {value}" for index, value in enumerate(values))
    return f"numgen random mod {len(values)} {word} {{ {found} }}"


def _external(
    table: NftTable,
    rng: random.Random,
    base: str,
    word: str,
    backends: list[str],
    shape: str,
) -> str:
    chain, service = f"external-{base}", f"service-{base}"
    mark = "jump mark-for-masquerade" if shape == "G1" else "meta mark set meta mark | 0x4000"
    if rng.random() < 0.6:
        table.chains[chain] = [mark, f"goto {service}"]
        return chain
    near = [one for one in backends if one in (POD_A, POD_B)]
    table.chains[chain] = [
        f"ip saddr 10.244.0.0/16 goto {service}",
        f"fib saddr type local {mark}",
        f"fib saddr type local goto {service}",
    ]
    if near:
        _endpoints(table, random.Random(0.9), f"local-{base}", base, word, near, shape)
        table.chains[chain].append(f"goto local-{base}")
    return chain


def _probes(rng: random.Random, frontends: Frontends) -> list[Probe]:
    senders = (("pod-a", POD_A), ("pod-b", POD_B), ("far", OUTSIDE), ("far", FAR_PODS[0]))
    probes = []
    for protocol, address, port in frontends:
        for sender, source in (*senders, ("node", None)):
            probes.append(Probe(sender, protocol, source, address, port))
        if address == NODE:
            probes.append(Probe("node", protocol, None, "127.0.0.1", port))
    protocol, address, port = rng.choice(frontends)
    probes.append(Probe("pod-a", protocol, POD_A, address, port + 1))
    probes.append(Probe("pod-a", protocol, POD_A, FAR_PODS[1], 8080))
    return probes


# Ways to spoil: each changes kube-proxy's table in place, or puts something beside it.

Spoiler = Callable[[NftTable, random.Random, Frontends, list[NftTable], Rules], None]


def _delete_rule(
    own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules
) -> None:
    chain, at = rng.choice(own.rules())
    del chain[at]


def _wrong_port(
    own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules
) -> None:
    chain, at = rng.choice(own.rules())
    chain[at] = chain[at].replace(":8080", ":9999").replace(". 8080", ". 9999")


def _gap(own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules) -> None:
    """One number of a numgen map has no element."""
    mapped = [(chain, at) for chain, at in own.rules() if "numgen" in chain[at]]
    if mapped:
        chain, at = rng.choice(mapped)
        chain[at] = chain[at].replace("{ 0 : ", "{ 77 : ")


def _lose_element(
    own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules
) -> None:
    full = [elements for _, _, elements in own.sets.values() if elements]
    elements = rng.choice(full)
    del elements[rng.randrange(len(elements))]


def _other_verdict(
    own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules
) -> None:
    full = [found for kind, _, found in own.sets.values() if found and kind == "map"]
    if full:
        elements = rng.choice(full)
        at = rng.randrange(len(elements))
        verdict = rng.choice(("drop", "accept", "return", "continue"))
        elements[at] = f"{elements[at].split(' : ')[0]} : {verdict}"


def _insert_verdict(
    own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules
) -> None:
    chain = own.chains[rng.choice(list(own.chains))]
    at = rng.randint(1 if chain and chain[0].startswith("type ") else 0, len(chain))
    verdict = rng.choice(("accept", "return", "drop", "continue", "counter", "limit rate 1/second"))
    chain.insert(at, f"{_match(rng, f)} {verdict}".strip())


def _jump_for_goto(
    own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules
) -> None:
    chain, at = rng.choice(own.rules())
    swap = ("goto ", "jump ") if "goto " in chain[at] else ("jump ", "goto ")
    chain[at] = chain[at].replace(*swap)


def _swap(own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules) -> None:
    chain = rng.choice(list(own.chains.values()))
    head = chain[:1] if chain and chain[0].startswith("type ") else []
    rest = chain[len(head) :]
    rng.shuffle(rest)
    chain[:] = [*head, *rest]


def _beside(
    others: list[NftTable], rng: random.Random, kind: str, hook: str, priority: int, *rules: str
) -> None:
    table = NftTable(f"beside{len(others)}", rng.choice(("ip", "inet")))
    table.base("mine", kind, hook, priority, *rules)
    others.append(table)


def _foreign_nat(
    own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules
) -> None:
    protocol, address, port = rng.choice(f)
    word = "tcp" if protocol == TCP else "udp"
    one, two = rng.sample(ENDPOINTS, 2)
    to = rng.choice(
        (
            f"dnat ip to {one}:7000",
            f"dnat ip to {one}:7000-7003",
            f"dnat ip to {POD_A}-{POD_B}",
            f"dnat ip to numgen inc mod 2 map {{ 0 : {one}, 1 : {two} }}",
            f"dnat ip to jhash ip saddr mod 2 map {{ 0 : {one}, 1 : {two} }}",
            f"dnat ip to {word} dport map {{ {port} : {one} }}",
            "redirect to :15001",
            "accept",
            "drop",
        )
    )
    hook, priority = rng.choice(("prerouting", "output")), rng.choice((-110, -100, -90))
    _beside(o, rng, "nat", hook, priority, f"ip daddr {address} {word} dport {port} {to}")


def _foreign_source(
    own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules
) -> None:
    rule = rng.choice(
        (
            "ip saddr 10.244.1.0/24 ip daddr != 10.244.0.0/16 masquerade",
            f'oifname "eth0" snat ip to {NODE}',
            'oifname "cni*" masquerade',
            "ct status dnat masquerade",
            "meta mark 0x4000 accept",
        )
    )
    _beside(o, rng, "nat", "postrouting", rng.choice((90, 100, 110)), rule)


def _foreign_filter(
    own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules
) -> None:
    hook = rng.choice(("prerouting", "input", "forward", "output", "postrouting"))
    verdicts = ["drop", "accept", "return"]
    if hook in ("input", "forward", "output"):
        verdicts.append("reject with icmp type port-unreachable")
    priority = rng.choice((-250, -149, -100, -90, 0, 1, 110))
    _beside(o, rng, "filter", hook, priority, f"{_match(rng, f)} {rng.choice(verdicts)}".strip())


def _foreign_mark(
    own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules
) -> None:
    hook = rng.choice(("prerouting", "forward", "output", "postrouting"))
    rule = rng.choice(
        (
            "meta mark set meta mark | 0x4000",
            "meta mark set meta mark & 0xffffbfff",
            "meta mark set 0x4000",
            "ct mark set 0x4000 meta mark set ct mark",
            "meta mark set ip saddr map { 10.244.1.2 : 0x4000, 10.244.1.3 : 0x1 }",
        )
    )
    priority = rng.choice((-150, -120, -99, 99))
    _beside(o, rng, "filter", hook, priority, f"{_match(rng, f)} {rule}".strip())


def _notrack(own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules) -> None:
    hook = rng.choice(("prerouting", "output"))
    _beside(o, rng, "filter", hook, -300, f"{_match(rng, f)} notrack".strip())


def _iptables_nat(
    own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules
) -> None:
    """iptables' nat chains have the same priority: which was loaded last decides."""
    protocol, address, port = rng.choice(f)
    word = "tcp" if protocol == TCP else "udp"
    hook = rng.choice(("PREROUTING", "OUTPUT"))
    to = f"-j DNAT --to-destination {rng.choice(ENDPOINTS)}:7000"
    i.add("nat", hook, f"-d {address}/32 -p {word} -m {word} --dport {port} {to}")


def _not_understood(
    own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules
) -> None:
    words = rng.choice(("ip ttl > 3", "ip length < 60", "@th,0,16 > 0", "ip dscp 0"))
    chain = own.chains[rng.choice(list(own.chains))]
    at = rng.randint(1 if chain and chain[0].startswith("type ") else 0, len(chain))
    chain.insert(at, f"{words} {rng.choice(('accept', 'return', 'drop'))}")


def _match(rng: random.Random, frontends: Frontends) -> str:
    protocol, address, port = rng.choice(frontends)
    word = "tcp" if protocol == TCP else "udp"
    other = "udp" if word == "tcp" else "tcp"
    return rng.choice(
        (
            "",
            f"ip daddr {address}",
            f"ip daddr != {address}",
            f"ip daddr {{ {address}, 10.244.2.0/24 }}",
            "ip saddr 10.244.0.0/16",
            "ip saddr 10.244.1.2-10.244.1.9",
            f"{word} dport {port}",
            f"{word} dport != 8080",
            f"{other} dport != 1",
            f"{word} dport {{ 80, {port}, 8080-8090 }}",
            f"{word} dport >= {port}",
            f"meta l4proto {word} th dport {port}",
            "meta l4proto { tcp, udp }",
            "tcp flags & (fin | syn | rst | ack) == syn",
            "tcp flags syn",
            "meta mark & 0x4000 == 0x4000",
            "meta mark != 0",
            "ct mark 0x4000",
            "ct state new",
            "ct state established,related",
            "ct state != new",
            "ct state { new, invalid }",
            "ct status dnat",
            "ct direction original",
            f"ct original ip daddr {address}",
            "fib daddr type local",
            "fib daddr type != local",
            "fib saddr type local",
            "fib daddr . iif type local",
            "meta skuid 0",
            'iifname "cni0"',
            'iifname != "eth0"',
            'oifname "cni*"',
            'oifname != "eth0"',
            "meta nfproto ipv4",
            "meta pkttype host",
            "numgen random mod 2 0",
            "numgen inc mod 2 0",
            "jhash ip saddr mod 2 1",
            f"ip daddr . {word} dport {{ {address} . {port} }}",
        )
    )


SPOILERS: tuple[Spoiler, ...] = (
    _delete_rule,
    _wrong_port,
    _gap,
    _lose_element,
    _other_verdict,
    _insert_verdict,
    _insert_verdict,
    _jump_for_goto,
    _swap,
    _foreign_nat,
    _foreign_nat,
    _foreign_source,
    _foreign_filter,
    _foreign_filter,
    _foreign_mark,
    _notrack,
    _iptables_nat,
    _not_understood,
)
