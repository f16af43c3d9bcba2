"""What is left of a network plugin beside another: SVN111.

Two configurations on one node are a warning: at the first one's removal, or with a name that sorts
before, the runtime takes the other. Annotations of a plugin that runs nowhere, while another one
does, are only told; k3s and RKE2 may run theirs without a pod.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model.counted import counted
from ...model.finding import Finding, Level
from ...model.iprange import Census, CNIFiles
from ..codes import finding
from ..usage import limited

#: Plugin, its annotations of nodes, and the labels of its agents.
_PLUGINS = (
    (
        "flannel",
        "flannel.alpha.coreos.com/",
        (("app", "flannel"), ("k8s-app", "flannel"), ("k8s-app", "canal")),
    ),
    ("Calico", "projectcalico.org/", (("k8s-app", "calico-node"), ("k8s-app", "canal"))),
    ("Cilium", "network.cilium.io/", (("k8s-app", "cilium"),)),
    ("kube-router", "kube-router.io/", (("k8s-app", "kube-router"),)),
    ("OVN-Kubernetes", "k8s.ovn.org/", (("app", "ovnkube-node"),)),
    ("Kube-OVN", "ovn.kubernetes.io/", (("app", "kube-ovn-cni"),)),
    ("Antrea", "node.antrea.io/", (("component", "antrea-agent"),)),
)
_EMBEDDED = ("k3s.io/node-args", "rke2.io/node-args")


def judge_plugins(files: Sequence[CNIFiles], census: Census) -> Iterator[Finding]:
    yield from _configurations(files)
    yield from _annotations(census)


def _configurations(files: Sequence[CNIFiles]) -> Iterator[Finding]:
    """One finding for all nodes that have the same ones."""
    alike: dict[tuple[str, ...], list[CNIFiles]] = {}
    for found in files:
        if len(found.names) > 1:
            alike.setdefault(found.names, []).append(found)
    for names, nodes in alike.items():
        who = f"node {nodes[0].node} has" if len(nodes) == 1 else f"{len(nodes)} nodes have"
        yield finding(
            "SVN111",
            f"{who} {counted(len(names), 'CNI configuration')}, {', '.join(names)}: "
            "the first by name counts",
            node=nodes[0].node if len(nodes) == 1 else "",
            evidence=limited(
                f"{found.node}: {', '.join(found.names)} ({found.object})" for found in nodes
            ),
            next=nodes[0].next,
        )


def _annotations(census: Census) -> Iterator[Finding]:
    if census.pods is None:
        return
    labels = {item for pod in census.pods for item in pod.labels.items()}
    running = [name for name, _, agents in _PLUGINS if labels.intersection(agents)]
    for name, prefix, agents in _PLUGINS:
        if not running or labels.intersection(agents):
            continue
        left = [
            node
            for node in census.nodes or ()
            if any(key.startswith(prefix) for key in node.annotations)
            and not any(key in node.annotations for key in _EMBEDDED)
        ]
        if left:
            yield finding(
                "SVN111",
                f"{counted(len(left), 'node has', 'nodes have')} annotations of {name}, "
                f"which does not run; {' and '.join(running)} does",
                node=left[0].name if len(left) == 1 else "",
                evidence=limited(
                    f"node {node.name}: {key}"
                    for node in left
                    for key in sorted(node.annotations)
                    if key.startswith(prefix)
                ),
                next=f"kubectl get node {left[0].name} -o yaml",
                level=Level.INFO,
            )
