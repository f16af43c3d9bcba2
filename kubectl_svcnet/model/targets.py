"""What a rule does with a packet that matches, one frozen class per target.

Words that no class here stands for are `ruleset.Unknown`. A new target is one class here, one
row in `parse._iptables_targets` and one in `engine.simulate.targets`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from .address import IPAddress, IPNetwork
from .matches import Side


@dataclass(frozen=True, slots=True)
class Jump:
    """To another chain; with `goto` the packet does not come back to this one."""

    chain: str
    goto: bool = False


@dataclass(frozen=True, slots=True)
class Accept:
    pass


@dataclass(frozen=True, slots=True)
class Drop:
    pass


@dataclass(frozen=True, slots=True)
class Reject:
    """`only`: nft's kinds of answer imply what they are for, which it does not list: "tcp", "ip"
    or "ip6"."""

    answer: str = ""  # --reject-with
    only: str = field(default="", compare=False, repr=False)  # JSON tells more of it than text


@dataclass(frozen=True, slots=True)
class Return:
    pass


@dataclass(frozen=True, slots=True)
class PortRange:
    """`base`: the original port's distance from it chooses the port (x-y/base)."""

    first: int
    last: int
    base: int | None = None


@dataclass(frozen=True, slots=True)
class AddressSpan:
    first: IPAddress
    last: IPAddress


@dataclass(frozen=True, slots=True)
class Dnat:
    """`addresses` None: only the port changes; `ports` None: it stays."""

    addresses: AddressSpan | None
    ports: PortRange | None
    random: bool = False
    persistent: bool = False  # the address is picked by the client alone


@dataclass(frozen=True, slots=True)
class Snat:
    """`random`: the source port is any."""

    addresses: AddressSpan | None
    ports: PortRange | None = None
    random: bool = False


@dataclass(frozen=True, slots=True)
class Masquerade:
    ports: PortRange | None = None
    random: bool = False


@dataclass(frozen=True, slots=True)
class Netmap:
    """The address keeps its place in the other network: the destination in PREROUTING and
    OUTPUT, the source elsewhere."""

    network: IPNetwork


@dataclass(frozen=True, slots=True)
class Redirect:
    ports: PortRange | None
    random: bool = False


@dataclass(frozen=True, slots=True)
class SetMark:
    """mark = (mark & ~mask) ^ value, which every spelling of the option comes down to."""

    value: int
    mask: int


class ConnmarkAction(str, Enum):
    SET = "set"  # the connection's mark, as in SetMark
    SAVE = "save"  # packet's mark to the connection
    RESTORE = "restore"  # and back


@dataclass(frozen=True, slots=True)
class Connmark:
    action: ConnmarkAction
    value: int = 0
    mask: int = 0xFFFFFFFF  # SET
    packet_mask: int = 0xFFFFFFFF  # SAVE, RESTORE
    connection_mask: int = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Notrack:
    pass


@dataclass(frozen=True, slots=True)
class Template:
    """CT --zone, --helper, --timeout: a connection that rules of raw see at once. `zone` None:
    the packet's mark is the zone; `direction`: original, reply, or "" for both."""

    zone: int | None = 0
    direction: str = ""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """SET: the packet's member is in this ipset from now on (`present`), or no more."""

    name: str
    sides: tuple[Side, ...]
    present: bool


@dataclass(frozen=True, slots=True)
class Nothing:
    """A target after which the packet goes on as it was: LOG, NFLOG, TRACE, TCPMSS, …"""

    name: str
