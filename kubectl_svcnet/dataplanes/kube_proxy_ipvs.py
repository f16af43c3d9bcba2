"""kube-proxy in ipvs mode (deprecated since 1.35): virtual servers, and iptables around them.

Its Services have no names in the kernel, so a frontend is found by address and port alone. Rules
ask sets (kubernetes pkg/proxy/ipvs/proxier.go, ipset.go); nat/KUBE-SERVICES bears the same name
in iptables mode, whose own rules in it prove that mode.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..model.address import Family, IPAddress
from ..model.ipset import PortOf
from ..model.nodeview import Dispatched, NodeView, OwnChains
from .kube_proxy import KubeProxy, node_ports_only_at
from .kube_proxy_iptables import OWN as IPTABLES

#: The device to which it binds the addresses of Services (pkg/proxy/ipvs, defaultDummyDevice).
DEVICE = "kube-ipvs0"

OWN = OwnChains(
    names=frozenset(
        (
            "KUBE-FIREWALL",
            "KUBE-FORWARD",
            "KUBE-IPTABLES-HINT",
            "KUBE-IPVS-FILTER",
            "KUBE-IPVS-OUT-FILTER",
            "KUBE-KUBELET-CANARY",
            "KUBE-LOAD-BALANCER",
            "KUBE-MARK-DROP",
            "KUBE-MARK-MASQ",
            "KUBE-NODE-PORT",
            "KUBE-POSTROUTING",
            "KUBE-PROXY-CANARY",
            "KUBE-PROXY-FIREWALL",
            "KUBE-SERVICES",
            "KUBE-SOURCE-RANGES-FIREWALL",
        )
    ),
    policy=IPTABLES.policy,
    ipvs=True,
)

#: Words of rules that only this mode writes into nat/KUBE-SERVICES.
_SHOWS = ("--match-set KUBE-CLUSTER-IP ", "--match-set KUBE-6-CLUSTER-IP ")
_NODE_PORTS = ("KUBE-NODE-PORT-", "KUBE-6-NODE-PORT-")


class KubeProxyIpvs(KubeProxy):
    name = "kube-proxy/ipvs"
    own = OWN

    def programmed(self, view: NodeView, family: Family | None = None) -> str:
        """A rule for the set of ClusterIPs: another mode of kube-proxy writes the chain anew."""
        for (found, _), ruleset in view.rulesets.items():
            chain = ruleset.chain("nat", "KUBE-SERVICES")
            for rule in chain.rules if chain and family in (None, found) else ():
                if any(words in rule.raw for words in _SHOWS):
                    return str(ruleset.chain_id("nat", "KUBE-SERVICES"))
        return ""

    def dispatched(self, view: NodeView) -> Iterable[Dispatched]:
        """Virtual servers at addresses of its device alone; others are for node ports, or may be
        (a Service's external IP can be the node's own). They name no Service."""
        addresses = view.addresses or ()
        bound = {entry.address for entry in addresses if entry.interface == DEVICE}
        bound -= {entry.address for entry in addresses if entry.interface != DEVICE}
        for server in view.ipvs.servers if view.ipvs else ():
            if server.address and server.protocol and server.address.address in bound:
                yield Dispatched(server.address, server.protocol)

    def node_ports_elsewhere(self, view: NodeView, address: IPAddress) -> str:
        """With nodePortAddresses only some addresses of the node have virtual servers for the
        ports that the sets of node ports hold."""
        ports = {
            part.port
            for name, found in (view.sets or {}).items()
            if name.startswith(_NODE_PORTS)
            for member in found.members
            for part in member
            if isinstance(part, PortOf)
        }
        mine = {entry.address for entry in view.addresses or () if entry.interface != DEVICE}
        served = {
            server.address.address
            for server in (view.ipvs.servers if view.ipvs else ())
            if server.address is not None and server.address.port in ports
        }
        served = {one for one in served & mine if one.version == address.version}
        if not served or address in served:
            return ""
        return node_ports_only_at(*sorted(served, key=int))


def likely(view: NodeView) -> bool:
    """Do its rules or its device show that there should be virtual servers?"""
    bound = any(entry.interface == DEVICE for entry in view.addresses or ())
    return bound or bool(DATAPLANE.programmed(view))


DATAPLANE = KubeProxyIpvs()
