"""kube-proxy in nftables mode: chain names by hash, and the proof that it programs a node.

Names: kubernetes pkg/proxy/nftables/proxier.go (hashAndTruncate). Tables `ip kube-proxy` and
`ip6 kube-proxy`, the same from 1.29 on; the chain that translates is endpoint-… until 1.35 and
service-… (local-…) since 1.36, where only session affinity keeps chains of endpoints.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from ..model.address import Family, IPAddress, Protocol, SocketAddress, family_of
from ..model.nft import NAMES, Parts, Table
from ..model.nodeview import Dispatched, NodeView, OwnChains
from ..model.service import Frontend, FrontendKind, Service
from .kube_proxy import KubeProxy, node_ports_only_at
from .kube_proxy_iptables import OWN as IPTABLES

TABLE = "kube-proxy"
_SERVICE_PREFIXES = ("service-", "local-", "external-", "firewall-")
_PROTOCOLS = {6: Protocol.TCP, 17: Protocol.UDP, 132: Protocol.SCTP}
_LONGEST = 240  # of a name; nft's own limit is 256

OWN = OwnChains(
    names=frozenset(
        (
            "cluster-ips-check",
            "endpoints-check",
            "filter-forward",
            "filter-input",
            "filter-output",
            "filter-output-post-dnat",
            "filter-output-pre-dnat",
            "filter-prerouting",
            "filter-prerouting-pre-dnat",
            "firewall-check",
            "forward",
            "mark-for-masquerade",
            "masquerading",
            "nat-output",
            "nat-postrouting",
            "nat-prerouting",
            "nodeport-endpoints-check",
            "reject-chain",
            "service-endpoints-check",
            "services",
        )
    ),
    prefixes=(*_SERVICE_PREFIXES, "endpoint-"),
    dispatch=_SERVICE_PREFIXES,
    translate=("endpoint-", "service-", "local-"),
    policy=IPTABLES.policy,
    within="/",
    unserved=frozenset({"cluster-ips-check"}),
)


@lru_cache(maxsize=1 << 16)  # of one Service it is the same on every node
def hashed_name(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()[:5]  # the 8 characters' bits
    name = f"{base64.b32encode(digest).decode()}-{text}"
    return name if len(name) <= _LONGEST else name[: _LONGEST - 3] + "..."


def port_text(frontend: Frontend) -> str:
    """ns/name/tcp/port; an unnamed port leaves the last part empty."""
    service, protocol = frontend.service, frontend.protocol.value.lower()
    return f"{service}/{protocol}/{frontend.port_name}"


def endpoint_text(frontend: Frontend, endpoint: SocketAddress) -> str:
    address = str(endpoint.address).replace(":", ".")
    return f"{port_text(frontend)}__{address}/{endpoint.port}"


class KubeProxyNftables(KubeProxy):
    name = "kube-proxy/nftables"
    own = OWN

    def names(
        self, service: Service, frontend: Frontend, endpoints: Iterable[SocketAddress]
    ) -> frozenset[str]:
        """Those that this kind of frontend may have; which of them are there depends on the
        version and on policies."""
        kinds = ["service-", "local-"]
        if frontend.kind is not FrontendKind.CLUSTER_IP:
            kinds += ["external-", "firewall-"]
        hashed = hashed_name(port_text(frontend))
        return frozenset(
            [kind + hashed for kind in kinds]
            + [f"endpoint-{hashed_name(endpoint_text(frontend, e))}" for e in endpoints]
        )

    def dispatched(self, view: NodeView) -> Iterable[Dispatched]:
        """The map's keys, each with its chain, whose name ends in the Service's."""
        for table in self._tables(view, None):
            served = table.sets.get("service-ips")
            for element in served.elements if served and served.covers is None else ():
                place = _place_of(element.key)
                if place is not None:
                    chain = getattr(element.value, "chain", "")
                    yield Dispatched(*place, _whose(chain))

    def node_ports_elsewhere(self, view: NodeView, address: IPAddress) -> str:
        """By default the primary address serves them, which is the one that is dialled. Empty, the
        set proves nothing: that is what a fault would look like."""
        for table in self._tables(view, family_of(address)):
            served = table.sets.get("nodeport-ips")
            keys = [element.key for element in served.elements] if served else []
            if keys and address not in keys:
                return node_ports_only_at(*keys)
        return ""

    def programmed(self, view: NodeView, family: Family | None = None) -> str:
        """The map of Services that is not empty: a stopped kube-proxy leaves it behind, an
        iptables-mode one removes the table at its start."""
        for table in self._tables(view, family):
            services = table.sets.get("service-ips")
            if services is not None and len(services.elements):
                return f"{table}/@service-ips"
        return ""

    def _tables(self, view: NodeView, family: Family | None) -> Iterable[Table]:
        families = NAMES.values() if family is None else (NAMES[family],)
        own = (t for t in view.nft_tables if t.name == TABLE and t.family in families)
        return (table for table in own if not table.dormant)


def _place_of(key: object) -> tuple[SocketAddress, Protocol] | None:
    """Of `address . protocol . port`."""
    match key:
        case Parts((IPv4Address() | IPv6Address() as address, int(number), int(port))):
            protocol = _PROTOCOLS.get(number)
            return (SocketAddress(address, port), protocol) if protocol else None
        case _:
            return None


def _whose(chain: str) -> str:
    """Of `service-HASH-ns/name/tcp/port`; one whose name was cut tells it all the same."""
    parts = "-".join(chain.split("-")[2:]).split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else ""


def matches_hash(frontend: Frontend, chain: str) -> bool:
    """Is this per-Service chain the one that hashing gives the frontend?"""
    return chain.partition("-")[2] == hashed_name(port_text(frontend))


DATAPLANE = KubeProxyNftables()
