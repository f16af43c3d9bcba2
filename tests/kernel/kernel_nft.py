"""nftables as kube-proxy writes it, from 1.29 to today: one row per shape.

Sources: `pkg/proxy/nftables/proxier.go` of these versions, and captures of 1.33 and 1.36.
"""

from __future__ import annotations

import base64
import hashlib
import random
from dataclasses import dataclass, field

from kubectl_svcnet.model.address import Family
from tests.kernel.kernel_packets import TCP, UDP
from tests.kernel.kernel_places import V4, Places
from tests.kernel.kernel_rules import Frontends

MARK = "meta mark set meta mark | 0x4000"


@dataclass
class NftTable:
    """Chains and sets by name; a chain's first line may be its `type … hook …`."""

    name: str = "kube-proxy"
    family: str = "ip"
    places: Places = V4
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
        line = f"type {kind} hook {hook} priority {priority}; policy accept;"
        self.chains[name] = [line, *rules]

    def rules(self) -> list[tuple[list[str], int]]:
        """Every rule, as its chain's list and its place there."""
        return [
            (chain, at)
            for chain in self.chains.values()
            for at, rule in enumerate(chain)
            if not rule.startswith("type ")
        ]


@dataclass(frozen=True)
class NftEra:
    """`filters`: when refusals are checked. `ports`: endpoint chains, with the port again in the
    rule that marks; or a map of endpoints, alone where there is but one (`single`)."""

    versions: str
    filters: str  # dstnat-1 (before nat), split (before and behind), filter
    per_endpoint: bool = False  # a chain for each
    port_again: bool = False
    cluster_ips: bool = True
    single: bool = False


ERAS = (
    NftEra("1.29", "dstnat-1", per_endpoint=True, port_again=True, cluster_ips=False),
    NftEra("1.30-1.32", "split", per_endpoint=True, port_again=True),
    NftEra("1.33", "filter", per_endpoint=True, port_again=True),
    NftEra("1.34-1.35", "filter", per_endpoint=True),
    NftEra("1.36", "filter"),
    NftEra("1.37", "filter", single=True),
)


def write_nft_proxy(table: NftTable, rng: random.Random, era: NftEra, most: int = 3) -> Frontends:
    """kube-proxy's table for a few random Services; what they listen at."""
    _sets(table, era)
    _base_chains(table, era)
    _checks(table, era)
    frontends: Frontends = []
    for number in range(rng.randint(1, most)):
        frontends += _Service(table, rng, era, number).write()
    return frontends


def _sets(table: NftTable, era: NftEra) -> None:
    places = table.places
    address = "ipv4_addr" if places.family is Family.IPV4 else "ipv6_addr"
    if era.cluster_ips:
        table.sets["cluster-ips"] = ("set", f"type {address};", [])
        table.sets["nodeport-ips"] = ("set", f"type {address};", [places.node])
    key = f"type {address} . inet_proto . inet_service"
    for name in ("no-endpoint-services", "service-ips"):
        table.sets[name] = ("map", f"{key} : verdict", [])
    for name in ("no-endpoint-nodeports", "service-nodeports"):
        table.sets[name] = ("map", "type inet_proto . inet_service : verdict", [])
    if era.cluster_ips:
        table.sets["firewall-ips"] = ("map", f"{key} : verdict", [])
    else:
        table.sets["firewall"] = ("set", f"{key};", [])
        allowed = f"{key} . {address}; flags interval;"
        table.sets["firewall-allow"] = ("set", allowed, [])
    if not era.per_endpoint:
        head = f"type {address} . {address} . inet_proto . inet_service;"
        table.sets["hairpin-connections"] = ("set", head, [])


def _checks(table: NftTable, era: NftEra) -> None:
    """Refusals, dispatch and masquerade."""
    ip, places, chains = table.places.ip, table.places, table.chains
    here = f"{ip} daddr @nodeport-ips"
    if not era.cluster_ips:
        here = f"fib daddr type local {ip} daddr != {places.loopback_net.removesuffix('/128')}"
    ports = f"{here} meta l4proto . th dport vmap"
    where = f"{ip} daddr . meta l4proto . th dport"
    refused = [f"{ports} @no-endpoint-nodeports", f"{where} vmap @no-endpoint-services"]
    chains["nodeport-endpoints-check"], chains["service-endpoints-check"] = (
        [rule] for rule in refused
    )
    chains["services"] = [f"{where} vmap @service-ips", f"{ports} @service-nodeports"]
    chains["reject-chain"] = ["reject"]
    if era.cluster_ips:
        chains["firewall-check"] = [f"{where} vmap @firewall-ips"]
        chains["cluster-ips-check"] = [
            f"{ip} daddr @cluster-ips reject"
            ' comment "Reject traffic to invalid ports of ClusterIPs"',
            f'{ip} daddr {places.services} drop comment "Drop traffic to unallocated ClusterIPs"',
        ]
    else:
        allowed = f"{where} . {ip} saddr @firewall-allow return"
        chains["firewall-allow-check"] = [allowed, "drop"]
        chains["firewall-check"] = [f"{where} @firewall jump firewall-allow-check"]
        chains["endpoints-check"] = refused[::-1]
        chains["forward"] = ["ct state invalid drop"]
        del chains["nodeport-endpoints-check"], chains["service-endpoints-check"]
    if era.per_endpoint:
        chains["mark-for-masquerade"] = [MARK]
        chains["masquerading"] = [
            "meta mark & 0x4000 == 0 return",
            "meta mark set meta mark ^ 0x4000",
            "masquerade fully-random",
        ]
        return
    note = 'comment "masquerade clusterIP traffic from outside cluster"'
    own = f"{ip} daddr @cluster-ips {ip} saddr != {places.pods} {MARK} {note}"
    chains["services"].insert(0, own)
    hairpin = f"{ip} saddr . {ip} daddr . meta l4proto . th dport @hairpin-connections"
    chains["masquerading"] = [
        "meta mark & 0x4000 != 0 meta mark set meta mark ^ 0x4000 masquerade fully-random",
        f"ct status dnat {hairpin} masquerade fully-random",
    ]


