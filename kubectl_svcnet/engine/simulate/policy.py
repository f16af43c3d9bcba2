"""Routing rules: which tables are asked for a packet, in the order of `ip rule`.

A rule that may match or not leaves several ways: all are possible where the source port, which
the sender chooses, decides; where nobody knows a word of it, the way is open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from ...model.address import IPAddress, IPNetwork, Protocol
from ...model.nodeview import RoutingRule
from .flow import UNKNOWN_WAY, Flow, Way

FIRST_PORT, LAST_PORT = 1024, 65535  # of a sender that names none
_NUMBERS = {Protocol.TCP: 6, Protocol.UDP: 17, Protocol.SCTP: 132}
_ICMP = {4: 1, 6: 58}


class Sought(NamedTuple):
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
        return cls(destination, None, 0, "lo", True, 0, 0, 0)

    @classmethod
    def back(cls, flow: Flow, source: IPAddress, mark: int) -> Sought:
        """The way back to a source, as it is checked on arrival (__fib_validate_source)."""
        protocol, back = _NUMBERS[flow.protocol], (flow.source_port, flow.destination_port)
        return cls(source, flow.destination, mark, "lo", False, protocol, *back)

    @classmethod
    def answer(cls, client: IPAddress, source: IPAddress | None) -> Sought:
        """An ICMP error of the node."""
        return cls(client, source, 0, "lo", True, _ICMP[client.version], 0, 0)


#: The ways by one table, several where a hash picks the next hop; none: it has no route there.
Lookup: TypeAlias = Callable[[RoutingRule, IPAddress], tuple[Way, ...]]


def ways_by_rules(rules: Sequence[RoutingRule], sought: Sought, lookup: Lookup) -> tuple[Way, ...]:
    """All that are possible; UNKNOWN_WAY alone where nobody knows which are."""
    maybe: dict[Way, None] = {}
    doubtful, resume = False, 0
    for rule in rules:
        matches = _matches(rule, sought) if rule.clear else None
        if rule.priority < resume or matches is False or rule.action == "nop":
            continue
        if rule.goto is not None and matches:
            if any(other.priority == rule.goto for other in rules):  # else it is unresolved
                resume = rule.goto
            continue
        ways = _ways(rule, sought, lookup)
        maybe.update(dict.fromkeys(ways))
        if matches and ways:
            break
        if matches is None and ways and not _sender_decides(rule, sought):
            doubtful = True
    else:
        maybe[Way(None, "none")] = None
    return (UNKNOWN_WAY,) if doubtful and len(maybe) > 1 else tuple(maybe)


def _ways(rule: RoutingRule, sought: Sought, lookup: Lookup) -> tuple[Way, ...]:
    if not rule.clear or rule.goto is not None:
        return (UNKNOWN_WAY,)
    if rule.action != "lookup":
        return (Way(None, rule.action),)
    return lookup(rule, sought.destination)


def _sender_decides(rule: RoutingRule, sought: Sought) -> bool:
    named = sought._replace(source_port=FIRST_PORT)
    return rule.clear and sought.source_port is None and _matches(rule, named) is not None


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
    if port is not None:
        return ports[0] <= port <= ports[1]
    if ports[1] < FIRST_PORT:
        return False
    return True if ports[0] <= FIRST_PORT and ports[1] == LAST_PORT else None
