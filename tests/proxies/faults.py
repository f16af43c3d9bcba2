"""Faults for either mode, seeded with the node's own tools in db-service's rules and undone.

In nftables mode a chain is edited as text: its rules are listed, changed, written anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from tests.e2e.nodes import Rules

from .node import ProxyNode
from .topology import HERE, pod, pod6


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The Service that is struck, and the endpoint of it that comes first."""

    service: str
    port_name: str
    port: int
    endpoint: str
    endpoint_port: int
    family: str

    @property
    def table(self) -> tuple[str, str]:
        return ("ip" if self.family == "IPv4" else "ip6", "kube-proxy")

    def at(self, port: int) -> tuple[str, str]:
        """The endpoint at this port, as rules write it."""
        plain = self.endpoint if self.family == "IPv4" else f"[{self.endpoint}]"
        return f"{plain}:{port}", f"{self.endpoint} . {port}"


DB = Target(
    service="db-service",
    port_name="mysql",
    port=3306,
    endpoint=pod(HERE, 2),
    endpoint_port=3306,
    family="IPv4",
)
SIX = Target(
    service="six",
    port_name="http",
    port=80,
    endpoint=pod6(HERE, 2),
    endpoint_port=8080,
    family="IPv6",
)
WRONG = 3307
#: What numgen leads to, in all shapes: `mod 2 vmap { 0 : goto X, 1 : goto Y }`, `mod 2 map { … }`
CHOICE = re.compile(r"mod \d+ (v?map) \{ (.*?) \}")