def _base_chains(table: NftTable, era: NftEra) -> None:
    new = "ct state new jump"
    endpoints, nodeports = f"{new} service-endpoints-check", f"{new} nodeport-endpoints-check"
    firewall, addresses = f"{new} firewall-check", f"{new} cluster-ips-check"
    if era.filters == "dstnat-1":
        both = f"{new} endpoints-check"
        table.base("filter-input", "filter", "input", -101, both, firewall)
        table.base("filter-forward", "filter", "forward", -101, both, "jump forward", firewall)
        table.base("filter-output", "filter", "output", -101, both, firewall)
    elif era.filters == "split":
        table.base("filter-prerouting", "filter", "prerouting", -110, firewall)
        table.base("filter-input", "filter", "input", -110, nodeports, endpoints)
        table.base("filter-forward", "filter", "forward", -110, endpoints, addresses)
        table.base("filter-output", "filter", "output", -110, endpoints, firewall)
        table.base("filter-output-post-dnat", "filter", "output", -90, addresses)
    else:
        table.base("filter-prerouting-pre-dnat", "filter", "prerouting", -110, firewall)
        table.base("filter-output-pre-dnat", "filter", "output", -110, firewall)
        table.base("filter-input", "filter", "input", 0, nodeports, endpoints)
        table.base("filter-forward", "filter", "forward", 0, endpoints, addresses)
        table.base("filter-output", "filter", "output", 0, endpoints, addresses)
    table.base("nat-prerouting", "nat", "prerouting", -100, "jump services")
    table.base("nat-output", "nat", "output", -100, "jump services")
    table.base("nat-postrouting", "nat", "postrouting", 100, "jump masquerading")


def _hashed(words: str) -> str:
    return base64.b32encode(hashlib.sha256(words.encode()).digest()).decode()[:8] + f"-{words}"


