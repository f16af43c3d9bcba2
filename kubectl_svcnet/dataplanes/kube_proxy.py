"""What all modes of kube-proxy share: finding its pod, its mode as configured or logged."""

from __future__ import annotations

from ..model.service import Container, Pod

#: Labels under which kube-proxy runs: kubeadm, kind, EKS, Talos and k0s; GKE, AKS and RKE2;
#: OpenShift with a third-party CNI.
LABELS = (
    ("k8s-app", "kube-proxy"),
    ("component", "kube-proxy"),
    ("app", "kube-proxy"),
    ("app", "openshift-kube-proxy"),
)


def is_proxy(pod: Pod) -> bool:
    return any(pod.labels.get(key) == value for key, value in LABELS) or pod.name.startswith(
        "kube-proxy-"
    )


def proxy_pod(agents: tuple[Pod, ...]) -> Pod | None:
    """The kube-proxy pod among a node's agents; a running one first."""
    pods = sorted(
        (pod for pod in agents if is_proxy(pod)), key=lambda pod: (pod.phase != "Running", pod.name)
    )
    return pods[0] if pods else None


def proxy_container(pod: Pod) -> Container | None:
    return pod.container("kube-proxy") or (pod.containers[0] if pod.containers else None)
