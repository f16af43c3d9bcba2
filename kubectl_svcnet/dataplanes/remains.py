"""Whose chains are these? By name, for programs that leave their rules behind when they end.

Of kube-proxy by mode (pkg/proxy/{iptables,ipvs}/proxier.go, userspace of 1.24). Chains that the
kubelet makes too are in no row: KUBE-MARK-MASQ, KUBE-MARK-DROP, KUBE-POSTROUTING, KUBE-FIREWALL,
the canaries and the hint prove nothing. Other programs by the agent that would own them, under
the labels of their own manifests: with such a pod on the node its chains are no leftover.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..model.fate import ChainId
from ..model.ruleset import Ruleset
from ..model.service import Pod


@dataclass(frozen=True, slots=True)
class Names:
    names: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    def __contains__(self, chain: str) -> bool:
        return chain in self.names or bool(self.prefixes and chain.startswith(self.prefixes))


#: What every mode of kube-proxy that is made of iptables rules has.
_COMMON = frozenset({"KUBE-SERVICES", "KUBE-FORWARD", "KUBE-PROXY-FIREWALL"})

MODES: Mapping[str, Names] = {
    "iptables": Names(
        _COMMON | {"KUBE-NODEPORTS", "KUBE-EXTERNAL-SERVICES"},
        ("KUBE-SVC-", "KUBE-SVL-", "KUBE-EXT-", "KUBE-FW-", "KUBE-XLB-", "KUBE-SEP-"),
    ),
    "ipvs": Names(
        _COMMON
        | {
            "KUBE-NODE-PORT",
            "KUBE-LOAD-BALANCER",
            "KUBE-IPVS-FILTER",
            "KUBE-IPVS-OUT-FILTER",
            "KUBE-SOURCE-RANGES-FIREWALL",
        }
    ),
    "userspace": Names(
        prefixes=("KUBE-PORTALS-", "KUBE-NODEPORT-HOST", "KUBE-NODEPORT-CONTAINER"),
        names=frozenset({"KUBE-NODEPORT-NON-LOCAL"}),
    ),
    "nftables": Names(),
}


@dataclass(frozen=True, slots=True)
class Agent:
    """A program beside kube-proxy: its chains, and the labels under which its pods run."""

    name: str
    chains: Names
    labels: tuple[tuple[str, str], ...]


AGENTS = (
    Agent("Antrea", Names(prefixes=("ANTREA-",)), (("component", "antrea-agent"),)),
    Agent("AWS VPC CNI", Names(prefixes=("AWS-",)), (("k8s-app", "aws-node"),)),
    Agent("Azure NPM", Names(prefixes=("AZURE-NPM",)), (("k8s-app", "azure-npm"),)),
    Agent("Calico", Names(prefixes=("cali-",)), (("k8s-app", "calico-node"), ("k8s-app", "canal"))),
    Agent("Cilium", Names(prefixes=("CILIUM_", "OLD_CILIUM_")), (("k8s-app", "cilium"),)),
    Agent(
        "flannel",
        Names(prefixes=("FLANNEL-",)),
        (("app", "flannel"), ("k8s-app", "flannel"), ("k8s-app", "canal")),
    ),
    Agent(
        "kube-router",
        Names(prefixes=("KUBE-ROUTER-", "KUBE-POD-FW-", "KUBE-NWPLCY-")),
        (("k8s-app", "kube-router"),),
    ),
    Agent("OVN-Kubernetes", Names(prefixes=("OVN-KUBE-",)), (("app", "ovnkube-node"),)),
    Agent("Weave Net", Names(prefixes=("WEAVE",)), (("name", "weave-net"),)),
)

#: Distributions that run a network plugin inside their own process: no pod shows it.
_EMBEDDING = ("+k3s", "+rke2")


def kube_proxy_chains(ruleset: Ruleset, modes: Iterable[str] = MODES) -> frozenset[ChainId]:
    """Chains that only kube-proxy makes, in any of these modes."""
    known = [MODES[mode] for mode in modes if mode in MODES]
    return _named(ruleset, known)


def abandoned(
    ruleset: Ruleset, agents: Iterable[Pod], kubelet: str
) -> Mapping[str, frozenset[ChainId]]:
    """By program: its chains, where none of its pods runs on the node."""
    if any(mark in kubelet for mark in _EMBEDDING):
        return {}
    labels = {item for pod in agents for item in pod.labels.items()}
    found = {
        agent.name: _named(ruleset, [agent.chains])
        for agent in AGENTS
        if labels.isdisjoint(agent.labels)
    }
    return {name: chains for name, chains in found.items() if chains}


def _named(ruleset: Ruleset, known: Iterable[Names]) -> frozenset[ChainId]:
    known = tuple(known)
    return frozenset(
        ruleset.chain_id(table.name, chain)
        for table in ruleset.tables.values()
        for chain in table.chains
        if any(chain in names for names in known)
    )
