"""IPVS: virtual servers of the kernel, each with its real servers.

A virtual server is known by protocol, address and port, or by a firewall mark alone. What was not
understood is kept where it stood: a line of a virtual server in its `unclear`, any other in the
table's, and either makes a fate that depends on it unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .address import Family, Protocol, SocketAddress
from .ruleset import Unknown


class Forwarding(str, Enum):
    """How a real server gets its packets (ip_vs_fwd_name); only Masq translates them."""

    MASQ = "Masq"
    LOCAL = "Local"
    ROUTE = "Route"
    TUNNEL = "Tunnel"


@dataclass(frozen=True, slots=True)
class RealServer:
    """`weight` 0: draining. It keeps the connections that it has and gets no new ones."""

    address: SocketAddress
    forwarding: Forwarding
    weight: int

    @property
    def text(self) -> str:
        return f"-> {self.address} {self.forwarding.value} weight {self.weight}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualServer:
    """`address` and `protocol` are None where it is known by `mark`, of which /proc/net/ip_vs
    does not tell the family. `scheduler_flags` None: this listing does not show them. `timeout`:
    the seconds that a client is remembered, one of these."""

    scheduler: str
    protocol: Protocol | None = None
    address: SocketAddress | None = None
    mark: int | None = None
    family: Family | None = None
    persistent: bool = False
    timeout: tuple[int, ...] = ()
    one_packet: bool = False
    scheduler_flags: tuple[str, ...] | None = None
    servers: tuple[RealServer, ...] = ()
    unclear: tuple[Unknown, ...] = ()

    @property
    def name(self) -> str:
        """As rules name it: ADDR:PORT, or fwmark:N."""
        return str(self.address) if self.address else f"fwmark:{self.mark}"

    @property
    def text(self) -> str:
        """The same words for either listing."""
        kind = self.protocol.value if self.protocol else "FWM"
        flags = [" persistent"] * self.persistent + [" ops"] * self.one_packet
        return f"{kind} {self.name} {self.scheduler}{''.join(flags)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualServers:
    """All of one node, of both families."""

    servers: tuple[VirtualServer, ...] = ()
    unclear: tuple[Unknown, ...] = ()
