"""What else decides a packet's way: addresses, routes, sysctls, and kube-proxy's own state.

upstream's kube-proxy image has no `ip`, so /proc is read with `cat`; where a vantage has `ip`,
its JSON wins, since it alone shows routing rules and the devices of further tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from ..errors import ParseError
from ..model.address import Family
from ..model.capture import Capture
from ..model.commands import Command
from ..model.finding import Gap
from ..model.nodeview import InterfaceAddress, Route, RoutingRule
from ..parse.ip_json import (
    further_tables,
    parse_addresses,
    parse_masters,
    parse_routes,
    parse_rules,
)
from ..parse.proc_net import (
    parse_fib_trie,
    parse_if_inet6,
    parse_ipv6_route,
    parse_route,
    place_addresses,
)
from ..parse.sysctl import parse_sysctls

_NAME = re.compile(r"^Name:\t(.*)$", re.MULTILINE)
_PROXIES = ("kube-proxy", "hyperkube")  # all of Kubernetes in one program, in images until 1.18
_STATE = re.compile(r"^State:\s*(\S)", re.MULTILINE)

Captures = Mapping[Command, Capture]


def _file(path: str) -> Command:
    return Command("cat", (path,))


STATUS = _file("/proc/1/status")
FIB_TRIE = _file("/proc/net/fib_trie")
ROUTE = _file("/proc/net/route")
IF_INET6 = _file("/proc/net/if_inet6")
IPV6_ROUTE = _file("/proc/net/ipv6_route")
LEGACY_TABLES = {
    Family.IPV4: _file("/proc/net/ip_tables_names"),
    Family.IPV6: _file("/proc/net/ip6_tables_names"),
}
SYSCTLS, DEVICE_SYSCTLS = Command("sysctls"), Command("device-sysctls")
ADDR, RULE, IP_ROUTE = Command("ip-addr"), Command("ip-rule"), Command("ip-route")
RULE6, IP_ROUTE6 = Command("ip6-rule"), Command("ip6-route")


def state_commands(families: frozenset[Family]) -> tuple[Command, ...]:
    """One round's reading of everything but rules."""
    commands = [STATUS, SYSCTLS, DEVICE_SYSCTLS, FIB_TRIE, ROUTE, ADDR, RULE, IP_ROUTE]
    if Family.IPV6 in families:
        commands += [IF_INET6, IPV6_ROUTE, RULE6, IP_ROUTE6]
    return (*commands, *(LEGACY_TABLES[family] for family in sorted(families)))


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """None: not read. `gaps` are not blocking; what they leave open is open in the walk too."""

    addresses: tuple[InterfaceAddress, ...] | None = None
    addresses_in_order: bool = False  # as the kernel chooses among them; fib_trie does not tell
    masters: Mapping[str, str] | None = None
    routes: tuple[Route, ...] | None = None
    routing_rules: tuple[RoutingRule, ...] = ()
    further_tables: tuple[str, ...] = ()
    sysctls: Mapping[str, str]
    gaps: tuple[Gap, ...] = ()


def process_state(captures: Captures) -> str:
    """The letter of process 1, which in kube-proxy's container is kube-proxy; "" if unknown, and
    where it is another: a shell that started it, or init, where the pod shares the host's."""
    capture = captures.get(STATUS)
    text = capture.text() if capture is not None and capture.ok else ""
    name, found = _NAME.search(text), _STATE.search(text)
    another = name is not None and name[1] not in _PROXIES
    return found[1] if found and not another else ""


def read_state(captures: Captures) -> NodeState:
    reader = _Reader(captures)
    with_ip = _from_ip(reader) if reader.has(ADDR) else None
    return with_ip or _from_proc(reader)


T = TypeVar("T")


class _Reader:
    """Parses answers; one that cannot be read is a gap and counts as not read."""

    def __init__(self, captures: Captures) -> None:
        self._captures = captures
        self.gaps: list[Gap] = []

    def has(self, command: Command) -> bool:
        capture = self._captures.get(command)
        return capture is not None and capture.ok

    def read(self, command: Command, parse: Callable[[str], T]) -> T | None:
        if not self.has(command):
            return None
        try:
            return parse(self._captures[command].text())
        except ParseError as error:
            self.gaps.append(Gap(what=" ".join(command.argv()), why=str(error)))
            return None

    def sysctls(self) -> Mapping[str, str]:
        """grep exits 2 where one of the files is missing, and prints the others all the same;
        those of devices only GNU's finds."""
        captures = (self._captures.get(command) for command in (DEVICE_SYSCTLS, SYSCTLS))
        values: dict[str, str] = {}
        for capture in captures:
            if capture is not None and capture.failure is None:
                values |= parse_sysctls(capture.text())
        return values


def _from_ip(reader: _Reader) -> NodeState | None:
    addresses = reader.read(ADDR, parse_addresses)
    routes = [reader.read(command, parse_routes) for command in (IP_ROUTE, IP_ROUTE6)]
    rules = [
        reader.read(command, partial(parse_rules, family=family))
        for command, family in ((RULE, Family.IPV4), (RULE6, Family.IPV6))
    ]
    if addresses is None or routes[0] is None:
        return None
    known = tuple(route for found in routes if found for route in found)
    return NodeState(
        addresses=addresses,
        addresses_in_order=True,
        masters=reader.read(ADDR, parse_masters),
        routes=known,
        routing_rules=tuple(rule for found in rules if found for rule in found),
        further_tables=() if rules[0] is not None else further_tables(known),
        sysctls=reader.sysctls(),
        gaps=tuple(reader.gaps),
    )


def _from_proc(reader: _Reader) -> NodeState:
    trie = reader.read(FIB_TRIE, parse_fib_trie)
    routes = reader.read(ROUTE, parse_route)
    addresses6 = reader.read(IF_INET6, parse_if_inet6) or ()
    routes6 = reader.read(IPV6_ROUTE, parse_ipv6_route) or ()
    if trie is not None and trie.further_tables:
        tables = ", ".join(trie.further_tables)
        reader.gaps.append(
            Gap(
                what="routing tables",
                why=f"there are further routing tables ({tables}), and without `ip rule` it is "
                "not known which packets use them",
            )
        )
    placed = None
    if trie is not None:
        placed = (*place_addresses(trie.addresses, routes or ()), *addresses6)
    return NodeState(
        addresses=placed,
        routes=(*routes, *routes6, *(trie.routes if trie else ())) if routes is not None else None,
        further_tables=trie.further_tables if trie else (),
        sysctls=reader.sysctls(),
        gaps=tuple(reader.gaps),
    )
