"""Who lives where in the namespaces, in both families, and the words that differ between them.

Rulesets are generated once, for `Places` of either family.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubectl_svcnet.model.address import Family


@dataclass(frozen=True)
class Places:
    """`pods` is the network of all pods, `pods_here` that of this node's, `outside_net` of nodes
    and clients."""

    family: Family
    node: str
    node_bridge: str
    other_node: str
    outside: str
    gateway: str
    pod_a: str
    pod_b: str
    far_pods: tuple[str, str]
    pods: str
    pods_here: str
    pods_far: str
    outside_net: str
    services: str
    vips: str
    external: str
    balancer: str
    loopback: str
    loopback_net: str
    host: int
    ip: str  # what nft calls the family
    icmp: str  # and its messages of errors
    refused: str  # --reject-with
    prohibited: str
    error: str  # a match of ICMP errors
    hops: str  # the match of a packet's time to live
    set_hops: str
    multicast: str
    external_net: str
    mapped: str  # where NETMAP maps this node's pods to
    docker: str
    private: tuple[str, ...]

    @property
    def endpoints(self) -> tuple[str, ...]:
        return (self.pod_a, self.pod_b, *self.far_pods, self.other_node, self.node)

    def vip(self, number: int) -> str:
        return f"{self.vips}{number}"

    def one(self, address: str) -> str:
        """As iptables lists a single address."""
        return f"{address}/{self.host}"

    def spot(self, address: str, port: int | str) -> str:
        return f"[{address}]:{port}" if self.family is Family.IPV6 else f"{address}:{port}"

    def alone(self, address: str) -> str:
        """Of a DNAT without a port."""
        return f"[{address}]" if self.family is Family.IPV6 else address

    def set(self, name: str) -> str:
        """A set of ipset has one family."""
        return name if self.family is Family.IPV4 else f"{name}6"

    def own_source(self, destination: str) -> str:
        """Which address a node process gets when it dials this one."""
        near = {
            self.node_bridge: self.node_bridge,
            self.loopback: self.loopback,
            self.pod_a: self.node_bridge,
        }
        return near.get(destination, self.node)


V4 = Places(
    family=Family.IPV4,
    node="192.168.50.1",
    node_bridge="10.244.1.1",
    other_node="192.168.50.2",
    outside="192.168.50.9",
    gateway="192.168.50.254",
    pod_a="10.244.1.2",
    pod_b="10.244.1.3",
    far_pods=("10.244.2.2", "10.244.2.3"),
    pods="10.244.0.0/16",
    pods_here="10.244.1.0/24",
    pods_far="10.244.2.0/24",
    outside_net="192.168.50.0/24",
    services="10.96.0.0/16",
    vips="10.96.0.",
    external="203.0.113.10",
    balancer="203.0.113.20",
    loopback="127.0.0.1",
    loopback_net="127.0.0.0/8",
    host=32,
    ip="ip",
    icmp="icmp",
    refused="icmp-port-unreachable",
    prohibited="icmp-host-prohibited",
    error="-p icmp -m icmp --icmp-type 3",
    hops="ttl",
    set_hops="TTL --ttl-set 60",
    multicast="224.0.0.0/4",
    external_net="203.0.113.0/24",
    mapped="10.99.1.0/24",
    docker="172.17.0.0/16",
    private=("10.0.0.0/8", "172.16.0.0/12", "169.254.0.0/16"),
)
V6 = Places(
    family=Family.IPV6,
    node="fd00:50::1",
    node_bridge="fd00:244:1::1",
    other_node="fd00:50::2",
    outside="fd00:50::9",
    gateway="fd00:50::fe",
    pod_a="fd00:244:1::2",
    pod_b="fd00:244:1::3",
    far_pods=("fd00:244:2::2", "fd00:244:2::3"),
    pods="fd00:244::/32",
    pods_here="fd00:244:1::/64",
    pods_far="fd00:244:2::/64",
    outside_net="fd00:50::/64",
    services="fd00:96::/112",
    vips="fd00:96::",
    external="fd00:203::10",
    balancer="fd00:203::20",
    loopback="::1",
    loopback_net="::1/128",
    host=128,
    ip="ip6",
    icmp="icmpv6",
    refused="icmp6-port-unreachable",
    prohibited="icmp6-adm-prohibited",
    error="-p ipv6-icmp -m icmp6 --icmpv6-type 1",
    hops="hl",
    set_hops="HL --hl-set 60",
    multicast="ff00::/8",
    external_net="fd00:203::/64",
    mapped="fd00:99:1::/64",
    docker="fd00:17::/64",
    private=("fd00:244::/32", "fe80::/10"),
)


def places_of(address: str) -> Places:
    return V6 if ":" in address else V4
