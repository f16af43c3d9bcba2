"""Which kube-proxies are looked at, and in what the oldest differ from the API's word.

One of each shape of rules: iptables with KUBE-XLB (until 1.23), KUBE-MARK-DROP (until 1.24), and
since; nftables with chains of endpoints (until 1.35), with maps of addresses, and with a single
endpoint in the rule itself (1.37).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MATRIX = (
    ("v1.24.17", "iptables"),
    ("v1.27.16", "iptables"),
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
    """A Service that healthy kube-proxies of old versions serve otherwise than newer ones, the
    verdict that shows it, and why the node is not at fault."""

    where: str  # a pattern of VERSION MODE
    service: str
    verdict: str
    why: str


_TERMINATING = "endpoints that terminate serve where no others do since 1.26 (KEP-1669)"
_EXTERNAL = (
    "no externalTrafficPolicy without a node port until kubernetes#119150, in the API neither"
)
_PRE_DNAT = "until 1.30 the node's own packets meet no-endpoint-services before they are translated"

UNLIKE = (
    Unlike(where=r"v1\.24\.", service="terminating", verdict="blocked", why=_TERMINATING),
    Unlike(where=r"v1\.24\.", service="terminating-local", verdict="blocked", why=_TERMINATING),
    Unlike(where=r"v1\.2[47]\.", service="ext-ip-local", verdict="stale", why=_EXTERNAL),
    Unlike(where=r"v1\.2[47]\.", service="ext-ip-local-far", verdict="stale", why=_EXTERNAL),
    Unlike(
        where=r"v1\.30\.\d+ nftables",
        service="ext-ip-local-far",
        verdict="blocked",
        why=_PRE_DNAT,
    ),
    Unlike(where=r"v1\.30\.\d+ nftables", service="lb-local-far", verdict="blocked", why=_PRE_DNAT),
)


def unlike(version: str, mode: str) -> dict[str, str]:
    """By Service: the verdict other than ok of a healthy kube-proxy."""
    here = f"{version} {mode}"
    return {row.service: row.verdict for row in UNLIKE if re.match(row.where, here)}
