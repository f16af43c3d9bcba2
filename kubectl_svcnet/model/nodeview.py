"""What is known of one node's kernel: rules, addresses, routes, sysctls, and what is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .address import Family, IPAddress, IPNetwork, Protocol, SocketAddress
from .fate import Backend
from .ipvs import VirtualServers

if TYPE_CHECKING:  # long to import, and not needed before a node has answered
    from . import nft
    from .ipset import IPSet
    from .ruleset import Ruleset


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """`interface` is None where /proc does not tell (no connected route covers the address)."""

    address: IPAddress
    interface: str | None
    prefix_length: int | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """`linkdown`: its device has no carrier."""

    interface: str | None
    gateway: IPAddress | None = None
    linkdown: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """`interface` is None where the listing names none (a further table of fib_trie), or several:
    `hops` are those of a multipath route, of which a hash takes one, or one without carrier."""

    destination: IPNetwork
    interface: str | None
    gateway: IPAddress | None = None
    metric: int = 0
    kind: str = "unicast"  # unicast, local, broadcast, blackhole, unreachable, prohibit
    table: str = "main"
    source: IPAddress | None = None  # preferred source
    hops: tuple[Hop, ...] = ()


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """A line of `ip rule`, in their order; none at all where a family has those of every kernel.
    Only a vantage with `ip` sees them. `family` None: not known, so it may be of both.

    `action`: lookup, nop, goto the rules of priority `goto`, or the kind of route it stands for
    (blackhole, …). `suppress`: routes of prefixes as short as this do not count. `clear`: all its
    words are understood."""

    priority: int
    table: str
    family: Family | None = None
    source: IPNetwork | None = None
    destination: IPNetwork | None = None
    mark: tuple[int, int] | None = None  # value and mask
    in_device: str = ""
    out_device: str = ""
    uids: tuple[int, int] | None = None
    protocol: int | None = None
    ports: tuple[int, int] | None = None
    source_ports: tuple[int, int] | None = None
    negated: bool = False
    action: str = "lookup"
    suppress: int | None = None
    goto: int | None = None
    clear: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignTable:
    """A native nft table whose rules were not read, or not understood, and the hooks it
    registers ("prerouting", "forward", …), which is what makes it able to change a fate."""

    family: str
    name: str
    hooks: frozenset[str]


@dataclass(frozen=True, slots=True)
class Dispatched:
    """An address that a node leads to a Service, and whose that is in the dataplane's words."""

    address: SocketAddress
    protocol: Protocol
    whose: str = ""

    def __str__(self) -> str:
        return f"{self.address}/{self.protocol.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnChains:
    """Which chains are the dataplane's own, as data: exact names and name prefixes.

    `dispatch` are the prefixes of per-Service chains (meeting one means the frontend is
    dispatched), `translate` those of the chains that alone may hold its DNAT rules, and
    `policy` those of chains in which a drop is a NetworkPolicy's. `within` is what the names of
    per-Service chains hold beside their prefix ("/" in nftables mode). `unserved` are chains that
    refuse what no Service's chain took, so that a refusal there shows that nothing dispatches.
    `ipvs`: its Services are virtual servers. `relays` lead to ports of the dataplane's own
    process, which goes on by itself.
    """

    names: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    dispatch: tuple[str, ...] = ()
    translate: tuple[str, ...] = ()
    policy: tuple[str, ...] = ()
    within: str = ""
    unserved: frozenset[str] = frozenset()
    ipvs: bool = False
    relays: frozenset[str] = frozenset()

    def __contains__(self, chain: str) -> bool:
        return chain in self.names or chain.startswith(self.prefixes)

    def dispatches(self, chain: str) -> bool:
        return chain.startswith(self.dispatch) and self.within in chain

    def translates(self, chain: str) -> bool:
        return chain.startswith(self.translate) and self.within in chain


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """Everything `engine` may know of a node. Absent is not empty: `rulesets` holds, per family
    and backend, what was read, and says itself which chains it holds whole.

    `addresses_in_order`: as `ip addr` lists them, which is how the kernel chooses among several;
    /proc/net/fib_trie has an order of its own."""

    node: str
    rulesets: Mapping[tuple[Family, Backend], Ruleset] = field(default_factory=dict)
    addresses: tuple[InterfaceAddress, ...] | None = None
    addresses_in_order: bool = False
    masters: Mapping[str, str] | None = None  # of a port: its bridge (or bond); None: not read
    routes: tuple[Route, ...] | None = None
    routing_rules: tuple[RoutingRule, ...] = ()
    further_tables: tuple[str, ...] = ()  # routing tables beside local and main that hold routes
    sysctls: Mapping[str, str] = field(default_factory=dict)  # "net.ipv4.ip_forward": "1"
    sets: Mapping[str, IPSet] | None = None  # of ipset, by name; None: not read
    foreign_tables: tuple[ForeignTable, ...] = ()
    nft_tables: tuple[nft.Table, ...] = ()  # native tables that were read
    ipvs: VirtualServers | None = field(default_factory=VirtualServers)  # None: not read
    nft_order: tuple[str, ...] = ()  # the oldest first: iptables' tables ("ip nat"), and native
    # ones whose base chains are as old as themselves
    own: OwnChains = OwnChains()