class _Service:
    """One port of a random Service."""

    def __init__(self, table: NftTable, rng: random.Random, era: NftEra, number: int) -> None:
        self.table, self.rng, self.era = table, rng, era
        self.places = table.places
        self.protocol = rng.choice((TCP, UDP))
        self.word = "tcp" if self.protocol == TCP else "udp"
        self.vip = self.places.vip(number + 10)
        self.port, self.node_port = rng.choice((80, 443)), 30080 + number
        self.note = f'comment "ns/s{number}:p"'
        self.stem = _hashed(f"ns/s{number}/{self.word}/p")
        self.long = f"ns/s{number}/{self.word}/p"
        self.backends = rng.sample(self.places.endpoints, rng.choice((0, 1, 1, 2, 3, 4)))
        self.near = [one for one in self.backends if one in (self.places.pod_a, self.places.pod_b)]
        self.sticky = rng.random() < 0.2
        self.external_local = rng.random() < 0.35
        self.internal_local = rng.random() < 0.1

    def _element(self, name: str, element: str) -> None:
        self.table.sets[name][2].append(element)

    def _at(self, address: str) -> str:
        return f"{address} . {self.word} . {self.port}"

    def write(self) -> Frontends:
        kind = self.rng.choice(("cluster", "nodeport", "external", "balancer"))
        outside = {"external": self.places.external, "balancer": self.places.balancer}.get(kind)
        known = " ".join(
            self.table.sets["service-ips"][2] + self.table.sets["no-endpoint-services"][2]
        )
        if outside is not None and f"{self._at(outside)} " in known:
            outside = None
        addresses = [one for one in (self.vip, outside) if one is not None]
        frontends = [(self.protocol, one, self.port) for one in addresses]
        if kind != "cluster":
            frontends.append((self.protocol, self.places.node, self.node_port))
        if self.era.cluster_ips:
            self._element("cluster-ips", self.vip)
        if not self.backends:
            for one in addresses:
                refusal = f"{self._at(one)} {self.note} : goto reject-chain"
                self._element("no-endpoint-services", refusal)
            if kind != "cluster":
                port = f"{self.word} . {self.node_port} {self.note} : goto reject-chain"
                self._element("no-endpoint-nodeports", port)
            return frontends
        self._chains(outer=kind != "cluster")
        self._cluster()
        if kind != "cluster":
            self._outside(outside)
        return frontends

    def _chains(self, *, outer: bool) -> None:
        """Of endpoints, and who picks one of them."""
        self.table.chains[f"service-{self.stem}"] = self._picks(self.backends)
        if self.near and (self.internal_local or (outer and self.external_local)):
            self.table.chains[f"local-{self.stem}"] = self._picks(self.near)
        if not self.era.per_endpoint:
            hairpin = self.table.sets["hairpin-connections"][2]
            for one in self.near:
                element = f"{one} . {one} . {self.word} . 8080"
                hairpin += [element] * (element not in hairpin)

    def _endpoint(self, one: str) -> str:
        """The end of its chain's name."""
        return _hashed(f"{self.long}__{one.replace(':', '.')}/8080")

    def _picks(self, backends: list[str]) -> list[str]:
        ip, places = self.places.ip, self.places
        if not (self.era.per_endpoint or self.sticky):
            if self.era.single and len(backends) == 1:
                return [f"meta l4proto {self.word} dnat to {places.spot(backends[0], 8080)}"]
            numbered = _numbered([f"{one} . 8080" for one in backends], "map")
            return [f"meta l4proto {self.word} dnat {ip} addr . port to {numbered}"]
        rules = []
        for one in backends:
            name, chain = self._endpoint(one), []
            if self.era.per_endpoint:
                chain.append(f"{ip} saddr {one} jump mark-for-masquerade")
            if self.sticky:
                address = "ipv4_addr" if places.family is Family.IPV4 else "ipv6_addr"
                head = f"type {address}; flags dynamic,timeout; timeout 3h;"
                self.table.sets[f"affinity-{name}"] = ("set", head, [])
                rules.append(f"{ip} saddr @affinity-{name} goto endpoint-{name}")
                chain.append(f"update @affinity-{name} {{ {ip} saddr }}")
            chain.append(f"meta l4proto {self.word} dnat to {places.spot(one, 8080)}")
            self.table.chains[f"endpoint-{name}"] = chain
        gotos = [f"goto endpoint-{self._endpoint(one)}" for one in backends]
        return [*rules, _numbered(gotos, "vmap")]

    def _cluster(self) -> None:
        if self.internal_local and not self.near:
            self._element("no-endpoint-services", f"{self._at(self.vip)} {self.note} : drop")
            return
        chain = f"{'local' if self.internal_local else 'service'}-{self.stem}"
        if self.era.per_endpoint and self.rng.random() < 0.9:
            ip = self.places.ip
            port = f"{self.word} dport {self.port} " if self.era.port_again else ""
            rest = f"{ip} saddr != {self.places.pods} jump mark-for-masquerade"
            self.table.chains[chain].insert(0, f"{ip} daddr {self.vip} {port}{rest}")
        self._element("service-ips", f"{self._at(self.vip)} : goto {chain}")

    def _outside(self, outside: str | None) -> None:
        external, port = f"external-{self.stem}", f"{self.word} . {self.node_port}"
        self._external(external)
        self._element("service-nodeports", f"{port} : goto {external}")
        if outside is not None:
            self._element("service-ips", f"{self._at(outside)} : goto {external}")
        if self.external_local and not self.near:
            self._element("no-endpoint-nodeports", f"{port} {self.note} : drop")
            if outside is not None:
                self._element("no-endpoint-services", f"{self._at(outside)} {self.note} : drop")
        if outside == self.places.balancer and self.rng.random() < 0.5:
            self._ranges(outside)

    def _external(self, chain: str) -> None:
        ip, service = self.places.ip, f"service-{self.stem}"
        mark = "jump mark-for-masquerade" if self.era.per_endpoint else MARK
        if not self.external_local:
            note = "" if self.era.per_endpoint else ' comment "masquerade"'
            self.table.chains[chain] = [f"{mark}{note}", f"goto {service}"]
            return
        self.table.chains[chain] = [
            f'{ip} saddr {self.places.pods} goto {service} comment "short-circuit pod traffic"',
            f'fib saddr type local {mark} comment "masquerade local traffic"',
            f'fib saddr type local goto {service} comment "short-circuit local traffic"',
        ]
        if self.near:
            self.table.chains[chain].append(f"goto local-{self.stem}")

    def _ranges(self, address: str) -> None:
        places, at = self.places, self._at(address)
        ranges = self.rng.choice(([places.outside_net], [places.pods_here, places.outside]))
        if not self.era.cluster_ips:
            self._element("firewall", at)
            for one in ranges:
                self._element("firewall-allow", f"{at} . {one}")
            return
        words = ranges[0] if len(ranges) == 1 else f"{{ {', '.join(ranges)} }}"
        self.table.chains[f"firewall-{self.stem}"] = [f"{places.ip} saddr != {words} drop"]
        self._element("firewall-ips", f"{at} : goto firewall-{self.stem}")


def _numbered(values: list[str], word: str) -> str:
    found = ", ".join(f"{index} : {value}" for index, value in enumerate(values))
    return f"numgen random mod {len(values)} {word} {{ {found} }}"
