"""What flannel says of its ranges: net-conf.json, /run/flannel/subnet.env, and its log.

net-conf.json (Documentation/configuration.md) is what flannel is told; subnet.env
(pkg/subnet/subnet.go) what it made of that on one node, the node's part written as its gateway's
address. The log of a start (0.2x, iptables mode only) repeats both where they changed. Its
`n.Spec.PodCIDRs: [...]` may be of any node, and is not read. A range that is none raises
ParseError; in a log it is passed over, since lines may be cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_interface

from ..errors import ParseError
from ..model.address import IPAddress, IPNetwork
from ._documents import json_value
from ._text import split_lines
from .cidr import parse_networks

_LOGGED = re.compile(r"\] Current network or subnet \((\S+), (\S+)\) is not equal to previous one")
_NETWORKS = ("FLANNEL_NETWORK", "FLANNEL_IPV6_NETWORK")
_SUBNETS = ("FLANNEL_SUBNET", "FLANNEL_IPV6_SUBNET")
#: The family's key, its switch, and whether it is on by itself (pkg/subnet/config.go).
_KEYS = (("Network", "EnableIPv4", True), ("IPv6Network", "EnableIPv6", False))


@dataclass(frozen=True, slots=True)
class FlannelRange:
    interface: IPv4Interface | IPv6Interface
    line: str

    @property
    def network(self) -> IPNetwork:
        return self.interface.network

    @property
    def gateway(self) -> IPAddress | None:
        """The bridge's address; the log names the bare subnet."""
        return self.interface.ip if self.interface.ip != self.network.network_address else None


@dataclass(frozen=True, slots=True)
class FlannelNode:
    """The cluster's networks and this node's parts, as flannel on the node has them."""

    networks: tuple[FlannelRange, ...] = ()
    subnets: tuple[FlannelRange, ...] = ()


def parse_net_conf(text: str) -> tuple[IPNetwork, ...]:
    """The networks of the families that are on."""
    found = json_value(text)
    if not isinstance(found, dict):
        raise ParseError("not a net-conf.json", text=text[:120])
    networks: tuple[IPNetwork, ...] = ()
    for key, switch, on in _KEYS:
        value = found.get(key)
        if found.get(switch, on) is True and isinstance(value, str):
            networks += parse_networks(value)
    return networks


def parse_subnet_env(text: str) -> FlannelNode:
    lines = dict(_assignments(text))
    return FlannelNode(
        tuple(_ranges(lines[name] for name in _NETWORKS if name in lines)),
        tuple(_ranges(lines[name] for name in _SUBNETS if name in lines)),
    )


def parse_flannel_log(text: str) -> FlannelNode:
    """Of each family, the last start that says it counts."""
    told: dict[int, tuple[FlannelRange, FlannelRange]] = {}
    for line in split_lines(text):
        if found := _LOGGED.search(line):
            try:
                network, subnet = ip_interface(found[1]), ip_interface(found[2])
            except ValueError:
                continue
            told[network.version] = FlannelRange(network, line), FlannelRange(subnet, line)
    return FlannelNode(
        tuple(network for network, _ in told.values()), tuple(subnet for _, subnet in told.values())
    )


def _assignments(text: str) -> Iterable[tuple[str, tuple[str, str]]]:
    """Name: its value and its line. A last line without its newline was cut off on the way."""
    for line in split_lines(text[: text.rfind("\n") + 1]):
        name, equals, value = line.partition("=")
        if equals:
            yield name.strip(), (value.strip(), line)


def _ranges(values: Iterable[tuple[str, str]]) -> Iterable[FlannelRange]:
    for value, line in values:
        for part in filter(None, value.split(",")):  # several: --subnet-file of MultiClusterCIDR
            try:
                yield FlannelRange(ip_interface(part), line)
            except ValueError as error:
                raise ParseError("not an IP range", text=line) from error
