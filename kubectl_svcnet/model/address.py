"""Addresses, families and protocols, typed once at the border by `parse`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPNetwork: TypeAlias = IPv4Network | IPv6Network


class Family(str, Enum):
    """An IP family, in the API's spelling (Service.spec.ipFamilies)."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"


class Protocol(str, Enum):
    """A transport protocol, in the API's spelling (Service.spec.ports[].protocol)."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"


def family_of(address: IPAddress | IPNetwork) -> Family:
    return Family.IPV4 if address.version == 4 else Family.IPV6


@dataclass(frozen=True, slots=True, order=True)
class SocketAddress:
    """An address and a port, written as the kernel and kube-proxy write it: [v6]:port."""

    address: IPAddress
    port: int

    def __str__(self) -> str:
        if self.address.version == 6:
            return f"[{self.address}]:{self.port}"
        return f"{self.address}:{self.port}"
