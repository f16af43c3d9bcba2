"""One node: its namespaces, containerd with the images, and the kubelet.

The kubelet's PATH decides which iptables it finds first, and thereby the backend: it leaves a chain
KUBE-IPTABLES-HINT there, and the kube-proxy image follows that.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from string import Template

from . import cgroups, fabric, images, namespaces, paths
from .processes import Process, in_network_namespace
from .shell import attempt, run, wait_until
from .topology import Node

BACKENDS = ("nft", "legacy")
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
CNI = "10-lab.conflist"  # in the node's folder `cni`
SOCKET = "/run/containerd/containerd.sock"


def prepare(node: Node, backend: str) -> None:
    """Everything but the kubelet: the node can hold containers then, but has no cluster."""
    cgroups.make(node)
    namespaces.hold(node)
    write_configuration(node)
    set_backend(node, backend)
    config = node.folder / "containerd.toml"
    namespaces.start_inside(node, "containerd", ["containerd", "--config", str(config)])
    wait_until(f"{node.name}: containerd answers", lambda: answers(node), timeout=30)


def answers(node: Node) -> bool:
    socket = namespaces.inner_path(node, SOCKET)
    return socket.exists() and attempt([*namespaces.prefix(node), "ctr", "version"]).returncode == 0


def import_images(node: Node, archives: Iterable[Path]) -> None:
    for archive in archives:
        run([*namespaces.prefix(node), "ctr", "-n", "k8s.io", "images", "import", str(archive)])


def write_configuration(node: Node) -> None:
    (node.folder / "manifests").mkdir()
    (node.folder / "cni").mkdir()
    # Pods must not inherit the machine's resolver: there is no way to it.
    (node.folder / "resolv.conf").write_text("")
    for name, target in (
        ("kubelet.yaml", "kubelet.yaml"),
        ("containerd.toml", "containerd.toml"),
        ("cni.conflist", f"cni/{CNI}"),
    ):
        (node.folder / target).write_text(from_template(node, name))


def from_template(node: Node, name: str) -> str:
    values = {
        "folder": str(node.folder),
        "pki": str(paths.PKI),
        "cgroup": node.cgroup,
        "pod_range4": node.pod_range4,
        "pod_range6": node.pod_range6,
        "cni_folder": str(node.folder / "cni"),
        "sandbox_image": images.LABSRV,
    }
    return Template((paths.TEMPLATES / name).read_text()).substitute(values)


def backend(node: Node) -> str:
    return (node.folder / "backend").read_text()


def set_backend(node: Node, name: str) -> None:
    """Takes effect at the kubelet's next start."""
    for family in ("iptables", "ip6tables"):
        for suffix in ("", "-save", "-restore"):
            link = node.folder / "iptables" / name / f"{family}{suffix}"
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(f"/usr/sbin/{family}-{name}{suffix}")
    (node.folder / "backend").write_text(name)


def start_kubelet(node: Node) -> None:
    path = f"{node.folder / 'iptables' / backend(node)}:{SYSTEM_PATH}"
    namespaces.start_inside(
        node, "kubelet", kubelet_command(node), env={**os.environ, "PATH": path}
    )
    wait_until(f"{node.name}: the kubelet is healthy", lambda: kubelet_healthy(node), timeout=60)


def kubelet_command(node: Node) -> list[str]:
    return [
        str(paths.BIN / "kubelet"),
        f"--config={node.folder / 'kubelet.yaml'}",
        f"--kubeconfig={node.folder / 'kubelet.conf'}",
        f"--hostname-override={node.name}",
        f"--node-ip={node.ipv4},{node.ipv6}",
        "--v=2",
    ]


def kubelet_healthy(node: Node) -> bool:
    return http(node, "127.0.0.1:10248/healthz") == "ok"


def stop_kubelet(node: Node) -> None:
    for process in processes(node, "kubelet"):
        process.end(grace=10)


def processes(node: Node, command: str) -> list[Process]:
    """By name, the kubelet or a host-network container such as kube-proxy."""
    return in_network_namespace(fabric.NETNS_FOLDER / node.netns, command)


def http(node: Node, address: str) -> str:
    """The body that an address answers inside the node; empty when it does not answer."""
    # `timeout`, because Debian 12's static busybox crashes on wget -T.
    get = ["timeout", "3", "busybox", "wget", "-q", "-O", "-", f"http://{address}"]
    return attempt([*namespaces.prefix(node), *get]).stdout.strip()
