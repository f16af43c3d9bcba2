"""One entry of `ip -j rule` (iproute2 4.17 and later; the words of print_rule in iprule.c).

Words that are not here make the rule one that is not clear; what cannot be typed is a ValueError.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from ..model.address import Family, IPNetwork
from ..model.nodeview import RoutingRule
from ._iptables_words import protocol_number

_KNOWN = {
    *("priority", "table", "protocol", "not", "src", "srclen", "dst", "dstlen", "fwmark", "fwmask"),
    *("iif", "iif_detached", "oif", "oif_detached", "uid_start", "uid_end", "ipproto", "nop"),
    *("sport", "sport_start", "sport_end", "dport", "dport_start", "dport_end", "action"),
    *("suppress_prefixlen", "goto", "unresolved"),
}
_ACTIONS = ("lookup", "nop", "goto", "blackhole", "unreachable", "prohibit")


def parse_routing_rule(entry: Mapping[str, Any], family: Family | None) -> RoutingRule:
    implied = next((word for word in ("nop", "goto") if word in entry), "lookup")
    action = str(entry.get("action", implied))
    suppress = entry.get("suppress_prefixlen")
    return RoutingRule(
        priority=int(entry.get("priority", 0)),
        table=str(entry.get("table", "")),
        family=family,
        source=_network(entry, "src"),
        destination=_network(entry, "dst"),
        mark=_mark(entry),
        in_device=str(entry.get("iif", "")),
        out_device=str(entry.get("oif", "")),
        uids=_range(entry, "uid"),
        protocol=_protocol(entry),
        ports=_range(entry, "dport"),
        source_ports=_range(entry, "sport"),
        negated="not" in entry,
        action=action,
        suppress=None if suppress is None else int(suppress),
        goto=int(entry["goto"]) if "goto" in entry else None,
        clear=set(entry) <= _KNOWN and action in _ACTIONS,
    )


def _network(entry: Mapping[str, Any], side: str) -> IPNetwork | None:
    word = entry.get(side, "all")
    if word == "all":
        return None
    length = entry.get(f"{side}len")
    return ip_network(word if length is None else f"{word}/{int(length)}", strict=False)


def _mark(entry: Mapping[str, Any]) -> tuple[int, int] | None:
    if "fwmark" not in entry:
        return None
    mask = int(str(entry.get("fwmask", "0xffffffff")), 0)
    return int(str(entry["fwmark"]), 0), mask


def _protocol(entry: Mapping[str, Any]) -> int | None:
    return protocol_number(str(entry["ipproto"])) if "ipproto" in entry else None


def _range(entry: Mapping[str, Any], what: str) -> tuple[int, int] | None:
    """dport, or dport_start and dport_end."""
    if what in entry:
        return int(entry[what]), int(entry[what])
    if f"{what}_start" not in entry:
        return None
    return int(entry[f"{what}_start"]), int(entry[f"{what}_end"])
