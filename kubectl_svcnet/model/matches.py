"""What a rule may ask of a packet, one frozen class per question; a rule asks all of its matches.

`negated` is the rule's `!`. Words that no class here stands for are `ruleset.Unknown`. A new
match is one class here, one row in `parse._iptables_matches` and one in
`engine.simulate.matching`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .address import IPAddress, IPNetwork


class Side(str, Enum):
    SOURCE = "source"
    DESTINATION = "destination"
    EITHER = "either"  # multiport --ports


@dataclass(frozen=True, slots=True)
class AddressIn:
    side: Side
    network: IPNetwork
    negated: bool = False


@dataclass(frozen=True, slots=True)
class AddressRange:
    """-m iprange: both ends belong to it."""

    side: Side
    first: IPAddress
    last: IPAddress
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Interface:
    """`name` may end in `+`: any device whose name starts so. `outgoing`: -o, not -i."""

    outgoing: bool
    name: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class IPProtocol:
    """The protocol's number."""

    number: int
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Fragment:
    """A second or further fragment, which a first packet never is."""

    negated: bool = False


@dataclass(frozen=True, slots=True)
class Ports:
    side: Side
    ranges: tuple[tuple[int, int], ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class TcpFlags:
    mask: frozenset[str]
    set: frozenset[str]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Icmp:
    """A type of ICMP or ICMPv6; no packet that we ask about has one."""

    kind: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class MarkIs:
    value: int
    mask: int
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ConnmarkIs:
    value: int
    mask: int
    negated: bool = False


@dataclass(frozen=True, slots=True)
class CtState:
    """Words of --ctstate and --state, upper case."""

    states: frozenset[str]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class AddressType:
    """`same_device`: only an address of the packet's device counts as LOCAL ("in": the input
    device, "out": the output device, "": any)."""

    side: Side
    kinds: frozenset[str]
    negated: bool = False
    same_device: str = ""


@dataclass(frozen=True, slots=True)
class Chance:
    """-m statistic: `probability` of a yes (of nth: one in N)."""

    probability: float
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Recent:
    """`action`: set (answers yes and remembers), rcheck, update, remove (the list decides)."""

    action: str
    name: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate limit: time decides."""

    words: str


@dataclass(frozen=True, slots=True)
class Physdev:
    """`question`: in, out (with a `name`), is-in, is-out, is-bridged (bridged, not routed)."""

    question: str
    name: str = ""
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    """Of the sending process: `what` is uid, gid or socket (that there is one)."""

    what: str
    first: int = 0
    last: int = 0
    negated: bool = False


@dataclass(frozen=True, slots=True)
class PacketType:
    kind: str  # unicast, broadcast, multicast
    negated: bool = False
