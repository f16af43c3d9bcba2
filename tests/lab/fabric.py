"""The network between the nodes: one bridge, a link to each node, to the outside client, to us.

Nothing is put into the machine's own network namespace but `lab-host`, the way to the API server;
nothing listens there. The outside client is also everybody's default gateway and forwards nothing,
as a network that knows no Service address would.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .shell import attempt, run
from .topology import (
    EXTERNAL,
    EXTERNAL_IPV4,
    EXTERNAL_IPV6,
    FABRIC,
    HOST_IPV4,
    HOST_LINK,
    NAMESPACES,
    NODES,
    SMALL,
    Node,
)

Route = tuple[str, str]  # destination, gateway

NETNS_FOLDER = Path("/run/netns")

# Duplicate address detection would keep every new IPv6 address unusable for a second or two.
QUICK_IPV6 = (
    "net.ipv6.conf.all.accept_dad=0",
    "net.ipv6.conf.default.accept_dad=0",
    "net.ipv6.conf.all.accept_ra=0",
    "net.ipv6.conf.default.accept_ra=0",
)
NODE_SYSCTLS = (
    *QUICK_IPV6,
    "net.ipv4.ip_forward=1",
    "net.ipv6.conf.all.forwarding=1",
    "net.bridge.bridge-nf-call-iptables=1",
    "net.bridge.bridge-nf-call-ip6tables=1",
)
# The fabric stands for a switch: it must not run the machine's netfilter hooks on what it carries.
FABRIC_SYSCTLS = (
    *QUICK_IPV6,
    "net.bridge.bridge-nf-call-iptables=0",
    "net.bridge.bridge-nf-call-ip6tables=0",
    "net.bridge.bridge-nf-call-arptables=0",
)

# Addresses that a cloud's load balancer would bring to a node. 203.0.113.10 is a Service with
# externalTrafficPolicy Local, so it goes where its only endpoint is.
OUTSIDE_ROUTES = (
    ("203.0.113.0/24", "172.18.0.2"),
    ("192.0.2.0/24", "172.18.0.2"),
    ("203.0.113.10/32", "172.18.0.3"),
)


def make() -> None:
    for name in NAMESPACES:
        make_namespace(name)
    ip(FABRIC, "link", "add", "br0", "type", "bridge")
    set_sysctls(FABRIC, FABRIC_SYSCTLS)
    ip(FABRIC, "link", "set", "br0", "up")
    plug(EXTERNAL, EXTERNAL_IPV4, EXTERNAL_IPV6)
    for node in NODES:
        plug_node(node)
    for node in NODES:
        add_routes(node.netns, node_routes(node))
    add_outside_routes()
    plug_host()


def make_namespace(name: str) -> None:
    run(["ip", "netns", "add", name])
    ip(name, "link", "set", "lo", "up")
    set_sysctls(name, QUICK_IPV6)


def plug(namespace: str, ipv4: str, ipv6: str) -> None:
    port = f"to-{namespace.removeprefix('lab-')}"
    ip(FABRIC, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace)
    ip(FABRIC, "link", "set", port, "master", "br0", "up")
    ip(namespace, "address", "add", f"{ipv4}/24", "dev", "eth0")
    ip(namespace, "-6", "address", "add", f"{ipv6}/64", "dev", "eth0", "nodad")
    ip(namespace, "link", "set", "eth0", "up")


def plug_node(node: Node) -> None:
    set_sysctls(node.netns, NODE_SYSCTLS)
    plug(node.netns, node.ipv4, node.ipv6)


def node_routes(node: Node) -> list[Route]:
    # A process on the node can only reach a Service address if there is some route to it.
    return [*ways_to_pods(node), ("default", EXTERNAL_IPV4), ("default", EXTERNAL_IPV6)]


def ways_to_pods(node: Node) -> list[Route]:
    return [route for other in NODES if other != node for route in routes_to(other)]


def routes_to(node: Node) -> list[Route]:
    return [(node.pod_range4, node.ipv4), (node.pod_range6, node.ipv6)]


def add_routes(namespace: str, routes: Iterable[Route]) -> None:
    for destination, gateway in routes:
        ip(namespace, family(gateway), "route", "add", destination, "via", gateway)


def add_ways_to_pods(node: Node) -> None:
    for destination, gateway in ways_to_pods(node):
        ip(node.netns, family(gateway), "route", "replace", destination, "via", gateway)


def remove_ways_to_pods(node: Node) -> None:
    for destination, gateway in ways_to_pods(node):
        ip(node.netns, family(gateway), "route", "delete", destination, "via", gateway)


def family(address: str) -> str:
    return "-6" if ":" in address else "-4"


def add_outside_routes() -> None:
    for node in NODES:
        add_routes(EXTERNAL, routes_to(node))
    add_routes(EXTERNAL, OUTSIDE_ROUTES)


def plug_guest(node: Node) -> str:
    """A port for a virtual machine, and the ways to its pods; the port's name."""
    port = f"to-{node.name}"
    ip(FABRIC, "tuntap", "add", "dev", port, "mode", "tap")
    ip(FABRIC, "link", "set", port, "master", "br0", "up")
    announce(node)
    return port


def join(node: Node) -> None:
    make_namespace(node.netns)
    plug_node(node)
    add_routes(node.netns, node_routes(node))
    announce(node)


def announce(node: Node) -> None:
    for namespace in (EXTERNAL, *(other.netns for other in NODES)):
        add_routes(namespace, routes_to(node))


def leave(node: Node) -> None:
    """Also what is only half there."""
    for namespace in (EXTERNAL, *(other.netns for other in NODES)):
        for destination, gateway in routes_to(node):
            delete = [family(gateway), "route", "delete", destination, "via", gateway]
            attempt(["ip", "-netns", namespace, *delete])
    attempt(["ip", "-netns", FABRIC, "link", "delete", f"to-{node.name}"])


def plug_host() -> None:
    run(
        ["ip", "link", "add", HOST_LINK, "type", "veth", "peer", "name", "to-host", "netns", FABRIC]
    )
    ip(FABRIC, "link", "set", "to-host", "master", "br0", "up")
    run(["ip", "address", "add", f"{HOST_IPV4}/24", "dev", HOST_LINK])
    run(["ip", "link", "set", HOST_LINK, "up"])


def remove(*, netns_folder_is_ours: bool) -> None:
    """Works on what is there: a half-made fabric, or none."""
    attempt(["ip", "link", "delete", HOST_LINK])
    for name in (*NAMESPACES, SMALL.netns):
        remove_namespace(name)
    # `ip netns add` mounts this folder on itself and leaves it so.
    if netns_folder_is_ours and NETNS_FOLDER.exists() and not any(NETNS_FOLDER.iterdir()):
        while attempt(["umount", str(NETNS_FOLDER)]).returncode == 0:
            pass
        NETNS_FOLDER.rmdir()


def remove_namespace(name: str) -> None:
    if (NETNS_FOLDER / name).exists():
        run(["ip", "netns", "delete", name])


def inside(namespace: str) -> list[str]:
    """Only the network. `ip netns exec` would also mount a new /sys, which hides the cgroups."""
    return ["nsenter", f"--net={NETNS_FOLDER / namespace}", "--"]


def ip(namespace: str, *argv: str) -> None:
    run(["ip", "-netns", namespace, *argv])


def set_sysctls(namespace: str, settings: tuple[str, ...]) -> None:
    run([*inside(namespace), "busybox", "sysctl", "-q", "-w", *settings])
