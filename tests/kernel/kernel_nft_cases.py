"""Random cases for nftables: kube-proxy's table of any shape, spoiled, with others beside it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from kubectl_svcnet.model.address import Family
from tests.kernel.kernel_nft import ERAS, NftTable, write_nft_proxy
from tests.kernel.kernel_packets import TCP, Probe
from tests.kernel.kernel_places import V4, V6, Places
from tests.kernel.kernel_rules import Frontends, Rules, probes_of


@dataclass
class NftCase:
    """`orders` are texts to load one after the other: nft's, or iptables-nft's."""

    places: Places
    orders: list[tuple[str, str]]
    probes: list[Probe]
    spoiled: list[str]
    shape: str


def make_nft_case(seed: int, *, foreign: bool = True) -> NftCase:
    """`foreign`: may hold what is not kube-proxy's."""
    rng = random.Random(seed)
    places, era = (V4, V6)[seed // 2 % 2], rng.choice(ERAS)
    own = NftTable(family=places.ip, places=places)
    frontends = write_nft_proxy(own, rng, era)
    others: list[NftTable] = []
    iptables = Rules(places)
    spoiled = []
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        spoil = rng.choice(SPOILERS if foreign else CORRUPTIONS)
        spoil(own, rng, frontends, others, iptables)
        spoiled.append(spoil.__name__)
    orders = [("nft", table.text()) for table in (own, *others)]
    if iptables.chains != Rules(places).chains:
        orders.append(("iptables", iptables.text()))
    rng.shuffle(orders)
    shape = f"{places.family.value} {era.versions} nftables"
    return NftCase(places, orders, probes_of(places, rng, frontends), spoiled, shape)


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
    chain.insert(at, f"{_match(own.places, rng, f)} {verdict}".strip())


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
    own: NftTable,
    others: list[NftTable],
    rng: random.Random,
    kind: str,
    hook: str,
    priority: int,
    *rules: str,
) -> None:
    table = NftTable(f"beside{len(others)}", rng.choice((own.places.ip, "inet")))
    table.base("mine", kind, hook, priority, *rules)
    others.append(table)


def _foreign_nat(
    own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules
) -> None:
    protocol, address, port = rng.choice(f)
    word = "tcp" if protocol == TCP else "udp"
    one, two = rng.sample(own.places.endpoints, 2)
    ip, spot = own.places.ip, own.places.spot(one, 7000)
    to = rng.choice(
        (
            f"dnat {ip} to {spot}",
            f"dnat {ip} to {spot}-7003",
            f"dnat {ip} to {own.places.pod_a}-{own.places.pod_b}",
            f"dnat {ip} to numgen inc mod 2 map {{ 0 : {one}, 1 : {two} }}",
            f"dnat {ip} to jhash {ip} saddr mod 2 map {{ 0 : {one}, 1 : {two} }}",
            f"dnat {ip} to {word} dport map {{ {port} : {one} }}",
            "redirect to :15001",
            "accept",
            "drop",
        )
    )
    hook, priority = rng.choice(("prerouting", "output")), rng.choice((-110, -100, -90))
    _beside(own, o, rng, "nat", hook, priority, f"{ip} daddr {address} {word} dport {port} {to}")


def _foreign_source(
    own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules
) -> None:
    places, ip = own.places, own.places.ip
    rule = rng.choice(
        (
            f"{ip} saddr {places.pods_here} {ip} daddr != {places.pods} masquerade",
            f'oifname "eth0" snat {ip} to {places.node}',
            'oifname "cni*" masquerade',
            "ct status dnat masquerade",
            "meta mark 0x4000 accept",
        )
    )
    _beside(own, o, rng, "nat", "postrouting", rng.choice((90, 100, 110)), rule)


