"""Which pod is kube-proxy, and which of its containers."""

from __future__ import annotations

from .service import Container, Pod

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
