"""Which kube-proxies are looked at, and in what the oldest differ from the API's word.

One of each shape of rules: iptables with KUBE-XLB (until 1.23), KUBE-MARK-DROP (until 1.24), and
since; nftables with `fib` for node ports (1.29), with chains of endpoints (until 1.35), with maps
of addresses, and with a single endpoint in the rule itself (1.37).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MATRIX = (
    ("v1.23.17", "iptables"),
    ("v1.24.17", "iptables"),
    ("v1.27.16", "iptables"),
    ("v1.29.6", "nftables"),
    ("v1.30.14", "iptables"),
    ("v1.30.14", "nftables"),
    ("v1.33.13", "iptables"),
    ("v1.33.13", "nftables"),
    ("v1.36.3", "iptables"),
    ("v1.36.3", "nftables"),
    ("v1.37.2", "iptables"),
    ("v1.37.2", "nftables"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlike:
    """Services that healthy kube-proxies of old versions serve otherwise than newer ones, the
    verdict that shows it, and why the node is not at fault."""

    where: str  # a pattern of VERSION MODE
    services: tuple[str, ...]
    verdict: str
    why: str


UNLIKE = (
    Unlike(
        where=r"v1\.(29|30)\.\d+ nftables",
        services=("ext-ip-local-far", "lb-local-far"),
        verdict="blocked",
        why="the node's own packets meet no-endpoint-services before they are translated",
    ),
    Unlike(
        where=r"v1\.29\.\d+ nftables",
        services=("np-local-far", "dual-half", "six-far"),
        verdict="blocked",
        why="they meet no-endpoint-nodeports too",
    ),
    Unlike(
        where=r"v1\.29\.\d+ nftables",
        services=("lb-ranges", "lb-ranges-local", "dual-lb", "dual-lb-local"),
        verdict="stale",
        why="source ranges are asked behind the translation, where the address is another",
    ),
    *(
        Unlike(
            where=r"v1\.23\.",
            services=(service,),
            verdict=verdict,
            why="one policy decides for both kinds of traffic (topology.go, FilterEndpoints)",
        )
        for service, verdict in (
            ("both-local", "stale"),
            ("near-np", "missing"),
            ("near-np-far", "blocked"),
        )
    ),
)


def unlike(version: str, mode: str) -> dict[str, str]:
    """By Service: the verdict other than ok of a healthy kube-proxy."""
    here = f"{version} {mode}"
    rows = [row for row in UNLIKE if re.match(row.where, here)]
    return {service: row.verdict for row in rows for service in row.services}
