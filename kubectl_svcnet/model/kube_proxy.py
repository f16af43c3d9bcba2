"""Which pod is kube-proxy, which of its containers, of which version; and where it has no pod."""

from __future__ import annotations

import re

from .service import Container, Node, Pod

#: Labels under which kube-proxy runs: kubeadm, kind, EKS, Talos and k0s; GKE, AKS and RKE2;
#: OpenShift with a third-party CNI.
LABELS = (
    ("k8s-app", "kube-proxy"),
    ("component", "kube-proxy"),
    ("app", "kube-proxy"),
    ("app", "openshift-kube-proxy"),
)


def is_proxy(pod: Pod) -> bool:
    """By label, or a static pod by its name."""
    return any(pod.labels.get(key) == value for key, value in LABELS) or pod.name.startswith(
        "kube-proxy-"
    )


def proxy_container(pod: Pod) -> Container | None:
    return pod.container("kube-proxy") or (pod.containers[0] if pod.containers else None)


def embedded(node: Node) -> str:
    """Which distribution runs kube-proxy within its own process there, so that no pod shows it;
    "" if none. k3s by its version, MicroK8s (kubelite) by its label."""
    if "+k3s" in node.kubelet:
        return "" if node.proxy_off else "k3s"
    return "MicroK8s" if node.labels.get("microk8s.io/cluster") == "true" else ""


def image_version(pod: Pod) -> str:
    """By its image's tag: registry:5000/kube-proxy:v1.36.3-eksbuild.2@sha256:…"""
    container = proxy_container(pod)
    image = container.image if container else ""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    found = re.match(r"v\d+\.\d+\.\d+", tag)
    return found[0] if found else ""


def minor_version(version: str) -> int | None:
    """v1.36.3: 36"""
    found = re.match(r"v1\.(\d+)\.", version)
    return int(found[1]) if found else None
