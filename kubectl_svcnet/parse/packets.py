"""Packets to ask about, one JSON object a line.

    {"id": 1, "hook": "prerouting", "in": "cni0", "physin": "veth1", "proto": "tcp",
     "src": "10.244.1.9", "dst": "10.96.0.10", "dport": 53, "sport": 40000, "mark": 0}

`id` may be left out (then it is the number of the line), and so may `in`, `physin`, `sport` and
`mark`; a packet of the node itself (hook `output`) needs no `src`. ::ffff:10.96.0.10 is taken as
10.96.0.10, as sockets take it. Other keys are ignored, blank lines too. Of a protocol that is
not followed the packet is kept, as one of which nothing is known. Anything else is a ParseError
that names the line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from math import isfinite
from typing import Any

from ..errors import ParseError
from ..model.address import IPAddress, Protocol
from ..model.packet import Hook, Packet, PacketId, PacketQuestion
from ._text import split_lines

#: As /etc/protocols names and numbers them.
_PROTOCOLS = {protocol.value.lower(): protocol for protocol in Protocol} | {
    "6": Protocol.TCP,
    "17": Protocol.UDP,
    "132": Protocol.SCTP,
}
_UNFOLLOWED = {"ah", "dccp", "esp", "gre", "icmp", "icmpv6", "igmp", "ipip", "ipv6-icmp"} | {
    *("ospf", "udplite", "vrrp"),
    *("1", "2", "4", "33", "47", "50", "51", "58", "136"),
}
_HOOKS = {hook.value: hook for hook in Hook}
_PORTS, _MARKS = 1 << 16, 1 << 32


def parse_packets(text: str) -> tuple[PacketQuestion, ...]:
    questions = []
    for number, line in enumerate(split_lines(text), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line, parse_constant=_no_number)
            questions.append(_question(entry, number))
        except (ValueError, RecursionError) as error:
            why = "no JSON" if isinstance(error, json.JSONDecodeError) else str(error)
            raise ParseError(f"not a packet ({why})", line=number, text=line) from error
    return tuple(questions)


def _question(entry: object, number: int) -> PacketQuestion:
    """Raises ValueError in words."""
    if not isinstance(entry, dict):
        raise ValueError("no object")
    hook = _one_of(_HOOKS, entry, "hook")
    source = _address(entry, "src")
    if source is None and hook is Hook.PREROUTING:
        raise ValueError("src is missing")
    destination = _address(entry, "dst")
    if destination is None:
        raise ValueError("dst is missing")
    if source is not None and source.version != destination.version:
        raise ValueError("src and dst are of two families")
    named = str(entry.get("proto", "")).lower()
    unfollowed = f"no packet of protocol {named} is followed" if named in _UNFOLLOWED else ""
    port = _number(entry, "dport", _PORTS)
    if port is None and not unfollowed:
        raise ValueError("dport is missing")
    own = hook is Hook.OUTPUT
    packet = Packet(
        hook=hook,
        protocol=Protocol.TCP if unfollowed else _protocol(named),
        source=source,
        source_port=_number(entry, "sport", _PORTS),
        destination=destination,
        destination_port=port or 0,
        in_interface=None if own else _word(entry, "in"),
        physical_in=None if own else _word(entry, "physin"),
        mark=_number(entry, "mark", _MARKS) or 0,
    )
    return PacketQuestion(id=_id(entry, number), packet=packet, unfollowed=unfollowed)


def _protocol(named: str) -> Protocol:
    if named not in _PROTOCOLS:
        known = ", ".join(protocol.value.lower() for protocol in Protocol)
        raise ValueError(f"proto is not one of {known}")
    return _PROTOCOLS[named]


def _id(entry: Mapping[str, Any], number: int) -> PacketId:
    value = entry.get("id", number)
    if isinstance(value, float) and not isfinite(value):  # 1e999, which JSON cannot print
        _no_number(value)
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise ValueError("id is neither text nor number")


def _no_number(word: object) -> None:
    raise ValueError(f"{word} is no number of JSON")


def _one_of(known: Mapping[str, Any], entry: Mapping[str, Any], key: str) -> Any:
    value = entry.get(key)
    found = known.get(value.lower()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{key} is not one of {', '.join(known)}")
    return found


def _address(entry: Mapping[str, Any], key: str) -> IPAddress | None:
    value = entry.get(key)
    if value is None:
        return None
    try:
        found = ip_address(value.partition("%")[0] if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(f"{key} is no address") from None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _number(entry: Mapping[str, Any], key: str, below: int) -> int | None:
    """A number, or one in words (`0x4000`), as marks are written."""
    value = entry.get(key)
    if isinstance(value, str):
        try:
            value = int(value, 0)
        except ValueError:
            value = -1
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():  # JSON knows one kind of number
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < below:
        raise ValueError(f"{key} is no number from 0 to {below - 1}")
    return value


def _word(entry: Mapping[str, Any], key: str) -> str | None:
    value = entry.get(key)
    if value is None or isinstance(value, str):
        return value or None
    raise ValueError(f"{key} is no name")
