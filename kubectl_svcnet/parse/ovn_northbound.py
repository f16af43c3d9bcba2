"""The networks of OVN's northbound database: `ovn-nbctl --format=json … list Logical_Switch -- …`.

A JSON document for each table, on a line of its own, its keys in any order; values as RFC 7047,
5.1 writes them: atoms, `["set", […]]`, `["map", [[key, value], …]]`. Of a switch count
other_config:subnet and other_config:ipv6_prefix, a /64 (ovn-nb(5)); of a router's port its
networks. What belongs to another network than the cluster's own (external_ids:k8s.ovn.org/network)
is left out, for it may overlap anything. What is no such answer, or cut short, raises ParseError.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from typing import Any

from ..errors import ParseError
from ._text import split_lines

_NETWORK = "k8s.ovn.org/network"


@dataclass(frozen=True, slots=True)
class OVNNetwork:
    """One network of a switch, or one address of a router's port."""

    name: str
    interface: IPv4Interface | IPv6Interface
    text: str  # as the database has it
    switch: bool


def parse_ovn_northbound(text: str) -> tuple[OVNNetwork, ...]:
    return tuple(network for row in _rows(text) for network in _networks(row))


def parse_ovn_switches(text: str) -> frozenset[str]:
    """The names of all switches, also of those whose network stands at their router's port."""
    return frozenset(str(row.get("name")) for row in _rows(text) if "other_config" in row)


def _rows(text: str) -> Iterator[Mapping[str, Any]]:
    for line in filter(str.strip, split_lines(text)):
        try:
            table = json.loads(line)
            headings, data = table["headings"], table["data"]
            for row in data:
                yield {key: _value(value) for key, value in zip(headings, row, strict=True)}
        except (ValueError, RecursionError, KeyError, TypeError) as error:
            raise ParseError("not a table of ovn-nbctl", text=line[:120]) from error


def _value(value: Any) -> Any:
    match value:
        case ["map", list(pairs)]:
            return dict(pairs)
        case ["set", list(values)]:
            return values
    return value


def _networks(row: Mapping[str, Any]) -> Iterator[OVNNetwork]:
    name, ids = row.get("name"), row.get("external_ids")
    if not isinstance(name, str) or not isinstance(ids, dict):
        raise ParseError("a row without name or external_ids", text=str(row)[:120])
    if _NETWORK in ids:
        return
    if isinstance(config := row.get("other_config"), dict):
        if subnet := config.get("subnet"):
            yield OVNNetwork(name, _interface(subnet), f"other_config:subnet={subnet}", True)
        if prefix := config.get("ipv6_prefix"):
            said = f"other_config:ipv6_prefix={prefix}"
            yield OVNNetwork(name, _interface(f"{prefix}/64"), said, True)
        return
    networks = row.get("networks", [])
    for network in networks if isinstance(networks, list) else [networks]:
        yield OVNNetwork(name, _interface(network), f"networks: {network}", False)


def _interface(value: object) -> IPv4Interface | IPv6Interface:
    try:
        return ip_interface(str(value))
    except ValueError as error:
        raise ParseError("not an IP range", text=str(value)[:120]) from error