Seed = Callable[[ProxyNode, Target], AbstractContextManager[None]]
Edit = Callable[[list[str]], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is done in each mode, and what the tool must say of it, worst first; `evidence` is
    a pattern in what it quotes."""

    verdict: str
    code: str
    evidence: str
    iptables: Seed
    nftables: Seed
    target: Target = DB

    def seeded(self, node: ProxyNode) -> AbstractContextManager[None]:
        seed = self.iptables if node.mode == "iptables" else self.nftables
        return seed(node, self.target)


def cluster_ip(node: ProxyNode, to: Target) -> str:
    path = f"/api/v1/namespaces/default/services/{to.service}"
    return str(node.plane.read(path)["spec"]["clusterIP"])


# iptables


def _chains(node: ProxyNode, to: Target) -> tuple[Rules, str]:
    rules = Rules(node, HERE, to.family)
    return rules, rules.service_chain(cluster_ip(node, to), to.port)


def _branches(rules: Rules, chain: str) -> list[int]:
    listed = rules.chain("nat", chain)
    return [number for number, rule in enumerate(listed, 1) if "-j KUBE-SEP-" in rule]


def _endpoint_rule_deleted(node: ProxyNode, to: Target) -> AbstractContextManager[None]:
    rules, chain = _chains(node, to)
    return rules.without("nat", chain, _branches(rules, chain)[:1])


def _dispatch_rule_deleted(node: ProxyNode, to: Target) -> AbstractContextManager[None]:
    rules = Rules(node, HERE, to.family)
    mine = rules.find("nat", "KUBE-SERVICES", f"-d {cluster_ip(node, to)}/", "-j KUBE-SVC-")
    return rules.without("nat", "KUBE-SERVICES", [mine])


def _wrong_port(node: ProxyNode, to: Target) -> AbstractContextManager[None]:
    rules, chain = _chains(node, to)
    branch = rules.chain("nat", chain)[_branches(rules, chain)[0] - 1].split()[-1]
    number = rules.find("nat", branch, "-j DNAT")
    return rules.replaced("nat", branch, number, rf":{to.endpoint_port}$", f":{WRONG}")


def _uneven(node: ProxyNode, to: Target) -> AbstractContextManager[None]:
    rules, chain = _chains(node, to)
    first = _branches(rules, chain)[0]
    return rules.replaced("nat", chain, first, r"--probability \S+", "--probability 0.8")


@contextmanager
def _dropped(node: ProxyNode, to: Target) -> Iterator[None]:
    words = f"-d {to.endpoint} -p tcp --dport {to.endpoint_port} -j DROP"
    with Rules(node, HERE, to.family).inserted("filter", "FORWARD", words):
        yield


@contextmanager
def _diverted(node: ProxyNode, to: Target) -> Iterator[None]:
    there, _ = to.at(to.endpoint_port)
    words = f"-d {cluster_ip(node, to)} -p tcp -j DNAT --to-destination {there}"
    with Rules(node, HERE, to.family).inserted("nat", "PREROUTING", words):
        yield


@contextmanager
def _no_masquerade(node: ProxyNode, to: Target) -> Iterator[None]:
    rules = Rules(node, HERE, to.family)
    with rules.without(
        "nat", "KUBE-POSTROUTING", [rules.find("nat", "KUBE-POSTROUTING", "-j MASQ")]
    ):
        yield


# nftables


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain of kube-proxy's table, edited as text."""

    node: ProxyNode
    table: tuple[str, str]
    name: str

    def rules(self) -> list[str]:
        lines = self.node.run("nft", "list", "chain", *self.table, self.name).splitlines()
        return [line.strip() for line in lines[2:-2]]

    @contextmanager
    def edited(self, edit: Edit) -> Iterator[None]:
        before = self.rules()
        after = edit(before)
        assert after != before, before
        self._write(after)
        yield
        self._write(before)
        assert self.rules() == before

    def _write(self, rules: Sequence[str]) -> None:
        where = " ".join((*self.table, self.name))
        script = [f"flush chain {where}", *(f"add rule {where} {rule}" for rule in rules)]
        self.node.run("nft", "-f", "-", stdin="\n".join(script) + "\n")


def chain_named(node: ProxyNode, to: Target, start: str) -> Chain:
    """The one chain that is named so, but for its hash."""
    text = node.run("nft", "list", "table", *to.table)
    hashed = start.replace("-", "-[A-Z2-7]{8}-", 1)
    [name] = set(re.findall(rf"^\tchain ({hashed}) \{{$", text, re.MULTILINE))
    return Chain(node, to.table, str(name))


def of_service(node: ProxyNode, to: Target) -> Chain:
    return chain_named(node, to, f"service-default/{to.service}/tcp/{to.port_name}")


def chosen(change: Callable[[list[str]], tuple[int, list[str]]]) -> Edit:
    """Edits what the random number leads to: the targets in, modulus and elements out."""

    def edit(rules: list[str]) -> list[str]:
        found = [CHOICE.search(rule) for rule in rules]
        assert any(found), rules
        return [
            f"{rule[: hit.start()]}{_choice(hit, change)}{rule[hit.end() :]}" if hit else rule
            for rule, hit in zip(rules, found, strict=True)
        ]

    return edit


def _choice(hit: re.Match[str], change: Callable[[list[str]], tuple[int, list[str]]]) -> str:
    targets = [element.partition(" : ")[2] for element in hit[2].split(", ")]
    modulus, elements = change(targets)
    return f"mod {modulus} {hit[1]} {{ {', '.join(elements)} }}"


def numbered(targets: list[str]) -> tuple[int, list[str]]:
    return len(targets), [f"{n} : {target}" for n, target in enumerate(targets)]


def _nft_endpoint_gone(node: ProxyNode, to: Target) -> AbstractContextManager[None]:
    return of_service(node, to).edited(chosen(lambda targets: numbered(targets[1:])))


def _nft_uneven(node: ProxyNode, to: Target) -> AbstractContextManager[None]:
    def change(targets: list[str]) -> tuple[int, list[str]]:
        first, *others = targets
        return 10, [f"0-7 : {first}", *(f"{n} : {one}" for n, one in enumerate(others, 8))]

    return of_service(node, to).edited(chosen(change))


@contextmanager
def _nft_dispatch_gone(node: ProxyNode, to: Target) -> Iterator[None]:
    key = f"{cluster_ip(node, to)} . tcp . {to.port}"
    element = f"{{ {key} : goto {of_service(node, to).name} }}"
    node.run("nft", "delete", "element", *to.table, "service-ips", element)
    yield
    node.run("nft", "add", "element", *to.table, "service-ips", element)


def _nft_wrong_port(node: ProxyNode, to: Target) -> AbstractContextManager[None]:
    """Where the address is: in the endpoint's own chain until 1.35, in the Service's since."""
    chain = of_service(node, to)
    if "vmap" in "".join(chain.rules()):
        there = f"{to.endpoint.replace(':', '.')}/{to.endpoint_port}"
        named = f"endpoint-default/{to.service}/tcp/{to.port_name}__{there}"
        chain = chain_named(node, to, named)

    def change(rules: list[str]) -> list[str]:
        for right, wrong in zip(to.at(to.endpoint_port), to.at(WRONG), strict=True):
            rules = [rule.replace(right, wrong) for rule in rules]
        return rules

    return chain.edited(change)


def _nft_no_masquerade(node: ProxyNode, to: Target) -> AbstractContextManager[None]:
    return Chain(node, to.table, "masquerading").edited(lambda rules: [])


@contextmanager
def _foreign(node: ProxyNode, to: Target, hook: str, rule: str) -> Iterator[None]:
    family, _ = to.table
    lines = f"type {hook};\n  {family} daddr {rule}\n"
    table = f"table {family} fault {{\n chain FORWARDED {{\n  {lines} }}\n}}\n"
    node.run("nft", "-f", "-", stdin=table)
    yield
    node.run("nft", "delete", "table", family, "fault")


def _nft_dropped(node: ProxyNode, to: Target) -> AbstractContextManager[None]:
    rule = f"{to.endpoint} tcp dport {to.endpoint_port} drop"
    return _foreign(node, to, "filter hook forward priority 10", rule)


def _nft_diverted(node: ProxyNode, to: Target) -> AbstractContextManager[None]:
    there, _ = to.at(to.endpoint_port)
    rule = f"{cluster_ip(node, to)} tcp dport {to.port} dnat to {there}"
    return _foreign(node, to, "nat hook prerouting priority -110", rule)


@contextmanager
def _dropped_at_a_device(node: ProxyNode, to: Target) -> Iterator[None]:
    """Where packets of the node's pods come in, before all that is iptables."""
    rule = f"{to.table[0]} daddr {cluster_ip(node, to)} drop"
    chain = f'chain guard {{\n  type filter hook ingress device "cni0" priority 0;\n  {rule}\n }}'
    node.run("nft", "-f", "-", stdin=f"table netdev fault {{\n {chain}\n}}\n")
    yield
    node.run("nft", "delete", "table", "netdev", "fault")


@contextmanager
def asleep(node: ProxyNode, to: Target) -> Iterator[None]:
    """All rules are listed, and none is met."""
    where = " ".join(to.table)
    node.run("nft", "-f", "-", stdin=f"table {where} {{\n flags dormant\n}}\n")
    yield
    node.run("nft", "-f", "-", stdin=f"table {where} {{\n}}\n")


FAULTS = {
    "endpoint-gone": Fault(
        verdict="missing",
        code="SVN202",
        evidence="leads to 2 of 3",
        iptables=_endpoint_rule_deleted,
        nftables=_nft_endpoint_gone,
    ),
    "dispatch-gone": Fault(
        verdict="absent",
        code="SVN201",
        evidence="goes on untranslated|cluster-ips-check",
        iptables=_dispatch_rule_deleted,
        nftables=_nft_dispatch_gone,
    ),
    "wrong-port": Fault(
        verdict="stale",
        code="SVN203",
        evidence="leads to 2 of 3",
        iptables=_wrong_port,
        nftables=_nft_wrong_port,
    ),
    "uneven": Fault(
        verdict="unbalanced",
        code="SVN204",
        evidence=f"80.0%  {DB.endpoint}:{DB.port}",
        iptables=_uneven,
        nftables=_nft_uneven,
    ),
    "dropped": Fault(
        verdict="blocked",
        code="SVN205",
        evidence="FORWARD",
        iptables=_dropped,
        nftables=_nft_dropped,
    ),
    "dropped-at-a-device": Fault(
        verdict="blocked",
        code="SVN205",
        evidence="netdev fault/guard:1",
        iptables=_dropped_at_a_device,
        nftables=_dropped_at_a_device,
    ),
    "diverted": Fault(
        verdict="diverted",
        code="SVN206",
        evidence=f"{DB.endpoint}:{DB.port}",
        iptables=_diverted,
        nftables=_nft_diverted,
    ),
    "dispatch-gone-6": Fault(
        verdict="absent",
        code="SVN201",
        evidence="goes on untranslated|cluster-ips-check",
        iptables=_dispatch_rule_deleted,
        nftables=_nft_dispatch_gone,
        target=SIX,
    ),
    "wrong-port-6": Fault(
        verdict="stale",
        code="SVN203",
        evidence="leads to 1 of 2",
        iptables=_wrong_port,
        nftables=_nft_wrong_port,
        target=SIX,
    ),
    "dropped-6": Fault(
        verdict="blocked",
        code="SVN205",
        evidence="FORWARD",
        iptables=_dropped,
        nftables=_nft_dropped,
        target=SIX,
    ),
}

#: No verdict says so: an endpoint that calls its own Service gets answers past the node.
NO_MASQUERADE = Fault(
    verdict="ok",
    code="SVN521",
    evidence="arrives at",
    iptables=_no_masquerade,
    nftables=_nft_no_masquerade,
)
