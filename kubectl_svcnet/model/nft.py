"""Native nftables: tables, chains, sets and maps, and rules as typed statements.

A rule is a row of statements, done in order until one does not match. What is not understood is
`ruleset.Unknown` with its raw words. Nothing is guessed: a table says whether it was listed
whole, a set whether all of its elements are here. Values are addresses, numbers (ports,
protocols, marks) and words (devices, states); the verdicts of `model.targets` are statements too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from .address import Family, IPAddress
from .fate import Backend, ChainId
from .ruleset import Unknown


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends belong to it; addresses of one family, or numbers."""

    first: IPAddress | int
    last: IPAddress | int


@dataclass(frozen=True, slots=True)
class NameStart:
    """Any device whose name starts so (`eth*`)."""

    start: str


@dataclass(frozen=True, slots=True)
class Flags:
    """Words of which any may hold (`ct state new,related`), or that a bit pattern is made of."""

    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Parts:
    """A concatenated key or value; each part may be an interval."""

    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Anything:
    """The catch-all element `*`, which holds for keys that no other element has."""


Value: TypeAlias = "IPAddress | int | str | Interval | NameStart | Flags | Parts | Anything"


# Expressions: what a rule computes from the packet.


@dataclass(frozen=True, slots=True)
class Field:
    """A header field: ip saddr, th dport, tcp flags."""

    protocol: str
    name: str


@dataclass(frozen=True, slots=True)
class Meta:
    key: str


@dataclass(frozen=True, slots=True)
class Ct:
    key: str
    direction: str = ""  # original, reply


@dataclass(frozen=True, slots=True)
class Fib:
    selectors: frozenset[str]  # saddr, daddr, mark, iif, oif
    result: str  # type, oif, oifname, check


@dataclass(frozen=True, slots=True)
class Numgen:
    mode: str  # random, inc
    modulus: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Hashed:
    """jhash or symhash: its seed is a secret."""

    modulus: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Bits:
    operator: str  # & | ^ << >>
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Joined:
    """A concatenation: ip saddr . th dport."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class SetName:
    name: str


@dataclass(frozen=True, slots=True)
class Element:
    """Of a set or a map. `value` is None in a set; in a map a value or a verdict. `expires`: it
    goes away by itself. Words that are not understood make an `Unknown` key."""

    key: Value | Unknown
    value: object | None = None
    expires: bool = False


@dataclass(frozen=True, slots=True)
class Elements:
    """A set without a name, in the rule itself."""

    items: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """`key map { … }`: the value that a map gives; without one the rule does not match."""

    key: Expression
    table: SetName | Elements


Expression: TypeAlias = (
    "Field | Meta | Ct | Fib | Numgen | Hashed | Bits | Joined | Lookup | SetName | Elements"
    " | Unknown | Value"
)


# Statements. The verdicts (Jump, Accept, Drop, Reject, Return) and Masquerade, Notrack and
# Nothing are those of `model.targets`, Limit is that of `model.matches`.


@dataclass(frozen=True, slots=True)
class Match:
    """`operator`: "" where the rule has none: equal, or for flags any of them."""

    left: Expression
    operator: str
    right: Expression


@dataclass(frozen=True, slots=True)
class VerdictMap:
    key: Expression
    table: SetName | Elements


@dataclass(frozen=True, slots=True)
class Continue:
    """The verdict of a map that says: go on with the next rule."""


@dataclass(frozen=True, slots=True)
class SetMark:
    """meta mark set, or ct mark set (`connection`)."""

    value: Expression
    connection: bool = False


@dataclass(frozen=True, slots=True)
class SetZone:
    """ct zone set, of both directions or one."""

    value: Expression
    direction: str = ""


@dataclass(frozen=True, slots=True)
class Nat:
    """dnat, snat or redirect. An address that is `Parts` holds the port too."""

    kind: str
    address: Expression | None
    port: Expression | None
    random: bool = False
    persistent: bool = False


@dataclass(frozen=True, slots=True)
class Remember:
    """add, update or delete: the packet's key in a dynamic set."""

    action: str
    name: str
    key: Expression


@dataclass(frozen=True, slots=True)
class Doubt:
    """A match that is not understood; what follows it is."""

    raw: str


# What holds them.


@dataclass(frozen=True, slots=True)
class Rule:
    """`statements` are done in order. `raw` is its own text, without a handle."""

    number: int
    raw: str
    statements: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Base:
    """How a base chain hooks in. `priority` is None where its words are not understood; where
    no word of its line is, that line is the `kind`. `devices`: of ingress and egress, () if they
    are not known."""

    kind: str  # filter, nat, route
    hook: str  # prerouting, input, forward, output, postrouting, ingress, egress
    priority: int | None
    policy: str = "accept"
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """`whole`: every rule is here; a listing that broke off inside it is not."""

    name: str
    base: Base | None = None
    rules: Sequence[Rule] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """A named set, or a map (`maps`). `dynamic`: rules add to it, so what it holds when a packet
    comes is not known. `covers` is None where every element is here; otherwise elements whose
    key holds another single address were left on the node, and one is missing for certain only
    if all addresses of its key are in `covers`. `timeout`: the seconds that it holds what rules
    add, unless they say otherwise."""

    name: str
    types: tuple[str, ...]
    values: tuple[str, ...] = ()
    maps: bool = False
    elements: Sequence[Element] = ()
    dynamic: bool = False
    size: int | None = None
    timeout: int | None = None
    covers: frozenset[IPAddress] | None = None
    garbled: tuple[Unknown, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`complete`: listed whole, so a chain or set that is not here does not exist. `dormant`:
    its base chains are not hooked in. `garbled`: lines that are no part of anything."""

    family: str  # ip, ip6, inet, arp, bridge, netdev
    name: str
    chains: Mapping[str, Chain] = field(default_factory=dict)
    sets: Mapping[str, Set] = field(default_factory=dict)
    complete: bool = False
    dormant: bool = False
    garbled: tuple[Unknown, ...] = ()

    def __str__(self) -> str:
        return f"{self.family} {self.name}"

    def chain_id(self, family: Family, name: str) -> ChainId:
        """As a fate names it: `ip kube-proxy/CHAIN`; `family` is the packet's."""
        return ChainId(family, Backend.NFTABLES, str(self), name)

    def set_id(self, family: Family, name: str) -> ChainId:
        """`ip kube-proxy/@service-ips`, as rules spell a set."""
        return ChainId(family, Backend.NFTABLES, str(self), f"@{name}")


#: What nft calls the families of iptables.
NAMES: Mapping[Family, str] = {Family.IPV4: "ip", Family.IPV6: "ip6"}
FAMILIES: Mapping[str, Family] = {name: family for family, name in NAMES.items()}

#: The tables that iptables-nft keeps in the families ip and ip6.
_IPTABLES = ("raw", "mangle", "nat", "filter", "security")


def is_iptables(family: str, name: str) -> bool:
    """Whether this is a name that iptables-nft uses: read it with iptables-nft-save."""
    return family in NAMES.values() and name in _IPTABLES


#: Packets of which family a table sees.
SEES: Mapping[str, tuple[Family, ...]] = {
    "ip": (Family.IPV4,),
    "ip6": (Family.IPV6,),
    "inet": (Family.IPV4, Family.IPV6),
    "netdev": (Family.IPV4, Family.IPV6),
}
