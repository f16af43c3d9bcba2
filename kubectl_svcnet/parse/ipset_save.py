"""`ipset save` and `ipset list` (ipset 6 and 7): all sets with their members.

The two are told apart by their first words. `save` prints one `create` line per set, with its
members as `add` lines; `list` prints a block per set. Nothing is dropped: words of a member that
are not understood are kept as `unclear`, lines that belong to no set are a ParseError.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network, summarize_address_range
from itertools import pairwise
from typing import TypeGuard

from ..errors import ParseError
from ..model.address import Family
from ..model.ipset import Device, IPSet, Mark, Member, Part, PortOf, SetName
from ..model.ruleset import Unknown
from ._iptables_words import port, protocol_number
from ._text import split_lines, split_words

_HEADER = re.compile(r"(Name|Type|Header|Members|[A-Z][A-Za-z ]+):\s?(.*)")
_FAMILIES = {"inet": Family.IPV4, "inet6": Family.IPV6}
#: Extensions of a member that do not change whether it matches, and how many words follow.
_EXTENSIONS = {"packets": 1, "bytes": 1, "comment": 1, "skbmark": 1, "skbprio": 1, "skbqueue": 1}

#: Of a set that names no maxelem (IPSET_DEFAULT_MAXELEM).
_MOST_MEMBERS = 65536


@dataclass(slots=True)
class _Text:
    """A set as it is written: what stands after its name, and the words of its members."""

    name: str
    kind: str
    options: list[str] = field(default_factory=list)
    members: list[list[str]] = field(default_factory=list)


def parse_sets(text: str) -> Mapping[str, IPSet]:
    lines = split_lines(text)
    first = next((line for line in lines if line.strip()), "")
    read = _read_list if first.startswith("Name:") else _read_save
    return {name: _typed(found) for name, found in read(lines).items()}


def _read_save(lines: Sequence[str]) -> dict[str, _Text]:
    sets: dict[str, _Text] = {}
    for number, line in enumerate(lines, start=1):
        words = split_words(line)
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "create" and len(words) >= 3 and words[1] not in sets:
            sets[words[1]] = _Text(words[1], words[2], words[3:])
        elif words[0] == "add" and len(words) >= 3 and words[1] in sets:
            sets[words[1]].members.append(words[2:])
        else:
            raise ParseError("not a line of ipset save", line=number, text=line)
    return sets


def _read_list(lines: Sequence[str]) -> dict[str, _Text]:
    sets: dict[str, _Text] = {}
    current: _Text | None = None
    inside = False
    for number, line in enumerate(lines, start=1):
        header = _HEADER.fullmatch(line) if not inside or line.startswith("Name:") else None
        if not line.strip():
            inside = False
        elif header is None and inside and current is not None:
            current.members.append(split_words(line))
        elif header is None or (header[1] != "Name" and current is None):
            raise ParseError("not a line of ipset list", line=number, text=line)
        elif header[1] == "Name":
            current, inside = _Text(header[2], ""), False
            sets[current.name] = current
        elif current is not None:
            inside = header[1] == "Members"
            if header[1] == "Type":
                current.kind = header[2]
            elif header[1] == "Header":
                current.options = split_words(header[2])
    return sets


def _typed(text: _Text) -> IPSet:
    method, _, rest = text.kind.partition(":")
    kinds, bitmap = tuple(rest.split(",")), method == "bitmap"
    family = _FAMILIES.get(_option(text.options, "family"))
    if bitmap and kinds[0] == "ip":
        family = Family.IPV4
    members: dict[tuple[Part, ...], Member] = {}
    unclear = [] if rest else [Unknown(f"a set of type {text.kind}")]
    for words in text.members:
        flags, keys = _flags(words[1:]), _keys(words, kinds, bitmap=bitmap)
        if flags is None or keys is None:
            unclear.append(Unknown(" ".join(words)))
            continue
        member = Member("nomatch" in flags, "expires" in flags)
        members |= dict.fromkeys(keys, member)
    masks = {name: _option(text.options, name) for name in ("netmask", "markmask", "bitmask")}
    mask, mark_mask = _number(masks["netmask"]), _number(masks["markmask"])
    unclear += [
        Unknown(f"{name} {value}") for name, value in masks.items() if value and not _number(value)
    ]
    return IPSet(
        name=text.name,
        kinds=kinds,
        family=family,
        members=members,
        lengths=_lengths(members, kinds),
        wildcards=tuple({part for key in members for part in key if _is_wildcard(part)}),
        bitmap=bitmap,
        netmask=mask,
        markmask=mark_mask or 0xFFFFFFFF,
        full=len(members) >= (_number(_option(text.options, "maxelem")) or _MOST_MEMBERS),
        unclear=tuple(unclear),
    )


def _option(words: Sequence[str], name: str) -> str:
    return next((value for word, value in pairwise(words) if word == name), "")


def _number(word: str) -> int | None:
    """0x… or decimal; None for what is neither: an address, or nothing."""
    return int(word, 0) if re.fullmatch(r"0x[0-9a-fA-F]{1,8}|[1-9]\d{0,9}", word) else None


def _lengths(keys: Iterable[tuple[Part, ...]], kinds: tuple[str, ...]) -> tuple[int, ...]:
    found = {
        part.prefixlen
        for key in keys
        for part, kind in zip(key, kinds, strict=True)
        if kind == "net" and isinstance(part, IPv4Network | IPv6Network)
    }
    return tuple(sorted(found, reverse=True))


def _is_wildcard(part: Part) -> TypeGuard[Device]:
    return isinstance(part, Device) and part.wildcard


def _keys(
    words: Sequence[str], kinds: tuple[str, ...], *, bitmap: bool
) -> list[tuple[Part, ...]] | None:
    """One, or several where a range was added; None for what is not understood."""
    if kinds == ("set",):
        return [(SetName(words[0]),)]
    spelled = words[0].split(",")
    if len(spelled) != len(kinds):
        return None
    keys: list[tuple[Part, ...]] = [()]
    try:
        for kind, word in zip(kinds, spelled, strict=True):
            parts = _parts(kind, word, wildcard="wildcard" in words[1:], bitmap=bitmap)
            keys = [(*key, part) for key in keys for part in parts]
    except ValueError:
        return None
    return keys


def _flags(words: Sequence[str]) -> frozenset[str] | None:
    """nomatch, wildcard, expires; None for words that nobody knows."""
    found, at = set(), 0
    while at < len(words):
        word = words[at]
        at += 1
        if word in ("nomatch", "wildcard"):
            found.add(word)
        elif word == "timeout":
            if words[at : at + 1] != ["0"]:
                found.add("expires")
            at += 1
        elif word in _EXTENSIONS:
            at += _EXTENSIONS[word]
        else:
            return None
    return frozenset(found)


def _parts(kind: str, word: str, *, wildcard: bool, bitmap: bool) -> Sequence[Part]:
    if kind in ("ip", "net"):
        return _networks(word)
    if kind == "port":
        return _ports(word, bitmap=bitmap)
    if kind == "iface" and not word.startswith("physdev:"):
        return (Device(word, wildcard),)
    if kind == "mark":
        return (Mark(int(word, 0)),)
    raise ValueError(word)  # mac, and what comes after ipset 7


def _networks(word: str) -> Sequence[Part]:
    """ADDRESS, ADDRESS/LENGTH, FIRST-LAST"""
    first, dash, last = word.partition("-")
    if not dash:
        return (ip_network(word, strict=False),)
    return tuple(summarize_address_range(IPv4Address(first), IPv4Address(last)))


def _ports(word: str, *, bitmap: bool) -> Sequence[Part]:
    """[PROTOCOL:]PORT[-PORT]; without a protocol TCP. ICMP has types instead, by name."""
    name, colon, ports = word.rpartition(":")
    protocol = protocol_number(name) if colon else None if bitmap else 6
    if protocol in (1, 58):
        return (PortOf(protocol, 0),)
    first, dash, last = ports.partition("-")
    every = range(port(first), port(last if dash else first) + 1)
    return tuple(PortOf(protocol, number) for number in every)
