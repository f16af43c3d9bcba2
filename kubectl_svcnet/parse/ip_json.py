"""`ip -j addr`, `ip -j rule`, `ip -j route show table all` (iproute2 4.17 and later).

An answer that is no JSON list is a ParseError; an entry that lacks what every entry has is one
too. Empty objects, which `ip` prints for what its filters left out, are skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

from ..errors import ParseError
from ..model.address import Family, IPAddress, IPNetwork
from ..model.nodeview import Hop, InterfaceAddress, Route, RoutingRule
from ._ip_rule import parse_routing_rule

IPV4, IPV6 = Family.IPV4, Family.IPV6

#: The rules of every kernel; IPv6 has no table default.
_STANDARD = [(0, "local"), (32766, "main"), (32767, "default")]
_STANDARD_TABLES = ("local", "main", "default")


def parse_addresses(text: str) -> tuple[InterfaceAddress, ...]:
    """In the order of the listing, which is the order in which the kernel chooses."""
    return tuple(
        InterfaceAddress(ip_address(info["local"]), link["ifname"], int(info["prefixlen"]))
        for link in _entries(text, "addresses")
        for info in link.get("addr_info", ())
        if "local" in info
    )


def parse_masters(text: str) -> dict[str, str]:
    """From the listing of addresses: whose port a device is."""
    links = _entries(text, "addresses")
    return {link["ifname"]: str(link["master"]) for link in links if "master" in link}


def parse_routes(text: str) -> tuple[Route, ...]:
    return tuple(
        _route(entry) for entry in _entries(text, "routes") if "dst" in entry and _hops(entry)
    )


def further_tables(routes: Iterable[Route]) -> tuple[str, ...]:
    """The tables beside local, main and default that hold routes."""
    return tuple(dict.fromkeys(r.table for r in routes if r.table not in _STANDARD_TABLES))


def parse_rules(text: str, family: Family | None = None) -> tuple[RoutingRule, ...]:
    """All of them; none where they are those of every kernel. Without `family` it is that of
    the addresses in them."""
    entries = list(_entries(text, "rules"))
    plain = [_is_plain(entry) for entry in entries]
    found = [(int(e.get("priority", 0)), str(e.get("table", ""))) for e in entries]
    if all(plain) and set(found) <= set(_STANDARD):
        return ()
    if family is None:
        family = IPV4 if found[-1:] == _STANDARD[2:] else _family_of(entries)
    return tuple(parse_routing_rule(entry, family) for entry in entries)


def _is_plain(entry: Mapping[str, Any]) -> bool:
    return set(entry) <= {"priority", "src", "table", "protocol"} and entry.get("src") == "all"


def _family_of(entries: Iterable[Mapping[str, Any]]) -> Family | None:
    words = [str(entry.get(side, "all")) for entry in entries for side in ("src", "dst")]
    named = next((word for word in words if word != "all"), None)
    return None if named is None else IPV6 if ":" in named else IPV4


def _entries(text: str, what: str) -> Iterator[Mapping[str, Any]]:
    try:
        entries = json.loads(text or "[]")
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 0
        raise ParseError(f"not the JSON that ip prints for {what}", line=line) from error
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise ParseError(f"not a list of {what}")
    for entry in entries:
        if entry:
            yield _checked(entry, what)


def _checked(entry: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    """The entry, if it can be typed at all."""
    try:
        if what == "routes":
            _route(entry)
        elif what == "addresses":
            str.strip(entry["ifname"])
            for info in entry.get("addr_info", ()):
                if "local" in info:
                    ip_interface(f"{ip_address(info['local'])}/{int(info['prefixlen'])}")
        elif what == "rules":
            int(entry["priority"])
            parse_routing_rule(entry, None)
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise ParseError(f"not an entry of {what}", text=json.dumps(entry)) from error
    return entry


def _route(entry: Mapping[str, Any]) -> Route:
    hops = tuple(
        Hop(hop.get("dev"), _gateway(hop), "linkdown" in hop.get("flags", ()))
        for hop in _hops(entry)
    )
    devices = {hop.interface for hop in hops}
    gateway = hops[0].gateway if len(hops) == 1 else None
    source = entry.get("prefsrc")
    return Route(
        destination=_destination(entry, gateway),
        interface=devices.pop() if len(devices) == 1 else None,
        gateway=gateway,
        metric=int(entry.get("metric", 0)),
        kind=str(entry.get("type", "unicast")),
        table=str(entry.get("table", "main")),
        source=ip_address(source) if source else None,
        hops=hops if len(hops) > 1 or any(hop.linkdown for hop in hops) else (),
    )


def _hops(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Those that are alive: a device that is down leaves its hop in the listing. One without
    carrier counts as dead where ignore_routes_with_linkdown is on (fib_nexthop_info)."""
    return [h for h in entry.get("nexthops") or [entry] if "dead" not in h.get("flags", ())]


def _gateway(entry: Mapping[str, Any]) -> IPAddress | None:
    gateway = entry.get("gateway") or entry.get("via", {}).get("host")
    return ip_address(gateway) if gateway else None


def _destination(entry: Mapping[str, Any], gateway: IPAddress | None) -> IPNetwork:
    """`default` does not say of which family it is; only IPv6 routes have a preference."""
    if entry["dst"] != "default":
        return ip_network(entry["dst"], strict=False)
    ipv6 = "pref" in entry or (gateway is not None and gateway.version == 6)
    return ip_network("::/0" if ipv6 and "via" not in entry else "0.0.0.0/0")
