"""Addresses and routes from /proc/net, for images that have `cat` and no `ip`.

fib_trie (IPv4: local addresses, and which tables there are), route (IPv4, the main table only),
if_inet6 and ipv6_route (IPv6; the latter mixes all tables and does not say which). None of them
shows `ip rule`. fib_trie names no devices: an address belongs to the device whose connected
route covers it, and where none does the device is not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import TypeVar

from ..errors import ParseError
from ..model.address import IPAddress
from ..model.nodeview import InterfaceAddress, Route
from ._text import split_lines

_LEAF = re.compile(r"\s*\|-- (\d+\.\d+\.\d+\.\d+)$")
_PREFIX = re.compile(r"\s*/(\d+) (\w+) (\w+)")
_TABLE = re.compile(r"(Main|Local|Id (\d+)):$")

# include/uapi/linux/route.h, ipv6_route.h
_RTF_GATEWAY, _RTF_REJECT = 0x0002, 0x0200
_RTF_LOCAL, _RTF_ANYCAST = 0x80000000, 0x00100000

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class FibTrie:
    """`routes` are local prefixes that are no single address, and broadcast addresses."""

    addresses: tuple[IPv4Address, ...]
    routes: tuple[Route, ...]
    further_tables: tuple[str, ...]


def parse_fib_trie(text: str) -> FibTrie:
    addresses: dict[IPv4Address, None] = {}
    routes: dict[Route, None] = {}
    further: dict[str, None] = {}
    table, leaf = "", None
    for number, line in enumerate(split_lines(text), 1):
        if found := _TABLE.match(line):
            table = found[2] or ""
            if table:
                further[table] = None
        elif found := _LEAF.match(line):
            leaf = _typed(IPv4Address, found[1], number, line)
        elif (found := _PREFIX.match(line)) and leaf is not None and not table:
            length, kind = int(found[1]), found[3].lower()
            if kind == "local" and length == 32:
                addresses[leaf] = None
            elif kind in ("local", "broadcast") and length <= 32:
                net = ip_network((leaf, length), strict=False)
                routes[Route(net, None, kind=kind, table="local")] = None
    if not addresses:
        raise ParseError("no local address in fib_trie")
    return FibTrie(addresses=tuple(addresses), routes=tuple(routes), further_tables=tuple(further))


def parse_route(text: str) -> tuple[Route, ...]:
    """/proc/net/route, whose addresses are in the byte order of the machine (little-endian)."""
    lines = split_lines(text)
    if not lines or not lines[0].startswith("Iface"):
        raise ParseError("not /proc/net/route")
    return tuple(_rows(lines[1:], 2, _ipv4_route))


def _ipv4_route(words: list[str]) -> Route:
    device, flags = words[0], int(words[3], 16)
    network = ip_network(f"{_swapped(words[1])}/{_swapped(words[7])}")
    gateway = _swapped(words[2]) if flags & _RTF_GATEWAY else None
    kind = "unicast"
    if device == "*":  # fib_route_seq_show: a route without a device; prohibit looks like it
        kind = "unreachable" if flags & _RTF_REJECT else "blackhole"
    return Route(network, None if device == "*" else device, gateway, int(words[6]), kind)


def _swapped(word: str) -> IPv4Address:
    return IPv4Address(bytes.fromhex(word)[::-1])


def parse_if_inet6(text: str) -> tuple[InterfaceAddress, ...]:
    return tuple(_rows(split_lines(text), 1, _ipv6_address))


def _ipv6_address(words: list[str]) -> InterfaceAddress:
    address, _, length, _, _, device = words
    return InterfaceAddress(IPv6Address(bytes.fromhex(address)), device, int(length, 16))


def parse_ipv6_route(text: str) -> tuple[Route, ...]:
    return tuple(route for route in _rows(split_lines(text), 1, _ipv6_route) if route is not None)


def _ipv6_route(words: list[str]) -> Route | None:
    target, length, _, _, hop, metric, _, _, flag_word, device = words
    flags = int(flag_word, 16)
    if metric == "f" * 8:  # the entry that stands for "no route" (ip6_null_entry)
        return None
    network = ip_network((bytes.fromhex(target), int(length, 16)))
    gateway = IPv6Address(bytes.fromhex(hop)) if flags & _RTF_GATEWAY else None
    kind = "local" if flags & _RTF_LOCAL else "anycast" if flags & _RTF_ANYCAST else "unicast"
    if flags & _RTF_REJECT:
        kind = "unreachable"
    table = "local" if kind in ("local", "anycast") else "main"
    return Route(network, device, gateway, int(metric, 16), kind, table)


def _rows(lines: Iterable[str], start: int, read: Callable[[list[str]], _T]) -> Iterable[_T]:
    for number, line in enumerate(lines, start):
        if line.strip():
            yield _typed(read, line.split(), number, line)


def _typed(read: Callable[..., _T], words: object, number: int, line: str) -> _T:
    try:
        return read(words)
    except (ValueError, IndexError) as error:
        raise ParseError("not a line of this file", line=number, text=line) from error


def place_addresses(
    addresses: Iterable[IPAddress], routes: Iterable[Route]
) -> tuple[InterfaceAddress, ...]:
    """Addresses with the device and prefix of the longest connected route that covers them."""
    connected = [r for r in routes if r.gateway is None and r.interface and r.kind == "unicast"]
    connected = [r for r in connected if r.destination.prefixlen > 0]
    placed = []
    for address in addresses:
        if address.is_loopback:
            placed.append(InterfaceAddress(address, "lo", 8 if address.version == 4 else 128))
            continue
        covering = [r for r in connected if address in r.destination]
        best = max(covering, key=lambda r: r.destination.prefixlen, default=None)
        length = best.destination.prefixlen if best else None
        placed.append(InterfaceAddress(address, best.interface if best else None, length))
    return tuple(placed)
