"""Through which pod a node is read: a running hostNetwork pod that can list its rules.

kube-proxy first (its image has both backends of iptables), then CNI agents in the order in which
their images were found to hold the tools (calico-node has most). None is a gap that says what
would help.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..model.capture import ExecRequest
from ..model.commands import Command, Needs
from ..model.finding import Gap
from ..model.kube_proxy import embedded
from ..model.service import Node, Pod, pods_on

#: Labels of pods that may read a node, best first, with the container that has the tools; ""
#: takes the first container. The lists of pods ask for exactly these.
AGENTS = (
    ("k8s-app", "kube-proxy", "kube-proxy"),
    ("component", "kube-proxy", "kube-proxy"),
    ("app", "kube-proxy", "kube-proxy"),
    ("app", "openshift-kube-proxy", "kube-proxy"),
    ("k8s-app", "calico-node", "calico-node"),
    ("k8s-app", "canal", "calico-node"),
    ("k8s-app", "cilium", "cilium-agent"),
    ("component", "antrea-agent", "antrea-agent"),
    ("k8s-app", "kube-router", "kube-router"),
    ("name", "weave-net", "weave"),
    ("app", "kindnet", "kindnet-cni"),
    ("app", "flannel", "kube-flannel"),
    ("k8s-app", "flannel", "kube-flannel"),
    ("app", "ovnkube-node", "ovnkube-controller"),
    ("app", "kube-ovn-cni", "cni-server"),
    ("app", "sdn", "sdn"),
    ("k8s-app", "aws-node", "aws-node"),
    ("k8s-app", "azure-npm", "azure-npm"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vantage:
    node: str
    namespace: str
    pod: str
    container: str
    proxy: bool  # it is kube-proxy itself, so its process state is worth a look

    def __str__(self) -> str:
        return f"pod {self.namespace}/{self.pod}"

    def asked(
        self,
        commands: tuple[Command, ...],
        *,
        shell: bool = True,
        in_use: frozenset[Needs] = frozenset(),
    ) -> ExecRequest:
        return ExecRequest(
            node=self.node,
            namespace=self.namespace,
            pod=self.pod,
            container=self.container,
            commands=commands,
            shell=shell,
            in_use=in_use,
        )


def label_selectors() -> tuple[str, ...]:
    """One selector per label key, for the lists of pods."""
    keys: dict[str, list[str]] = {}
    for key, value, _ in AGENTS:
        keys.setdefault(key, []).append(value)
    return tuple(f"{key} in ({','.join(values)})" for key, values in keys.items())


def choose(node: Node, agents: tuple[Pod, ...]) -> Vantage | Gap:
    """The best running vantage of this node, or why there is none."""
    for key, value, container in AGENTS:
        for pod in sorted(agents, key=lambda pod: pod.name):
            if pod.node != node.name or pod.labels.get(key) != value or not pod.host_network:
                continue
            name = container if pod.container(container) else pod.containers[0].name
            found = pod.container(name)
            if found and found.running:
                return Vantage(
                    node=node.name,
                    namespace=pod.namespace,
                    pod=pod.name,
                    container=name,
                    proxy="kube-proxy" in value,
                )
    return _no_vantage(node, agents)


_READS = "runs there with which its rules could be read"


def _no_vantage(node: Node, agents: tuple[Pod, ...]) -> Gap:
    here = pods_on(node, agents)
    if here:
        pod = here[0]
        waits = [container.waiting for container in pod.containers if container.waiting]
        told = waits[0] if waits else f"phase {pod.phase or 'unknown'}"
        why = f"pod {pod} is not running ({told})"
        next = f"kubectl -n {pod.namespace} describe pod {pod.name}"
    else:
        why = f"no kube-proxy or CNI pod {_READS}"
        if inside := embedded(node):
            why = f"{inside} runs kube-proxy within its own process, and no CNI pod {_READS}"
        next = f"kubectl get pods -A -o wide --field-selector spec.nodeName={node.name}"
    return Gap(what="rules", node=node.name, why=why, next=next, blocking=True)
