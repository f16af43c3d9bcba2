"""What a match may answer, and the place where it is asked.

Yes, no, or who decides it instead: chance, state and time, or nobody that we know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ...model.fate import ChainId
from ...model.ipset import IPSet
from ...model.packet import Packet
from .routing import Routing


@dataclass(frozen=True, slots=True)
class Odds:
    """Chance decides: `yes` is the probability."""

    yes: float


@dataclass(frozen=True, slots=True)
class Depends:
    """State or time decides. `usual` is the answer for a client that was not seen yet; None
    where no answer is the usual one."""

    why: str
    usual: bool | None = None


@dataclass(frozen=True, slots=True)
class NotKnown:
    why: str


@dataclass(frozen=True, slots=True)
class BySender(NotKnown):
    """The packet's description leaves it open, the sender chooses it: both happen."""


@dataclass(frozen=True, slots=True)
class NotRead(NotKnown):
    """What would tell was not read: it is wanted."""

    where: ChainId


Answer: TypeAlias = bool | Odds | Depends | NotKnown


@dataclass(frozen=True, slots=True)
class Place:
    """Where the packet is: the hook, and what the node lets rules ask about. `packet` is as it
    was sent; `sets` None: no ipset was read; `fed`: those that rules add to or delete from."""

    hook: str
    routing: Routing
    sysctls: Mapping[str, str]
    packet: Packet | None = None
    sets: Mapping[str, IPSet] | None = None
    fed: frozenset[str] = frozenset()


#: Why nobody knows a port: a client's is the only one that a packet may leave open.
SOURCE_PORT = "the source port is not known"

#: What a kernel gives out to clients at most (ip_local_port_range).
_OF_CLIENTS = range(1024, 65536)


def port_in(port: int | None, ranges: tuple[tuple[int, int], ...]) -> bool | None:
    """None: it depends on the port, which is one that clients get."""
    if port is not None:
        return any(first <= port <= last for first, last in ranges)
    at = _OF_CLIENTS.start  # up to here all are in
    for first, last in sorted(ranges):
        if first <= at:
            at = max(at, last + 1)
    if at >= _OF_CLIENTS.stop:
        return True
    return None if any(last >= _OF_CLIENTS.start for _, last in ranges) else False


def either(value: bool | None, negated: bool, why: str) -> Answer:
    return NotKnown(why) if value is None else value is not negated
