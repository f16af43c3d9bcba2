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
class AddressMasked:
    """By a mask that is no prefix length: 10.0.0.1/255.0.0.255."""

    side: Side
    address: IPAddress
    mask: IPAddress
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
    """`action`: set (answers yes and remembers), rcheck, update, remove (the list decides).
    `hits`: how often it must have been seen. `mask` is that of the address. `seconds`: how long
    ago at most; None: whenever."""

    action: str
    name: str
    negated: bool = False
    side: Side = Side.SOURCE
    hits: int = 0
    mask: str = ""
    seconds: int | None = None


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


@dataclass(frozen=True, slots=True)
class InSet:
    """-m set: the packet's words for each part of the set's type are taken from these sides.
    `exception`: only a nomatch member counts (--return-nomatch). `counters`: words that ask how
    often a member was hit."""

    name: str
    sides: tuple[Side, ...]
    negated: bool = False
    exception: bool = False
    counters: str = ""


@dataclass(frozen=True, slots=True)
class CtStatus:
    """Words of --ctstatus. Of what conntrack does not know, `alone` decides: with --ctstate in
    the same -m conntrack, which then held, the rest of it is not asked (xt_conntrack.c)."""

    words: frozenset[str]
    negated: bool = False
    alone: bool = True


@dataclass(frozen=True, slots=True)
class CtDirection:
    """`reply`: the answering direction. A first packet has the original one."""

    reply: bool
    alone: bool = True


@dataclass(frozen=True, slots=True)
class CtTuple:
    """The connection's own words, which translation does not change (`original`), or those that
    its answers have. `what` is one of the matches of addresses, ports or protocols here."""

    original: bool
    what: AddressIn | Ports | IPProtocol
    alone: bool = True


@dataclass(frozen=True, slots=True)
class ReversePath:
    """-m rpfilter: the route back to the source goes out of the device it came in by."""

    loose: bool = False
    own_address: bool = False  # --accept-local
    mark: bool = False  # --validmark
    negated: bool = False


@dataclass(frozen=True, slots=True)
class HasSocket:
    """-m socket: a process of the node has a socket for this packet."""


@dataclass(frozen=True, slots=True)
class Ipsec:
    """-m policy. `none`: --pol none."""

    outgoing: bool
    none: bool


@dataclass(frozen=True, slots=True)
class ByIpvs:
    """-m ipvs: IPVS has this packet in hand (`!` is of --ipvs alone). With more, where it was for
    when IPVS took it: matches of protocol, address and ports, or what is not understood."""

    asked: tuple[object, ...] = ()
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Never:
    """What no packet that we ask about has: an IPv6 routing header, a fragment, ESP. With `!`
    too: without the header there is no match."""


@dataclass(frozen=True, slots=True)
class Varies:
    """What differs from packet to packet of the same flow's kind, or with time and load: its
    length, its ttl, its dscp, the hour, a rate, a counter."""

    words: str