def _foreign_filter(
    own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules
) -> None:
    hook = rng.choice(("prerouting", "input", "forward", "output", "postrouting"))
    verdicts = ["drop", "accept", "return"]
    if hook in ("input", "forward", "output"):
        verdicts.append(f"reject with {own.places.icmp} type port-unreachable")
    priority = rng.choice((-250, -149, -100, -90, 0, 1, 110))
    _beside(
        own,
        o,
        rng,
        "filter",
        hook,
        priority,
        f"{_match(own.places, rng, f)} {rng.choice(verdicts)}".strip(),
    )


def _foreign_mark(
    own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules
) -> None:
    p, hook = own.places, rng.choice(("prerouting", "forward", "output", "postrouting"))
    rule = rng.choice(
        (
            "meta mark set meta mark | 0x4000",
            "meta mark set meta mark & 0xffffbfff",
            "meta mark set 0x4000",
            "ct mark set 0x4000 meta mark set ct mark",
            f"meta mark set {p.ip} saddr map {{ {p.pod_a} : 0x4000, {p.pod_b} : 0x1 }}",
        )
    )
    priority = rng.choice((-150, -120, -99, 99))
    _beside(own, o, rng, "filter", hook, priority, f"{_match(own.places, rng, f)} {rule}".strip())


def _notrack(own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules) -> None:
    hook = rng.choice(("prerouting", "output"))
    _beside(own, o, rng, "filter", hook, -300, f"{_match(own.places, rng, f)} notrack".strip())


def _iptables_nat(
    own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules
) -> None:
    """iptables' nat chains have the same priority: which was loaded last decides."""
    protocol, address, port = rng.choice(f)
    word = "tcp" if protocol == TCP else "udp"
    hook = rng.choice(("PREROUTING", "OUTPUT"))
    to = f"-j DNAT --to-destination {i.places.spot(rng.choice(i.places.endpoints), 7000)}"
    i.add("nat", hook, f"-d {i.places.one(address)} -p {word} -m {word} --dport {port} {to}")


def _not_understood(
    own: NftTable, rng: random.Random, f: Frontends, o: list[NftTable], i: Rules
) -> None:
    ip, hops = own.places.ip, "ttl" if own.places.family is Family.IPV4 else "hoplimit"
    words = rng.choice((f"{ip} {hops} > 3", f"{ip} length < 60", "@th,0,16 > 0", f"{ip} dscp 0"))
    chain = own.chains[rng.choice(list(own.chains))]
    at = rng.randint(1 if chain and chain[0].startswith("type ") else 0, len(chain))
    chain.insert(at, f"{words} {rng.choice(('accept', 'return', 'drop'))}")


def _match(places: Places, rng: random.Random, frontends: Frontends) -> str:
    protocol, address, port = rng.choice(frontends)
    word, ip = "tcp" if protocol == TCP else "udp", places.ip
    other = "udp" if word == "tcp" else "tcp"
    return rng.choice(
        (
            "",
            f"{ip} daddr {address}",
            f"{ip} daddr != {address}",
            f"{ip} daddr {{ {address}, {places.pods_far} }}",
            f"{ip} saddr {places.pods}",
            f"{ip} saddr {places.pod_a}-{places.pod_b}",
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
            f"ct original {ip} daddr {address}",
            "fib daddr type local",
            "fib daddr type != local",
            "fib saddr type local",
            "fib daddr . iif type local",
            "meta skuid 0",
            'iifname "cni0"',
            'iifname != "eth0"',
            'oifname "cni*"',
            'oifname != "eth0"',
            f"meta nfproto {places.family.value.lower()}",
            "meta pkttype host",
            "numgen random mod 2 0",
            "numgen inc mod 2 0",
            f"jhash {ip} saddr mod 2 1",
            f"{ip} daddr . {word} dport {{ {address} . {port} }}",
        )
    )


CORRUPTIONS: tuple[Spoiler, ...] = (
    _delete_rule,
    _wrong_port,
    _gap,
    _lose_element,
    _other_verdict,
    _insert_verdict,
    _insert_verdict,
    _jump_for_goto,
    _swap,
)
SPOILERS: tuple[Spoiler, ...] = (
    *CORRUPTIONS,
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
