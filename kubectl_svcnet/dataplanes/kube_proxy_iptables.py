"""kube-proxy in iptables mode: chain names by hash, and the proof that it programs a node.

Names: kubernetes pkg/proxy/iptables/proxier.go (portProtoHash, servicePortEndpointChainName);
"ns/name:port" has lost its colon for an unnamed port in 1.19 (ServicePortName.String), so both
spellings are hashed. Chains by version: KUBE-XLB until 1.23, KUBE-EXT and KUBE-SVL since 1.24.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address, ip_network

from ..model.address import Family, IPAddress, Protocol, SocketAddress, family_of
from ..model.nodeview import Dispatched, NodeView, OwnChains
from ..model.ruleset import Chain, IndexedRules, Ruleset
from ..model.service import Frontend, FrontendKind, Service
from .kube_proxy import KubeProxy, node_ports_only_at

_SERVICE_PREFIXES = ("KUBE-SVC-", "KUBE-SVL-", "KUBE-EXT-", "KUBE-FW-", "KUBE-XLB-")

OWN = OwnChains(
    names=frozenset(
        (
            "KUBE-SERVICES",
            "KUBE-NODEPORTS",
            "KUBE-POSTROUTING",
            "KUBE-MARK-MASQ",
            "KUBE-MARK-DROP",
            "KUBE-EXTERNAL-SERVICES",
            "KUBE-FORWARD",
            "KUBE-PROXY-FIREWALL",
            "KUBE-FIREWALL",
            "KUBE-PROXY-CANARY",
            "KUBE-KUBELET-CANARY",
            "KUBE-IPTABLES-HINT",
        )
    ),
    prefixes=(*_SERVICE_PREFIXES, "KUBE-SEP-"),
    dispatch=_SERVICE_PREFIXES,
    translate=("KUBE-SEP-",),
    policy=("cali-", "KUBE-POD-FW-", "KUBE-NWPLCY-", "KUBE-ROUTER-", "WEAVE-NPC", "AZURE-NPM"),
)


@lru_cache(maxsize=1 << 16)  # of one Service it is the same on every node
def chain_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()[:10]  # the 16 characters' bits
    return base64.b32encode(digest).decode()


def _port_names(frontend: Frontend) -> tuple[str, ...]:
    name = str(frontend.service)
    if frontend.port_name:
        return (f"{name}:{frontend.port_name}",)
    return (name, f"{name}:")


class KubeProxyIptables(KubeProxy):
    name = "kube-proxy/iptables"
    own = OWN

    def names(
        self, service: Service, frontend: Frontend, endpoints: Iterable[SocketAddress]
    ) -> frozenset[str]:
        """Chains as 1.24 and later make them, and only those that this kind of frontend has; what
        an older kube-proxy calls otherwise is met by walking."""
        spelling = _port_names(frontend)[0] + frontend.protocol.value.lower()
        hashed = chain_hash(spelling)
        kinds = ["KUBE-SVC-"]
        if frontend.kind is not FrontendKind.CLUSTER_IP:
            kinds += ["KUBE-EXT-", "KUBE-NODEPORTS"]
        if service.internal_local or service.external_local:
            kinds.append("KUBE-SVL-")
        if frontend.kind is FrontendKind.LOAD_BALANCER_IP and service.source_ranges:
            kinds.append("KUBE-FW-")
        return frozenset(
            [kind + hashed if kind.endswith("-") else kind for kind in kinds]
            + [f"KUBE-SEP-{chain_hash(spelling + str(endpoint))}" for endpoint in endpoints]
        )

    def programmed(self, view: NodeView, family: Family | None = None) -> str:
        """The jump to KUBE-NODEPORTS that ends nat/KUBE-SERVICES: only iptables mode writes it
        (ipvs mode jumps to KUBE-NODE-PORT, nftables mode removes the chain)."""
        for (found, _), ruleset in view.rulesets.items():
            if family in (None, found) and any(_node_port_jumps(ruleset)):
                return str(ruleset.chain_id("nat", "KUBE-SERVICES"))
        return ""

    def dispatched(self, view: NodeView) -> Iterable[Dispatched]:
        for ruleset in view.rulesets.values():
            chain = ruleset.chain("nat", "KUBE-SERVICES")
            for raw in _raws(chain) if chain is not None and chain.covers is None else ():
                found = _TO_SERVICE.match(raw)
                if found:
                    place = SocketAddress(ip_address(found[1]), int(found[3]))
                    yield Dispatched(place, Protocol(found[2].upper()), _whose(raw))

    def node_ports_elsewhere(self, view: NodeView, address: IPAddress) -> str:
        """With nodePortAddresses the jump to KUBE-NODEPORTS names each address of the node that
        serves node ports (proxier.go, "-d", nodeIP), instead of all local ones."""
        family = family_of(address)
        jumps = [
            _DESTINATION.search(raw)
            for (found, _), ruleset in view.rulesets.items()
            if found is family
            for raw in _node_port_jumps(ruleset)
        ]
        served = [jump[1] for jump in jumps if jump is not None]
        if not served or len(served) < len(jumps):
            return ""
        if any(address in ip_network(text, strict=False) for text in served):
            return ""
        return node_ports_only_at(*served)


_TO_SERVICE = re.compile(
    r"-A KUBE-SERVICES -d ([0-9a-f.:]+)/(?:32|128) -p (tcp|udp|sctp) .*--dport (\d{1,5}) "
    r".*-j KUBE-(?:SVC|EXT|FW|XLB)-"
)
_COMMENT = re.compile(r'--comment "([a-z0-9-]+/[a-z0-9-]+)[: "]')
_DESTINATION = re.compile(r"(?<!! )-d ([0-9a-fA-F.:]+/\d+) ")


def _raws(chain: Chain) -> Iterable[str]:
    """There are thousands, and nobody walks them all."""
    rules = chain.rules
    return rules.raws() if isinstance(rules, IndexedRules) else (rule.raw for rule in rules)


def _whose(raw: str) -> str:
    """By the comment `ns/name:port cluster IP`; above 1,000 endpoints there is none."""
    found = _COMMENT.search(raw)
    return found[1] if found else ""


def _node_port_jumps(ruleset: Ruleset) -> Iterable[str]:
    chain = ruleset.chain("nat", "KUBE-SERVICES")
    for rule in reversed(chain.rules if chain else ()):
        if " -j KUBE-NODEPORTS" in rule.raw:
            yield rule.raw


def matches_hash(frontend: Frontend, chain: str) -> bool:
    """Is this per-Service chain the one that hashing gives the frontend (either spelling)?"""
    protocol = frontend.protocol.value.lower()
    return any(chain.endswith(chain_hash(name + protocol)) for name in _port_names(frontend))


DATAPLANE = KubeProxyIptables()
