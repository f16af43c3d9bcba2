"""Names and addresses of a cluster of rules only: one node to look at, two that are mere objects.

Everything is in network namespaces of this test run's own, so that no address can meet the lab's.
"""

from __future__ import annotations

import time
from typing import Any

HERE = "n1"  # the node whose kube-proxy runs
ZONES = {"n1": "zone-a", "n2": "zone-a", "n3": "zone-b"}

GATEWAY = ("172.21.0.1", "fd00:172:21::1")  # the API server's bridge, and the way out
SERVICE_RANGE = "10.96.0.0/16,fd00:10:96::/112"
SERVICE_API_ADDRESS = "10.96.0.1"
POD_RANGE = "10.244.0.0/16,fd00:10:244::/48"


def number(node: str) -> int:
    return int(node.removeprefix("n"))


def addresses(node: str) -> tuple[str, str]:
    return f"172.21.0.1{number(node)}", f"fd00:172:21::1{number(node)}"


def pod_ranges(node: str) -> tuple[str, str]:
    return f"10.244.{number(node)}.0/24", f"fd00:10:244:{number(node)}::/64"


def pod(node: str, host: int) -> str:
    """The address of a pod there; it need not run, for nothing is ever sent."""
    return f"10.244.{number(node)}.{host}"


def pod6(node: str, host: int) -> str:
    return f"fd00:10:244:{number(node)}::{host:x}"


def node_objects() -> list[dict[str, Any]]:
    return [node_object(name, zone) for name, zone in ZONES.items()]


def node_object(name: str, zone: str) -> dict[str, Any]:
    ranges = list(pod_ranges(name))
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/zone": zone,
    }
    found = [{"type": "InternalIP", "address": address} for address in addresses(name)]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"podCIDR": ranges[0], "podCIDRs": ranges},
        "status": {
            "addresses": [*found, {"type": "Hostname", "address": name}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


CONFIG = "config.conf"


def proxy_config(text: str) -> dict[str, Any]:
    """The ConfigMap that kube-proxy's pod mounts."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "kube-proxy", "namespace": "kube-system"},
        "data": {CONFIG: text},
    }


def proxy_pod(version: str) -> dict[str, Any]:
    """kube-proxy as a cluster would show it, through which the node is read; started now."""
    container = {
        "name": "kube-proxy",
        "image": f"kube-proxy:{version}",
        "command": ["kube-proxy", f"--config=/var/lib/kube-proxy/{CONFIG}"],
        "volumeMounts": [{"name": "config", "mountPath": "/var/lib/kube-proxy"}],
    }
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    started = {"running": {"startedAt": now}}
    state = {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": True,
        "restartCount": 0,
        "state": started,
    }
    address = addresses(HERE)[0]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"kube-proxy-{HERE}",
            "namespace": "kube-system",
            "labels": {"k8s-app": "kube-proxy"},
        },
        "spec": {
            "nodeName": HERE,
            "hostNetwork": True,
            "containers": [container],
            "volumes": [{"name": "config", "configMap": {"name": "kube-proxy"}}],
            "terminationGracePeriodSeconds": 0,
        },
        "status": {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [state],
        },
    }
