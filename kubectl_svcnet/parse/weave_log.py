"""The head of a Weave Net log (`kubectl -n kube-system logs weave-net-x weave`), 2.x.

Lines are `LEVEL: date time message` (weave common/logging.go), mixed with lines of scripts.
Read are the allocation range (prog/weaver/main.go prints its options once at the start), the
address of the bridge (net/bridge.go, with the prefix length of the *range*), and the parts of
the range that this node owns (the no-masq-local tracker lists them, unless that is off). What is
not there is None: the lines may be rotated away, or the range is the default and never printed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_interface

from ..model.address import IPNetwork
from ._text import split_lines

_RANGE = re.compile(r"\bCommand line options: .*\bipalloc-range:([^\s\]]+)")
_BRIDGE = re.compile(r'\b(?:Re-exposing (\S+) on bridge "|weave bridge has address (\S+))')
_VERSION = re.compile(r"^INFO: \S+ \S+ weave  (\S+)$")
_ENTRY = re.compile(r"\b(adding|deleting) entry (\S+) (?:to|from) weaver-no-masq-local\b")


@dataclass(frozen=True, slots=True)
class WeaveRange:
    network: IPNetwork
    line: str


@dataclass(frozen=True, slots=True)
class WeaveBridge:
    """The bridge's address; its network is the whole range, not this node's part."""

    interface: IPv4Interface | IPv6Interface
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeaveLog:
    range: WeaveRange | None = None
    bridge: WeaveBridge | None = None
    owned: tuple[WeaveRange, ...] = ()
    version: str | None = None


def parse_weave_log(text: str) -> WeaveLog:
    """The last start in the text counts: a log may hold more than one. A last line without its
    newline was cut off on the way (`10.32.0.0/1` of `/12`) and says nothing."""
    whole: WeaveRange | None = None
    bridge: WeaveBridge | None = None
    owned: dict[IPNetwork, WeaveRange] = {}
    version: str | None = None
    for line in split_lines(text[: text.rfind("\n") + 1]):
        if found := _RANGE.search(line):
            interface = _interface(found[1])
            whole = WeaveRange(interface.network, line) if interface else None
            bridge, owned = None, {}
        elif found := _BRIDGE.search(line):
            bridge = _seen_again(bridge, _interface(found[1] or found[2]), line)
        elif found := _ENTRY.search(line):
            _follow(owned, found[1], found[2], line)
        elif found := _VERSION.match(line):
            version = found[1]
    return WeaveLog(range=whole, bridge=bridge, owned=tuple(owned.values()), version=version)


def _interface(text: str) -> IPv4Interface | IPv6Interface | None:
    try:
        return ip_interface(text) if "/" in text else None
    except ValueError:
        return None


def _seen_again(
    known: WeaveBridge | None, seen: IPv4Interface | IPv6Interface | None, line: str
) -> WeaveBridge | None:
    if seen is None:
        return known
    lines = known.lines if known and known.interface == seen else ()
    return WeaveBridge(seen, (*lines, line))


def _follow(owned: dict[IPNetwork, WeaveRange], verb: str, text: str, line: str) -> None:
    interface = _interface(text)
    if interface is None:
        return
    if verb == "adding":
        owned.setdefault(interface.network, WeaveRange(interface.network, line))
    else:
        owned.pop(interface.network, None)
