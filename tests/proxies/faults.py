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
from .topology import HERE, pod

SERVICE, PORT, WRONG = "db-service", 3306, 3307
ENDPOINTS = (pod("n1", 2), pod("n2", 2), pod("n3", 3))
TABLE = ("ip", "kube-proxy")
#: What numgen leads to, in all shapes: `mod 2 vmap { 0 : goto X, 1 : goto Y }`, `mod 2 map { … }`
CHOICE = re.compile(r"mod \d+ (v?map) \{ (.*?) \}")

Seed = Callable[[ProxyNode], AbstractContextManager[None]]
Edit = Callable[[list[str]], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is done in each mode, and what the tool must say of it, worst first."""

    verdict: str
    code: str
    iptables: Seed
    nftables: Seed

    def seeded(self, node: ProxyNode) -> AbstractContextManager[None]:
        return (self.iptables if node.mode == "iptables" else self.nftables)(node)


def cluster_ip(node: ProxyNode, service: str = SERVICE) -> str:
    path = f"/api/v1/namespaces/default/services/{service}"
    return str(node.plane.read(path)["spec"]["clusterIP"])


# iptables


def _chains(node: ProxyNode) -> tuple[Rules, str]:
    rules = Rules(node, HERE)
    return rules, rules.service_chain(cluster_ip(node), PORT)


def _branches(rules: Rules, chain: str) -> list[int]:
    listed = rules.chain("nat", chain)
    return [number for number, rule in enumerate(listed, 1) if "-j KUBE-SEP-" in rule]


def _endpoint_rule_deleted(node: ProxyNode) -> AbstractContextManager[None]:
    rules, chain = _chains(node)
    return rules.without("nat", chain, _branches(rules, chain)[:1])


def _dispatch_rule_deleted(node: ProxyNode) -> AbstractContextManager[None]:
    rules, number = Rules(node, HERE), Rules(node, HERE).find
    mine = number("nat", "KUBE-SERVICES", f"-d {cluster_ip(node)}/32", "-j KUBE-SVC-")
    return rules.without("nat", "KUBE-SERVICES", [mine])


def _wrong_port(node: ProxyNode) -> AbstractContextManager[None]:
    rules, chain = _chains(node)
    branch = rules.chain("nat", chain)[_branches(rules, chain)[0] - 1].split()[-1]
    number = rules.find("nat", branch, "-j DNAT")
    return rules.replaced("nat", branch, number, rf":{PORT}$", f":{WRONG}")


def _uneven(node: ProxyNode) -> AbstractContextManager[None]:
    rules, chain = _chains(node)
    first = _branches(rules, chain)[0]
    return rules.replaced("nat", chain, first, r"--probability \S+", "--probability 0.8")


@contextmanager
def _dropped(node: ProxyNode) -> Iterator[None]:
    words = f"-d {ENDPOINTS[1]}/32 -p tcp --dport {PORT} -j DROP"
    with Rules(node, HERE).inserted("filter", "FORWARD", words):
        yield


@contextmanager
def _diverted(node: ProxyNode) -> Iterator[None]:
    words = f"-d {cluster_ip(node)}/32 -p tcp -j DNAT --to-destination {ENDPOINTS[0]}:{PORT}"
    with Rules(node, HERE).inserted("nat", "PREROUTING", words):
        yield


# nftables


def chain_named(node: ProxyNode, start: str) -> str:
    """The one chain of the IPv4 table that begins so, whatever its hash."""
    listed = node.run("nft", "list", "table", *TABLE)
    [name] = set(re.findall(rf"^\tchain ({start}) \{{$", listed, re.MULTILINE))
    return str(name)


def listed(node: ProxyNode, chain: str) -> list[str]:
    lines = node.run("nft", "list", "chain", *TABLE, chain).splitlines()
    return [line.strip() for line in lines[2:-2]]


@contextmanager
def rewritten(node: ProxyNode, chain: str, edit: Edit) -> Iterator[None]:
    before = listed(node, chain)
    after = edit(before)
    assert after != before, before
    _write(node, chain, after)
    yield
    _write(node, chain, before)
    assert listed(node, chain) == before


def _write(node: ProxyNode, chain: str, rules: Sequence[str]) -> None:
    where = " ".join((*TABLE, chain))
    script = [f"flush chain {where}", *(f"add rule {where} {rule}" for rule in rules)]
    node.run("nft", "-f", "-", stdin="\n".join(script) + "\n")


def of_service(node: ProxyNode) -> str:
    return chain_named(node, rf"service-[A-Z2-7]{{8}}-default/{SERVICE}/tcp/mysql")


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


def _nft_endpoint_gone(node: ProxyNode) -> AbstractContextManager[None]:
    return rewritten(node, of_service(node), chosen(lambda targets: numbered(targets[1:])))


def _nft_uneven(node: ProxyNode) -> AbstractContextManager[None]:
    def change(targets: list[str]) -> tuple[int, list[str]]:
        first, second, third = targets
        return 10, [f"0-7 : {first}", f"8 : {second}", f"9 : {third}"]

    return rewritten(node, of_service(node), chosen(change))


@contextmanager
def _nft_dispatch_gone(node: ProxyNode) -> Iterator[None]:
    address = cluster_ip(node)
    key = f"{address} . tcp . {PORT}"
    element = f"{key} : goto {of_service(node)}"
    node.run("nft", "delete", "element", *TABLE, "service-ips", f"{{ {element} }}")
    yield
    node.run("nft", "add", "element", *TABLE, "service-ips", f"{{ {element} }}")


def _nft_wrong_port(node: ProxyNode) -> AbstractContextManager[None]:
    """Where the address is: in the endpoint's own chain until 1.35, in the Service's since."""
    right, wrong = f"{ENDPOINTS[0]}:{PORT}", f"{ENDPOINTS[0]}:{WRONG}"
    chain = of_service(node)
    if "vmap" in "".join(listed(node, chain)):
        start = rf"endpoint-[A-Z2-7]{{8}}-default/{SERVICE}/tcp/mysql__{ENDPOINTS[0]}/{PORT}"
        chain = chain_named(node, start)
    return rewritten(
        node,
        chain,
        lambda rules: [
            rule.replace(right, wrong).replace(right.replace(":", " . "), wrong.replace(":", " . "))
            for rule in rules
        ],
    )


@contextmanager
def _foreign(node: ProxyNode, hook: str, rule: str) -> Iterator[None]:
    lines = f"type {hook};\n  {rule}\n"
    table = f"table ip fault {{\n chain first {{\n  {lines} }}\n}}\n"
    node.run("nft", "-f", "-", stdin=table)
    yield
    node.run("nft", "delete", "table", "ip", "fault")


def _nft_dropped(node: ProxyNode) -> AbstractContextManager[None]:
    rule = f"ip daddr {ENDPOINTS[1]} tcp dport {PORT} drop"
    return _foreign(node, "filter hook forward priority 10", rule)


def _nft_diverted(node: ProxyNode) -> AbstractContextManager[None]:
    rule = f"ip daddr {cluster_ip(node)} tcp dport {PORT} dnat to {ENDPOINTS[0]}:{PORT}"
    return _foreign(node, "nat hook prerouting priority -110", rule)


FAULTS = {
    "endpoint-gone": Fault(
        verdict="missing",
        code="SVN202",
        iptables=_endpoint_rule_deleted,
        nftables=_nft_endpoint_gone,
    ),
    "dispatch-gone": Fault(
        verdict="absent",
        code="SVN201",
        iptables=_dispatch_rule_deleted,
        nftables=_nft_dispatch_gone,
    ),
    "wrong-port": Fault(
        verdict="stale", code="SVN203", iptables=_wrong_port, nftables=_nft_wrong_port
    ),
    "uneven": Fault(verdict="unbalanced", code="SVN204", iptables=_uneven, nftables=_nft_uneven),
    "dropped": Fault(verdict="blocked", code="SVN205", iptables=_dropped, nftables=_nft_dropped),
    "diverted": Fault(
        verdict="diverted", code="SVN206", iptables=_diverted, nftables=_nft_diverted
    ),
}
