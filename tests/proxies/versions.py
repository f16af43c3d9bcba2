"""Which kube-proxies are looked at, and in what the oldest differ from the API's word.

One of each shape of rules: iptables with KUBE-XLB (until 1.23), KUBE-MARK-DROP (until 1.24), and
since; nftables with chains of endpoints (until 1.35), with maps of addresses, and with a single
endpoint in the rule itself (1.37).
"""

from __future__ import annotations

import re

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

#: Services which old kube-proxies serve otherwise than newer ones, the verdict that shows it, and
#: why that is no fault of the node.
UNLIKE: tuple[tuple[re.Pattern[str], str, str, str], ...] = (
    (
        re.compile(r"v1\.24\."),
        "terminating",
        "blocked",
        "endpoints that are terminating are used where no others are since 1.26",
    ),
    (
        re.compile(r"v1\.24\."),
        "ext-ip-local",
        "stale",
        "the API of that time allowed no externalTrafficPolicy without a node port",
    ),
    (re.compile(r"v1\.24\."), "ext-ip-local-far", "stale", "the same"),
)


def unlike(version: str) -> dict[str, str]:
    """The verdicts other than ok of a healthy kube-proxy of this version, by Service."""
    return {name: verdict for pattern, name, verdict, _ in UNLIKE if pattern.match(version)}
