"""kube-proxy in userspace mode (until 1.25): rules lead to ports of the proxy itself.

REDIRECT for what comes in, DNAT to the node's address for what the node sends (kubernetes
pkg/proxy/userspace/proxier.go, iptablesInit). Which endpoint the proxy then picks stands in no
rule, so there is no more to say of a frontend than whether something leads it to the proxy.
"""

from __future__ import annotations

from ..model.address import Family, IPAddress
from ..model.nodeview import NodeView, OwnChains
from .kube_proxy import KubeProxy
from .kube_proxy_iptables import OWN as IPTABLES

_RELAYS = (
    "KUBE-NODEPORT-CONTAINER",
    "KUBE-NODEPORT-HOST",
    "KUBE-PORTALS-CONTAINER",
    "KUBE-PORTALS-HOST",
)

OWN = OwnChains(
    names=frozenset((*_RELAYS, "KUBE-NODEPORT-NON-LOCAL", "KUBE-FIREWALL", "KUBE-MARK-DROP")),
    policy=IPTABLES.policy,
    relays=frozenset(_RELAYS),
)


class KubeProxyUserspace(KubeProxy):
    name = "kube-proxy/userspace"
    own = OWN

    def programmed(self, view: NodeView, family: Family | None = None) -> str:
        """The jump from PREROUTING, which other modes take away."""
        for (found, _), ruleset in view.rulesets.items():
            chain = ruleset.chain("nat", "PREROUTING")
            for rule in chain.rules if chain and family in (None, found) else ():
                if " -j KUBE-PORTALS-CONTAINER" in rule.raw:
                    return str(ruleset.chain_id("nat", "KUBE-PORTALS-CONTAINER"))
        return ""

    def node_ports_elsewhere(self, view: NodeView, address: IPAddress) -> str:
        return ""  # its rules for node ports name no address, or all that it serves


DATAPLANE = KubeProxyUserspace()
