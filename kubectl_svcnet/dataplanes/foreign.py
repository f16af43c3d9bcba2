"""Dataplanes that replace kube-proxy and have no reader here yet: named, never guessed at.

A node of theirs is `unread` with a gap that names them (law 2), not `absent`. Labels:
each project's own manifests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..model.address import Family, IPAddress, SocketAddress
from ..model.kube_proxy import embedded
from ..model.nodeview import Dispatched, NodeView, OwnChains
from ..model.service import Frontend, Node, Pod, Service
from ._base import Owner
from .kube_proxy import proxy_pod


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    name: str
    label: tuple[str, str]
    instead: str  # how to ask it today
    owns: Callable[[Node, Pod, tuple[Pod, ...]], bool] = lambda node, pod, agents: True
    own: OwnChains = field(default_factory=OwnChains)

    def recognise(self, node: Node, agents: tuple[Pod, ...]) -> Owner | None:
        key, value = self.label
        pod = next((pod for pod in agents if pod.labels.get(key) == value), None)
        if pod is None or not self.owns(node, pod, agents):
            return None
        return Owner(
            name=self.name,
            why=f"{self.name} handles Services here (pod {pod}); its tables are not read yet",
            next=f"kubectl -n {pod.namespace} exec {pod.name} -- {self.instead}",
        )

    def names(
        self, service: Service, frontend: Frontend, endpoints: Iterable[SocketAddress]
    ) -> frozenset[str]:
        return frozenset()

    def programmed(self, view: NodeView, family: Family | None = None) -> str:
        return ""

    def dispatched(self, view: NodeView) -> Iterable[Dispatched]:
        return ()

    def node_ports_elsewhere(self, view: NodeView, address: IPAddress) -> str:
        return ""


def _calico_bpf(node: Node, pod: Pod, agents: tuple[Pod, ...]) -> bool:
    """Calico leaves Services to kube-proxy unless its eBPF dataplane is on; the environment
    overrides, and without a kube-proxy on the node nobody else could be doing it."""
    flags = [c.environment.get("FELIX_BPFENABLED", "").lower() for c in pod.containers]
    return "true" in flags or (proxy_pod(agents) is None and not embedded(node))


def _router_proxies(node: Node, pod: Pod, agents: tuple[Pod, ...]) -> bool:
    return not any("--run-service-proxy=false" in c.command for c in pod.containers)


FOREIGN = (
    Foreign(
        name="antrea",
        label=("component", "antrea-agent"),
        instead="antctl get ovsflows -S SERVICE",
    ),
    Foreign(
        name="calico-ebpf",
        label=("k8s-app", "calico-node"),
        instead="calico-node -bpf nat dump",
        owns=_calico_bpf,
    ),
    Foreign(
        name="cilium",
        label=("k8s-app", "cilium"),
        instead="cilium-dbg service list",
    ),
    Foreign(name="kube-ovn", label=("app", "kube-ovn-cni"), instead="ovn-nbctl lb-list"),
    Foreign(
        name="kube-router",
        label=("k8s-app", "kube-router"),
        instead="ipvsadm -Ln",
        owns=_router_proxies,
    ),
    Foreign(name="openshift-sdn", label=("app", "sdn"), instead="iptables-save -t nat"),
    Foreign(
        name="ovn-kubernetes",
        label=("app", "ovnkube-node"),
        instead="ovn-nbctl --format=json find Load_Balancer",
    ),
)
