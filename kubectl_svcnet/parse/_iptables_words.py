"""The words of one module of a rule, and the few shapes that values have in iptables.

Each reader raises ValueError for what does not fit; the caller then keeps the words as Unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from ..model.address import IPNetwork
from ..model.matches import Side
from ..model.targets import AddressSpan, PortRange

#: Names that iptables prints for -p (xtables_chain_protos), by number (IANA).
_PROTOCOLS = {
    "all": 0,
    "icmp": 1,
    "igmp": 2,
    "ipencap": 4,
    "ipip": 4,
    "tcp": 6,
    "udp": 17,
    "dccp": 33,
    "ipv6": 41,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "icmpv6": 58,
    "ipv6-icmp": 58,
    "ospf": 89,
    "vrrp": 112,
    "sctp": 132,
    "mh": 135,
    "ipv6-mh": 135,
    "udplite": 136,
}


class Option(NamedTuple):
    name: str
    negated: bool
    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((*(["!"] if self.negated else []), self.name, *self.words))


@dataclass(frozen=True, slots=True)
class Words:
    """What was written for one module. Asking for an option that is not there: KeyError."""

    module: str
    options: tuple[Option, ...]

    def __contains__(self, name: str) -> bool:
        return any(option.name == name for option in self.options)

    def __getitem__(self, name: str) -> Option:
        for option in self.options:
            if option.name == name:
                return option
        raise KeyError(name)

    def value(self, name: str) -> str:
        """The word of an option that cannot be negated."""
        option = self[name]
        if option.negated:
            raise ValueError(f"! {name}")
        return option.words[0]


@dataclass(frozen=True, slots=True)
class Module:
    """A row of the tables: which options it has, how many words follow each, what they become
    (a match, a tuple of matches, or a target)."""

    options: Mapping[str, int]
    build: Callable[[Words], object]


def network(word: str) -> IPNetwork:
    """ADDRESS[/LENGTH or /MASK]; ipaddress would take 0.0.0.255 for the mask's inverse."""
    address, slash, mask = word.partition("/")
    if slash and not mask.isdecimal():
        bits = int(ip_address(mask))
        length = bits.bit_count()
        inverse = (1 << ip_address(mask).max_prefixlen) - 1 - bits
        if inverse & (inverse + 1):
            raise ValueError(word)
        word = f"{address}/{length}"
    return ip_network(word, strict=False)


def protocol_number(word: str) -> int:
    if word.isdecimal():
        return int(word)
    try:
        return _PROTOCOLS[word.lower()]
    except KeyError:
        raise ValueError(word) from None


def port(word: str) -> int:
    number = int(word)
    if not 0 <= number <= 65535:
        raise ValueError(word)
    return number


def port_range(word: str) -> tuple[int, int]:
    """N, N:M, :M, N:"""
    first, colon, last = word.partition(":")
    if not colon:
        return port(word), port(word)
    return port(first or "0"), port(last or "65535")


def sides_of(word: str) -> tuple[Side, ...]:
    """`src,dst` of a set."""
    return tuple(_SIDES[side] for side in word.split(","))


_SIDES = {"src": Side.SOURCE, "dst": Side.DESTINATION}


def masked(word: str) -> tuple[int, int]:
    """VALUE[/MASK], decimal, 0x… or 0…; the mask is all ones where none is written."""
    value, slash, mask = word.partition("/")
    return _number(value), _number(mask) if slash else 0xFFFFFFFF


def _number(word: str) -> int:
    if len(word) > 1 and word[0] == "0" and word[1] in "01234567":
        word = "0o" + word[1:]
    number = int(word, 0)
    if not 0 <= number <= 0xFFFFFFFF:
        raise ValueError(word)
    return number


def translation(word: str) -> tuple[AddressSpan | None, PortRange | None]:
    """[ADDRESS[-ADDRESS]][:PORT[-PORT[/BASE]]], IPv6 addresses with a port in brackets."""
    if word.startswith("["):
        inside, closed, rest = word[1:].partition("]")
        if not closed or rest[:1] not in ("", ":"):
            raise ValueError(word)
        addresses, ports = inside.replace("]-[", "-"), rest[1:]
        if rest.startswith("-["):
            raise ValueError(word)
    elif word.count(":") > 1:
        addresses, ports = word, ""
    else:
        addresses, _, ports = word.partition(":")
    return span(addresses) if addresses else None, ports_to(ports) if ports else None


def span(word: str) -> AddressSpan:
    first, dash, last = word.partition("-")
    start = ip_address(first)
    end = ip_address(last) if dash else start
    if start.version != end.version or int(end) < int(start):
        raise ValueError(word)
    return AddressSpan(start, end)


def ports_to(word: str) -> PortRange:
    """PORT[-PORT[/BASE]]"""
    ports, slash, base = word.partition("/")
    first, dash, last = ports.partition("-")
    start = port(first)
    end = port(last) if dash else start
    if end < start:
        raise ValueError(word)
    return PortRange(start, end, port(base) if slash else None)
