"""`nft list chain …`: the Service range as a node's rules have it, kube-proxy's or Calico's.

kube-proxy drops what goes to addresses of the range that no Service has (pkg/proxy/nftables/
proxier.go, 1.30 on): `ip daddr 10.96.0.0/16 drop comment "Drop traffic to unallocated ClusterIPs"`;
of several ranges `ip daddr { 10.96.0.0/16, 10.97.0.0/16 } drop`. Felix drops or rejects, with a
counter, by a rule for each (felix/rules/static.go). Other rules of the chain say nothing. One whose
addresses are no ranges raises ParseError.
"""

from __future__ import annotations

import re

from ..model.address import IPNetwork
from ._text import split_lines
from .cidr import parse_networks

_DROP = re.compile(
    r"\s*ip6? daddr (?:\{([^}@]*)\}|([^@{}\s]+)) (?:counter [^@{}]*)?(?:drop|reject)\b"
)


def parse_nft_service_range(text: str) -> tuple[tuple[tuple[IPNetwork, ...], str], ...]:
    """Of each such rule the ranges, and its line."""
    found = []
    for line in split_lines(text):
        rule = _DROP.match(line)
        if rule is not None:
            found.append((parse_networks(_with_prefixes(rule[1] or rule[2])), line.strip()))
    return tuple(found)


def _with_prefixes(addresses: str) -> str:
    """nft writes a whole address without its prefix length."""
    parts = (part.strip() for part in addresses.split(",") if part.strip())
    return ",".join(p if "/" in p else f"{p}/{128 if ':' in p else 32}" for p in parts)
