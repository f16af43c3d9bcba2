"""The first packet of a flow, as it enters a node's network stack."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from .address import Family, IPAddress, Protocol, family_of


class Hook(str, Enum):
    """Where the packet enters: from an interface, or from a process of the node itself."""

    PREROUTING = "prerouting"
    OUTPUT = "output"


class Client(str, Enum):
    """Who sends it (product.md, "client"); the engine itself never looks at this."""

    POD = "pod"
    SELF = "self"
    NODE = "node"
    POD_ELSEWHERE = "pod-elsewhere"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """`in_interface` is None for `Hook.OUTPUT`, and where it is not known (then every match on
    it answers unknown). `source` is None for a node process that has not chosen one: routing
    picks it. A node process runs as uid 0."""

    hook: Hook
    protocol: Protocol
    destination: IPAddress
    destination_port: int
    source: IPAddress | None = None
    source_port: int | None = None
    in_interface: str | None = None
    physical_in: str | None = None
    mark: int = 0

    @property
    def family(self) -> Family:
        return family_of(self.destination)


#: What a packet is called in a file of many.
PacketId: TypeAlias = "str | int | float | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketQuestion:
    """A packet that somebody asks about. Where its interface is None, the routes to its source
    tell by which it comes in. `own_source`: it is of a process of the node (and enters at
    OUTPUT) if its source turns out to be an address of the node. `unfollowed`: why nobody can
    tell what becomes of it; `packet` then says no more than from where to where."""

    id: PacketId
    packet: Packet
    own_source: bool = False
    note: str = ""  # whose address the source is
    unfollowed: str = ""
