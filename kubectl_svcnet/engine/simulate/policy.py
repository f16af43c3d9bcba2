"""Routing rules: which tables are asked for a packet, in the order of `ip rule`.

A rule that may match or not, because of a word that nobody knows, leaves the way open only where
its table has another one than what comes after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from ...model.address import IPAddress, IPNetwork, Protocol
from ...model.nodeview import RoutingRule
from .flow import Flow

_NUMBERS = {Protocol.TCP: 6, Protocol.UDP: 17, Protocol.SCTP: 132}
_ICMP = {4: 1, 6: 58}


@dataclass(frozen=True, slots=True)
class Way:
    """`device` None: not known. `kind` is the route's; "none": there is no route."""

    device: str | None
    kind: str = "unicast"
    gateway: IPAddress | None = None
    source: IPAddress | None = None


UNKNOWN_WAY = Way(None)


@dataclass(frozen=True, slots=True)
class Sought:
    """What routing sees of a packet. `source` None: not known, or of a packet of the node that
    has none yet (`own`), which only rules for any source match."""

    destination: IPAddress
    source: IPAddress | None
    mark: int
    in_device: str | None  # "lo" for the node's own
    own: bool
    protocol: int
    port: int | None = None
    source_port: int | None = None

    @classmethod
    def of(cls, flow: Flow, *, source: IPAddress | None = None) -> Sought:
        return cls(
            flow.destination,
            source or flow.source,
            flow.mark,
            "lo" if flow.own else flow.in_device,
            flow.own,
            _NUMBERS[flow.protocol],
            flow.destination_port,
            flow.source_port,
        )

    @classmethod
    def by_ipvs(cls, destination: IPAddress) -> Sought:
        """do_output_route4 (net/netfilter/ipvs/ip_vs_xmit.c)."""
        return cls(destination, None, 0, "lo", True, 0)

    @classmethod
    def back(cls, flow: Flow, source: IPAddress, mark: int) -> Sought:
        """The way back to a source, as it is checked on arrival (__fib_validate_source)."""
        return cls(source, flow.destination, mark, "lo", False, _NUMBERS[flow.protocol])

    @classmethod
    def answer(cls, client: IPAddress, source: IPAddress | None) -> Sought:
        """An ICMP error of the node."""
        return cls(client, source, 0, "lo", True, _ICMP[client.version])


#: The way by one table: None if it has no route there. The flag: the answer is open.
Lookup: TypeAlias = Callable[[RoutingRule, IPAddress], "Way | None"]


def way_by_rules(rules: Iterable[RoutingRule], sought: Sought, lookup: Lookup) -> Way:
    maybe: set[Way] = set()
    found = Way(None, "none")
    for rule in rules:
        matches = _matches(rule, sought) if rule.clear else None
        if matches is False or rule.action == "nop":
            continue
        way = _way(rule, sought, lookup)
        if way is None:
            continue
        if matches:
            found = way
            break
        maybe.add(way)
    return found if maybe <= {found} else UNKNOWN_WAY


def _way(rule: RoutingRule, sought: Sought, lookup: Lookup) -> Way | None:
    if not rule.clear:
        return UNKNOWN_WAY
    if rule.action != "lookup":
        return Way(None, rule.action)
    return lookup(rule, sought.destination)


def _matches(rule: RoutingRule, sought: Sought) -> bool | None:
    """fib_rule_match: all of its words, and `not` turns the whole."""
    answers = (
        _in(rule.source, sought.source, unset=sought.own),
        _in(rule.destination, sought.destination, unset=False),
        rule.mark is None or sought.mark & rule.mark[1] == rule.mark[0],
        _device(rule.in_device, sought.in_device),
        not rule.out_device,  # only a socket that is bound to a device asks for one
        rule.uids is None or rule.uids[0] == 0,  # processes run as root, the rest counts so
        rule.protocol is None or rule.protocol == sought.protocol,
        _port(rule.ports, sought.port),
        _port(rule.source_ports, sought.source_port),
    )
    whole = False if False in answers else None if None in answers else True
    return None if whole is None else whole is not rule.negated


def _in(network: IPNetwork | None, address: IPAddress | None, *, unset: bool) -> bool | None:
    if network is None or network.prefixlen == 0:
        return True
    if address is None:
        return False if unset else None
    return address in network


def _device(name: str, device: str | None) -> bool | None:
    if not name:
        return True
    return None if device is None else device == name


def _port(ports: tuple[int, int] | None, port: int | None) -> bool | None:
    if ports is None:
        return True
    return None if port is None else ports[0] <= port <= ports[1]
