"""First packets as bytes, of both families, and what a socket that caught one tells of it.

A packet is a TCP SYN or a datagram with a number in it. Pods and far catch it with packet sockets
(with its IP header), the node with raw sockets; those of IPv6 give the header's words beside it.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from kubectl_svcnet.model.address import Family
from tests.kernel.kernel_places import places_of

TCP, UDP = socket.IPPROTO_TCP, socket.IPPROTO_UDP
FAMILIES = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}
_ERRORS = {socket.IPPROTO_ICMP: 3, socket.IPPROTO_ICMPV6: 1}  # destination unreachable
_TOKEN = 0x53560000


@dataclass(frozen=True)
class Probe:
    """`sender`: pod-a, pod-b, far or node; `source` is None for a node process."""

    sender: str
    protocol: int
    source: str | None
    destination: str
    port: int

    @property
    def family(self) -> Family:
        return places_of(self.destination).family

    @property
    def sent_from(self) -> str:
        return self.source or places_of(self.destination).own_source(self.destination)


@dataclass(frozen=True, order=True)
class Seen:
    """What became of a probe: endpoint, local, pass, reject or drop."""

    kind: str
    endpoint: str = ""
    masquerade: bool | None = None


@dataclass(frozen=True)
class Caught:
    """`number` is that of a packet, `port` the source port of one that was refused."""

    number: int = -1
    port: int = -1
    source: str = ""
    destination: str = ""
    to_port: int = 0

    def seen(self, probe: Probe, *, on_node: bool) -> Seen:
        kind = "local" if on_node else "pass"
        if (self.destination, self.to_port) != (probe.destination, probe.port):
            kind = "endpoint"
        spot = places_of(self.destination).spot(self.destination, self.to_port)
        return Seen(kind, spot if kind == "endpoint" else "", self.source != probe.sent_from)


def segment(probe: Probe, source_port: int, number: int) -> bytes:
    """With its IP header where the sender is no process of the node."""
    family = FAMILIES[probe.family]
    token = struct.pack("!I", _TOKEN + number)
    addresses = socket.inet_pton(family, probe.sent_from)
    addresses += socket.inet_pton(family, probe.destination)
    if probe.protocol == TCP:
        body = struct.pack("!HH", source_port, probe.port) + token
        body += struct.pack("!IBBHHH", 0, 0x50, 2, 64240, 0, 0)
        at = 16
    else:
        body = struct.pack("!HHHH", source_port, probe.port, 12, 0) + token
        at = 6
    pseudo = addresses + struct.pack("!IHBB", len(body), 0, 0, probe.protocol)
    body = body[:at] + struct.pack("!H", _checksum(pseudo + body)) + body[at + 2 :]
    if probe.source is None:
        return body
    if probe.family is Family.IPV6:
        return struct.pack("!IHBB", 6 << 28, len(body), probe.protocol, 64) + addresses + body
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, probe.protocol, 0)
    return head + addresses + body


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF or 0xFFFF


def caught(data: bytes) -> Caught | None:
    """From a packet with its IP header; None if it is no probe and no refusal."""
    if data[0] >> 4 == 6:
        return caught_body(data[6], data[8:24], data[24:40], data[40:])
    return caught_body(data[9], data[12:16], data[16:20], data[(data[0] & 15) * 4 :])


def caught_body(protocol: int, source: bytes, destination: bytes, body: bytes) -> Caught | None:
    if protocol in _ERRORS:
        inner = body[8:]
        if body[0] != _ERRORS[protocol] or len(inner) < 28:
            return None
        head = 40 if inner[0] >> 4 == 6 else (inner[0] & 15) * 4
        return Caught(port=struct.unpack("!H", inner[head : head + 2])[0])
    if protocol == TCP and body[13] == 2:
        token = struct.unpack("!I", body[4:8])[0]
    elif protocol == UDP and len(body) >= 12:
        token = struct.unpack("!I", body[8:12])[0]
    else:
        return None
    family = socket.AF_INET if len(source) == 4 else socket.AF_INET6
    return Caught(
        token - _TOKEN,
        -1,
        socket.inet_ntop(family, source),
        socket.inet_ntop(family, destination),
        struct.unpack("!H", body[2:4])[0],
    )
