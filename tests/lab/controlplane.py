"""The control plane as kubeadm lays it: four static pods on n1, with their arguments in the API.

Unlike kubeadm's, etcd speaks plain HTTP, on n1's loopback only, and leaders are not elected.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from string import Template

from . import images, paths
from .topology import (
    API_SERVER,
    CONTROL_PLANE,
    NODE_PORTS,
    POD_RANGE,
    SERVICE_RANGE,
    VISITORS,
    Node,
    node_named,
)

PKI = "/etc/kubernetes/pki"
KUBERNETES = "/var/lib/kubernetes"  # on n1; /etc/kubernetes in the pods
AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One static pod. `data` is the only folder that it may write to."""

    name: str
    arguments: tuple[str, ...]
    probe: tuple[str, int, str]  # path, port, scheme
    data: Path
    data_mount: str


ETCD = Component(
    name="etcd",
    arguments=(
        "--name=n1",
        "--data-dir=/var/lib/etcd",
        "--advertise-client-urls=http://127.0.0.1:2379",
        "--listen-client-urls=http://127.0.0.1:2379",
        "--listen-metrics-urls=http://127.0.0.1:2381",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--initial-advertise-peer-urls=http://127.0.0.1:2380",
        "--initial-cluster=n1=http://127.0.0.1:2380",
    ),
    probe=("/health", 2381, "HTTP"),
    data=Path("/var/lib/etcd"),
    data_mount="/var/lib/etcd",
)

API = Component(
    name="kube-apiserver",
    arguments=(
        f"--advertise-address={API_SERVER}",
        "--allow-privileged=true",
        "--audit-log-path=/var/log/kubernetes/audit/audit.log",
        "--audit-policy-file=/etc/kubernetes/audit-policy.yaml",
        "--authorization-mode=Node,RBAC",
        f"--client-ca-file={PKI}/ca.crt",
        "--enable-admission-plugins=NodeRestriction",
        "--etcd-servers=http://127.0.0.1:2379",
        f"--kubelet-certificate-authority={PKI}/ca.crt",
        f"--kubelet-client-certificate={PKI}/apiserver-kubelet-client.crt",
        f"--kubelet-client-key={PKI}/apiserver-kubelet-client.key",
        "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
        f"--proxy-client-cert-file={PKI}/front-proxy-client.crt",
        f"--proxy-client-key-file={PKI}/front-proxy-client.key",
        "--requestheader-allowed-names=front-proxy-client",
        f"--requestheader-client-ca-file={PKI}/ca.crt",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        "--secure-port=6443",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={PKI}/sa.pub",
        f"--service-account-signing-key-file={PKI}/sa.key",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        f"--service-node-port-range={NODE_PORTS}",
        f"--tls-cert-file={PKI}/apiserver.crt",
        f"--tls-private-key-file={PKI}/apiserver.key",
    ),
    probe=("/readyz", 6443, "HTTPS"),
    data=Path("/var/log/kubernetes"),
    data_mount="/var/log/kubernetes/audit",
)

CONTROLLER_MANAGER = Component(
    name="kube-controller-manager",
    arguments=(
        "--allocate-node-cidrs=true",
        "--authentication-kubeconfig=/etc/kubernetes/controller-manager.conf",
        "--authorization-kubeconfig=/etc/kubernetes/controller-manager.conf",
        "--bind-address=127.0.0.1",
        f"--client-ca-file={PKI}/ca.crt",
        f"--cluster-cidr={POD_RANGE}",
        "--cluster-name=kubernetes",
        f"--cluster-signing-cert-file={PKI}/ca.crt",
        f"--cluster-signing-key-file={PKI}/ca.key",
        "--controllers=*,bootstrapsigner,tokencleaner",
        "--kubeconfig=/etc/kubernetes/controller-manager.conf",
        "--leader-elect=false",
        "--node-cidr-mask-size-ipv4=24",
        "--node-cidr-mask-size-ipv6=64",
        f"--root-ca-file={PKI}/ca.crt",
        f"--service-account-private-key-file={PKI}/sa.key",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--use-service-account-credentials=true",
    ),
    probe=("/healthz", 10257, "HTTPS"),
    data=Path("/var/lib/kube-controller-manager"),
    data_mount="/var/lib/kube-controller-manager",
)

SCHEDULER = Component(
    name="kube-scheduler",
    arguments=(
        "--authentication-kubeconfig=/etc/kubernetes/scheduler.conf",
        "--authorization-kubeconfig=/etc/kubernetes/scheduler.conf",
        "--bind-address=127.0.0.1",
        "--kubeconfig=/etc/kubernetes/scheduler.conf",
        "--leader-elect=false",
    ),
    probe=("/healthz", 10259, "HTTPS"),
    data=Path("/var/lib/kube-scheduler"),
    data_mount="/var/lib/kube-scheduler",
)


def lay_out(*components: Component) -> None:
    """The kubelet of n1 starts what it finds in its folder."""
    (paths.KUBERNETES_FOLDER / "audit-policy.yaml").write_text(AUDIT_POLICY)
    for component in components:
        target = CONTROL_PLANE.folder / "manifests" / f"{component.name}.yaml"
        # The kubelet ignores names with a leading dot: it must not read half a file.
        unfinished = target.with_name(f".{target.name}")
        unfinished.write_text(static_pod(component))
        unfinished.rename(target)


def static_pod(component: Component) -> str:
    path, port, scheme = component.probe
    words = (component.name, *component.arguments)
    return Template((paths.TEMPLATES / "static-pod.yaml").read_text()).substitute(
        name=component.name,
        image=images.reference(component.name),
        command="\n".join(f"    - {json.dumps(word)}" for word in words),
        path=path,
        port=port,
        scheme=scheme,
        kubernetes=KUBERNETES,
        data=component.data,
        data_mount=component.data_mount,
    )


def node_objects(modes: dict[str, str]) -> str:
    """Made before the kubelets register and before the controller manager hands out ranges.

    So node K has pod range K, which its CNI configuration says already.
    """
    items = [node_object(node_named(name), mode) for name, mode in modes.items()]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def node_object(node: Node, mode: str) -> dict[str, object]:
    labels = {"svcnet.lab/proxy-mode": mode}
    if node == CONTROL_PLANE:
        labels["node-role.kubernetes.io/control-plane"] = ""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name, "labels": labels},
        "spec": {
            "podCIDR": node.pod_range4,
            "podCIDRs": [node.pod_range4, node.pod_range6],
            # They come and go, so that the workload's pods must not move there.
            "unschedulable": node in VISITORS,
        },
    }
