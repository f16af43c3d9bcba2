"""What ovn-kubernetes writes into node annotations, and its net_cidr.

`k8s.ovn.org/node-subnets` maps a network to one CIDR or a list of them
(go-controller/pkg/util/subnet_annotations.go): `default` is the cluster's, others are users' own
networks. The interface annotations (node_annotations.go) map a family to an address with the prefix
length of its network, newer ones per network (`{"default":{"ipv4":…}}`), the oldest in a list.
`net_cidr` is CIDR/HOSTPREFIX, separated by commas (go-controller/pkg/config/utils.go). What is none
of these raises ParseError.
"""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv6Interface, ip_interface

from ..errors import ParseError
from ..model.address import IPNetwork
from ._documents import json_value
from .cidr import parse_networks
from .fields import networks_in


def parse_node_subnets(text: str) -> dict[str, tuple[IPNetwork, ...]]:
    """Network: the node's part of it."""
    found = json_value(text)
    if not isinstance(found, dict):
        raise ParseError("not a JSON object", text=text[:120])
    return {
        name: networks_in(map(str, value if isinstance(value, list) else [value]))
        for name, value in found.items()
    }


def parse_interfaces(text: str) -> tuple[IPv4Interface | IPv6Interface, ...]:
    """Of each family, of the cluster's own network where several are told of."""
    found = json_value(text)
    if isinstance(found, dict):
        found = found.get("default", found)
    values = found.values() if isinstance(found, dict) else found
    texts = [values] if isinstance(values, str) else values
    try:
        return tuple(ip_interface(value) for value in texts if value)
    except (ValueError, TypeError) as error:
        raise ParseError("not an address", text=text[:120]) from error


def parse_net_cidr(text: str) -> tuple[IPNetwork, ...]:
    """`10.244.0.0/16/24,fd01::/48/64`: the last number is a node's share."""
    parts = [part.strip().split("/") for part in text.split(",") if part.strip()]
    return parse_networks(",".join("/".join(part[:2]) for part in parts))
