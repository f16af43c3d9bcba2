"""Rulesets of a size as kube-proxy writes them, without a cluster: pure.

iptables as all versions do, nftables in two shapes: with a chain per endpoint (1.29 to 1.35), and
with a map of endpoints in the Service's chain (1.36 on).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address

from kubectl_svcnet.dataplanes.kube_proxy_iptables import chain_hash
from kubectl_svcnet.dataplanes.kube_proxy_nftables import hashed_name

from .sizes import NAMESPACE, PORT, TARGET_PORT, Size, addresses, service_name

FIRST_SERVICE = IPv4Address("10.96.16.0")
PODS = "10.244.0.0/16"
MARK = "-j MARK --set-xmark 0x4000/0x4000"

Chains = dict[str, list[str]]


def service_address(number: int) -> IPv4Address:
    return FIRST_SERVICE + number


def iptables(size: Size) -> Iterator[str]:
    """For iptables-restore, line by line."""
    chains: Chains = {
        "PREROUTING": ["-j KUBE-SERVICES"],
        "INPUT": [],
        "OUTPUT": ["-j KUBE-SERVICES"],
        "POSTROUTING": ["-j KUBE-POSTROUTING"],
        "KUBE-SERVICES": [],
        "KUBE-NODEPORTS": [],
        "KUBE-MARK-MASQ": [MARK],
        "KUBE-POSTROUTING": [
            "-m mark ! --mark 0x4000/0x4000 -j RETURN",
            "-j MARK --set-xmark 0x4000/0x0",
            "-j MASQUERADE --random-fully",
        ],
    }
    for number in range(size.services):
        _iptables_service(chains, size, number)
    chains["KUBE-SERVICES"].append("-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS")
    yield "*nat"
    for name in chains:
        yield f":{name} {'-' if name.startswith('KUBE') else 'ACCEPT'} [0:0]"
    for name, rules in chains.items():
        yield from (f"-A {name} {rule}" for rule in rules)
    yield "COMMIT"


def _iptables_service(chains: Chains, size: Size, number: int) -> None:
    name = f"{NAMESPACE}/{service_name(number)}:http"
    own = f"KUBE-SVC-{chain_hash(f'{name}tcp')}"
    comment = f'-m comment --comment "{name} cluster IP"'
    to = f"-d {service_address(number)}/32 -p tcp {comment} -m tcp --dport {PORT}"
    chains["KUBE-SERVICES"].append(f"{to} -j {own}")
    rules = chains[own] = [f"! -s {PODS} {to} -j KUBE-MARK-MASQ"]
    for left, address in zip(range(size.endpoints, 0, -1), addresses(size, number), strict=True):
        place = f"{address}:{TARGET_PORT}"
        endpoint = f"KUBE-SEP-{chain_hash(f'{name}tcp{place}')}"
        chance = f"-m statistic --mode random --probability {1 / left:.11f} " if left > 1 else ""
        rules.append(f'-m comment --comment "{name} -> {place}" {chance}-j {endpoint}')
        comment = f'-m comment --comment "{name}"'
        chains[endpoint] = [
            f"-s {address}/32 {comment} -j KUBE-MARK-MASQ",
            f"-p tcp {comment} -m tcp -j DNAT --to-destination {place}",
        ]


#: What kube-proxy 1.35 and 1.36 write beside their Services.
_KEY = "type ipv4_addr . inet_proto . inet_service : verdict"
_PORTS = "ip daddr @nodeport-ips meta l4proto . th dport vmap"
_DIALLED = "ip daddr . meta l4proto . th dport vmap"
_CHECKS = ("ct state new jump service-endpoints-check", "ct state new jump cluster-ips-check")
_BASES = (
    (
        "filter-prerouting-pre-dnat",
        "filter",
        "prerouting",
        -110,
        ("ct state new jump firewall-check",),
    ),
    ("filter-output-pre-dnat", "filter", "output", -110, ("ct state new jump firewall-check",)),
    (
        "filter-input",
        "filter",
        "input",
        0,
        ("ct state new jump nodeport-endpoints-check", _CHECKS[0]),
    ),
    ("filter-forward", "filter", "forward", 0, _CHECKS),
    ("filter-output", "filter", "output", 0, _CHECKS),
    ("nat-prerouting", "nat", "prerouting", -100, ("jump services",)),
    ("nat-output", "nat", "output", -100, ("jump services",)),
    ("nat-postrouting", "nat", "postrouting", 100, ("jump masquerading",)),
)
_SHARED: Chains = {
    "nodeport-endpoints-check": [f"{_PORTS} @no-endpoint-nodeports"],
    "service-endpoints-check": [f"{_DIALLED} @no-endpoint-services"],
    "firewall-check": [f"{_DIALLED} @firewall-ips"],
    "cluster-ips-check": ["ip daddr @cluster-ips reject", "ip daddr 10.96.0.0/12 drop"],
    "reject-chain": ["reject"],
    "mark-for-masquerade": ["meta mark set meta mark | 0x4000"],
    "masquerading": [
        "meta mark & 0x4000 != 0 meta mark set meta mark ^ 0x4000 masquerade fully-random"
    ],
}


def nftables(size: Size, *, chain_per_endpoint: bool) -> Iterator[str]:
    """For `nft -f`, line by line. Chains are declared before a map names them."""
    chains = {name: list(rules) for name, rules in _SHARED.items()}
    services = chains["services"] = [f"{_DIALLED} @service-ips", f"{_PORTS} @service-nodeports"]
    if not chain_per_endpoint:
        mark = "meta mark set meta mark | 0x4000"
        services.insert(0, f"ip daddr @cluster-ips ip saddr != {PODS} {mark}")
    elements: list[str] = []
    for number in range(size.services):
        own = _nft_service(chains, size, number, chain_per_endpoint=chain_per_endpoint)
        elements.append(f"{service_address(number)} . tcp . {PORT} : goto {own}")
    yield "table ip kube-proxy {"
    yield from (f"\tchain {name} {{\n\t}}" for name in chains)
    yield "}\ntable ip kube-proxy {"
    spots = [str(service_address(number)) for number in range(size.services)]
    yield from _set("set", "cluster-ips", "type ipv4_addr", spots)
    yield from _set("set", "nodeport-ips", "type ipv4_addr", ["172.18.0.4"])
    yield from _set("map", "service-ips", _KEY, elements)
    yield from _set("map", "no-endpoint-services", _KEY, [])
    yield from _set("map", "firewall-ips", _KEY, [])
    for name in ("service-nodeports", "no-endpoint-nodeports"):
        yield from _set("map", name, "type inet_proto . inet_service : verdict", [])
    for name, kind, hook, priority, rules in _BASES:
        base = f"type {kind} hook {hook} priority {priority}; policy accept;"
        yield from (f"\tchain {name} {{", f"\t\t{base}", *(f"\t\t{rule}" for rule in rules), "\t}")
    for name, own_rules in chains.items():
        yield from (f"\tchain {name} {{", *(f"\t\t{rule}" for rule in own_rules), "\t}")
    yield "}"


def _set(kind: str, name: str, key: str, elements: Sequence[str]) -> Iterator[str]:
    yield f"\t{kind} {name} {{\n\t\t{key}"
    if elements:
        yield f"\t\telements = {{ {', '.join(elements)} }}"
    yield "\t}"


def _nft_service(chains: Chains, size: Size, number: int, *, chain_per_endpoint: bool) -> str:
    """The name of its chain."""
    name = f"{NAMESPACE}/{service_name(number)}/tcp/http"
    own, places = f"service-{hashed_name(name)}", list(addresses(size, number))
    if not chain_per_endpoint:
        pairs = ", ".join(f"{at} : {place} . {TARGET_PORT}" for at, place in enumerate(places))
        pick = f"numgen random mod {size.endpoints} map {{ {pairs} }}"
        chains[own] = [f"meta l4proto tcp dnat ip addr . port to {pick}"]
        return own
    behind = [f"endpoint-{hashed_name(f'{name}__{place}/{TARGET_PORT}')}" for place in places]
    pairs = ", ".join(f"{at} : goto {endpoint}" for at, endpoint in enumerate(behind))
    to = f"ip daddr {service_address(number)} tcp dport {PORT} ip saddr != {PODS}"
    chains[own] = [
        f"{to} jump mark-for-masquerade",
        f"numgen random mod {size.endpoints} vmap {{ {pairs} }}",
    ]
    for endpoint, place in zip(behind, places, strict=True):
        chains[endpoint] = [
            f"ip saddr {place} jump mark-for-masquerade",
            f"meta l4proto tcp dnat to {place}:{TARGET_PORT}",
        ]
    return own
