"""Sets of the kernel's ipset, which `-m set` asks.

A member has one part per word of its set's type: addresses and networks are networks, a port has
its protocol, the others are names and numbers. Members are found by their parts; one with words
that are not understood is in `unclear`. A `list:set` has the names of other sets as members.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from .address import Family, IPNetwork
from .ruleset import Unknown


@dataclass(frozen=True, slots=True)
class PortOf:
    """A port and the number of its protocol; that is None in a bitmap:port, which has TCP and
    UDP alike. Of ICMP, which has no ports, the number is 0."""

    protocol: int | None
    port: int


@dataclass(frozen=True, slots=True)
class Device:
    """`wildcard`: any device whose name starts so."""

    name: str
    wildcard: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    value: int


@dataclass(frozen=True, slots=True)
class SetName:
    """Another set, as member of a list."""

    name: str


Part: TypeAlias = "IPNetwork | PortOf | Device | Mark | SetName"


@dataclass(frozen=True, slots=True)
class Member:
    """`nomatch`: an exception from a wider network. `expires`: it goes away by itself."""

    nomatch: bool = False
    expires: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IPSet:
    """`kinds` are the words of its type after the colon: ip, net, port, iface, mark, mac, set.
    `family` None: both. `lengths`: which prefix lengths networks have, longest first.
    `netmask`, `markmask`: what of an address or mark is looked up at all. `full`: no member more
    gets in."""

    name: str
    kinds: tuple[str, ...]
    family: Family | None = None
    members: Mapping[tuple[Part, ...], Member] = field(default_factory=dict)
    lengths: tuple[int, ...] = ()
    wildcards: tuple[Device, ...] = ()
    bitmap: bool = False
    netmask: int | None = None
    markmask: int = 0xFFFFFFFF
    full: bool = False
    unclear: tuple[Unknown, ...] = ()
