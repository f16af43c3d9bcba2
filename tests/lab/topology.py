"""The names and addresses of the lab: three nodes, two that come and go, one client outside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .paths import RUN

API_SERVER = "172.18.0.2"
API_URL = f"https://{API_SERVER}:6443"
HOST_LINK = "lab-host"
HOST_IPV4 = "172.18.0.1"
FABRIC = "lab-fab"
EXTERNAL = "lab-ext"
EXTERNAL_IPV4 = "172.18.0.9"
EXTERNAL_IPV6 = "fd00:172:18::9"

NODE_PORTS = "30000-32767"
SERVICE_RANGE = "10.96.0.0/16,fd00:10:96::/112"
SERVICE_API_ADDRESSES = ("10.96.0.1", "fd00:10:96::1")
POD_RANGE = "10.244.0.0/16,fd00:10:244::/48"
DNS_DOMAIN = "cluster.local"


@dataclass(frozen=True, slots=True)
class Node:
    """One node; everything about it follows from its number, which starts at 1."""

    number: int
    pod_prefix4: int = 24

    @property
    def name(self) -> str:
        return f"n{self.number}"

    @property
    def netns(self) -> str:
        return f"lab-n{self.number}"

    @property
    def ipv4(self) -> str:
        return f"172.18.0.{self.number + 1}"

    @property
    def ipv6(self) -> str:
        return f"fd00:172:18::{self.number + 1}"

    @property
    def pod_range4(self) -> str:
        return f"10.244.{self.number}.0/{self.pod_prefix4}"

    @property
    def pod_range6(self) -> str:
        return f"fd00:10:244:{self.number}::/64"

    @property
    def folder(self) -> Path:
        return RUN / self.name

    @property
    def cgroup(self) -> str:
        return f"lab-{self.name}"


NODES = (Node(1), Node(2), Node(3))
GUEST = Node(4)  # a virtual machine with a kernel of its own, which joins and leaves: guest.py
SMALL = Node(5, pod_prefix4=29)  # it has room for five pods, and joins and leaves: small.py
CONTROL_PLANE = NODES[0]
VISITORS = (GUEST, SMALL)
#: Whose kernel is the machine's.
ON_THIS_KERNEL = (*NODES, SMALL)
NAMESPACES = (FABRIC, EXTERNAL, *(node.netns for node in NODES))


def node_named(name: str) -> Node:
    return next(node for node in (*NODES, *VISITORS) if node.name == name)
