"""kube-proxy: one DaemonSet per mode, and a node's label decides which of them serves it."""

from __future__ import annotations

from . import images, kube, node, rules
from .shell import wait_until
from .topology import API_URL, DNS_DOMAIN, POD_RANGE, SERVICE_RANGE, Node

MODES = ("iptables", "nftables")
LABEL = "svcnet.lab/proxy-mode"


def manifests() -> str:
    common = kube.manifest(
        "kubeadm",
        version=images.reference("kube-proxy").rpartition(":")[2],
        dns_domain=DNS_DOMAIN,
        pod_range=POD_RANGE,
        service_range=SERVICE_RANGE,
    )
    return kube.documents(common, *map(daemon_set, MODES))


def daemon_set(mode: str) -> str:
    return kube.manifest(
        "proxy",
        name="kube-proxy" if mode == "iptables" else f"kube-proxy-{mode}",
        mode=mode,
        image=images.reference("kube-proxy"),
        pod_range=POD_RANGE,
        server=API_URL,
    )


def current_mode(where: Node) -> str:
    """What kube-proxy itself says; empty when it does not answer."""
    return node.http(where, "127.0.0.1:10249/proxyMode")


def has_synced(where: Node) -> bool:
    return '"lastUpdated"' in node.http(where, "127.0.0.1:10256/healthz")


def wait_for_mode(where: Node, mode: str) -> None:
    wait_until(
        f"{where.name}: kube-proxy runs in mode {mode}",
        lambda: current_mode(where) == mode and has_synced(where),
        timeout=180,
    )
    wait_until(
        f"{where.name}: Services have rules in mode {mode}",
        lambda: rules.serve(where, mode),
        timeout=180,
    )


def switch_mode(where: Node, mode: str) -> None:
    """The old kube-proxy must be gone before the new one cleans up after it."""
    kube.kubectl("label", "node", where.name, f"{LABEL}=none", "--overwrite")
    wait_until(
        f"{where.name}: the old kube-proxy has gone",
        lambda: not pods(where) and not node.processes(where, "kube-proxy"),
        timeout=60,
    )
    kube.kubectl("label", "node", where.name, f"{LABEL}={mode}", "--overwrite")
    wait_for_mode(where, mode)


def pods(where: Node) -> list[str]:
    return kube.kubectl(
        "-n",
        "kube-system",
        "get",
        "pods",
        "-l",
        "k8s-app=kube-proxy",
        "--field-selector",
        f"spec.nodeName={where.name}",
        "-o",
        "name",
    ).split()


def restart(where: Node) -> None:
    for name in pods(where):
        kube.kubectl("-n", "kube-system", "delete", name, "--wait")
