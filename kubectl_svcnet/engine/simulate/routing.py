"""Where a packet goes: to this node itself, or out of which device; and what an address is.

Answers are three-valued: None means that the listings do not tell. A table is walked by longest
prefix, then metric; which table, routing rules say (`policy`). Where there are further tables and
no rules were read, the device is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address, ip_network

from ...model.address import Family, IPAddress, family_of
from ...model.nodeview import Hop, InterfaceAddress, NodeView, Route, RoutingRule
from .flow import UNKNOWN_WAY, Way
from .policy import Sought, ways_by_rules
from .prefixes import Prefixes

__all__ = ["LOOPBACK", "Routing", "Sought", "Way"]

LOOPBACK = "lo"


class Routing:
    """The node's addresses and routes, with the answers that a walk asks again and again."""

    def __init__(self, view: NodeView) -> None:
        self._view = view
        self._addresses: dict[IPAddress, str | None] | None = None
        if view.addresses is not None:
            self._addresses = {entry.address: entry.interface for entry in view.addresses}
        self._broadcasts = frozenset(_broadcasts(view.addresses or ()))
        self._routes = tuple(view.routes) if view.routes is not None else None
        tables: dict[str, list[Route]] = {}
        for route in self._routes or ():
            if route.kind != "broadcast" or route.table not in ("main", "default"):
                tables.setdefault(route.table, []).append(route)
        self._tables = {name: Prefixes(routes) for name, routes in tables.items()}
        own = (route for route in tables.get("local", ()) if route.kind == "local")
        self._own = Prefixes(own)
        self._broadcast = Prefixes(r for r in self._routes or () if r.kind == "broadcast")
        self._ways: dict[IPAddress, tuple[Way, ...]] = {}
        self._kinds: dict[IPAddress, str | None] = {}
        self._locals: dict[IPAddress, bool | None] = {}
        self._masquerades: dict[tuple[Way, IPAddress | None], tuple[IPAddress, ...] | None] = {}
        self._rules = {
            family: tuple(r for r in view.routing_rules if r.family in (family, None))
            for family in Family
        }

    def is_local(self, address: IPAddress) -> bool | None:
        try:
            return self._locals[address]
        except KeyError:
            found = self._locals[address] = self._find_local(address)
            return found

    def _find_local(self, address: IPAddress) -> bool | None:
        if address.is_loopback:
            return True
        if self._addresses is not None and address in self._addresses:
            return True
        if self._own.best(address) is not None:
            return True
        if self._addresses is None:
            return None
        return False

    def kind_of(self, address: IPAddress) -> str | None:
        """LOCAL, UNICAST, BROADCAST, MULTICAST (what -m addrtype calls them)."""
        try:
            return self._kinds[address]
        except KeyError:
            found = self._kinds[address] = self._find_kind(address)
            return found

    def _find_kind(self, address: IPAddress) -> str | None:
        if address.is_multicast:
            return "MULTICAST"
        local = self.is_local(address)
        if local is None or local:
            return "LOCAL" if local else None
        if self._in_main(address):
            return None
        return "BROADCAST" if self._is_broadcast(address) else "UNICAST"

    def is_source(self, address: IPAddress) -> bool | None:
        """May the node send from it? Not from what a route outside table local delivers here."""
        return None if self._in_main(address) else self.is_local(address)

    def _in_main(self, address: IPAddress) -> bool:
        """Does a route of type local in table main hold it? Only table local is asked, which is
        one with main until the first routing rule (fib_unmerge), and nobody knows that of a
        node."""
        if address.version == 6 or self._rules[Family.IPV4] or self.is_local(address):
            return False
        best = self._best(address, "main")
        return best is not None and best.kind == "local"

    def _is_broadcast(self, address: IPAddress) -> bool:
        if address.version == 6:
            return False
        if int(address) in (0xFFFFFFFF, 0):
            return True
        return self._broadcast.best(address) is not None or self.broadcasts(address, None)

    def broadcasts(self, address: IPAddress, device: str | None) -> bool:
        """Is it the broadcast address of a network of this device (None: of any)?"""
        return (address, device) in self._broadcasts

    def on_device(self, address: IPAddress, device: str) -> bool | None:
        """Is it an address of this device?"""
        if address.is_loopback and device == LOOPBACK:
            return True
        if self._addresses is None:
            return None
        if address not in self._addresses:
            return False
        found = self._addresses[address]
        return None if found is None else found == device

    def is_neighbour(self, address: IPAddress, device: str | None) -> bool:
        """Is it on this device's own network? Routing rules are about what comes to the node."""
        best = self._best(address, "main")
        found = best and (best.interface, best.gateway, best.kind)
        return found == (device, None, "unicast")

    def ports_of(self, device: str | None) -> frozenset[str] | None:
        """Of a bridge; none where it is no bridge, None where that is not known."""
        masters = self._view.masters
        if device is None or masters is None:
            return None
        return frozenset(port for port, master in masters.items() if master == device)

    def leads_by(self, device: str) -> bool:
        """Has it a route or an address, which no port of a bridge needs?"""
        routed = any(route.interface == device for route in self._view.routes or ())
        return routed or any(one.interface == device for one in self._view.addresses or ())

    def addresses_of(self, device: str, family: Family) -> list[InterfaceAddress] | None:
        """In the order of the listing; None where it is not known which they are."""
        if self._view.addresses is None:
            return None
        mine = [e for e in self._view.addresses if family_of(e.address) is family]
        if any(entry.interface is None for entry in mine):
            return None
        return [entry for entry in mine if entry.interface == device]

    def delivers(self, destination: IPAddress, way: Way) -> bool | None:
        """Does this way lead to the node itself?"""
        if not self._rules[family_of(destination)]:
            return way.kind == "local" or self.is_local(destination)
        return None if way == UNKNOWN_WAY else way.kind == "local"

    def way(self, destination: IPAddress, sought: Sought | None = None) -> Way:
        """The only one; open where there are several."""
        ways = self.ways(destination, sought)
        return ways[0] if len(ways) == 1 else UNKNOWN_WAY

    def ways(self, destination: IPAddress, sought: Sought | None = None) -> tuple[Way, ...]:
        """All that are possible. Where rules decide, all that they ask about is needed; without,
        the way is open."""
        rules = self._rules[family_of(destination)]
        if rules and self._routes is not None:
            if sought is None:
                return (UNKNOWN_WAY,)
            return ways_by_rules(rules, sought, self._by_table)
        found = self._ways.get(destination)
        if found is None:
            found = self._ways[destination] = self._find_ways(destination)
        return found

    def _find_ways(self, destination: IPAddress) -> tuple[Way, ...]:
        if self.is_local(destination):
            return (Way(LOOPBACK, "local", source=destination),)
        if self._routes is None or self._view.further_tables:
            return (UNKNOWN_WAY,)
        best = self._best(destination, "main") or self._best(destination, "default")
        return (Way(None, "none"),) if best is None else _ways_of(best, destination)

    def _by_table(self, rule: RoutingRule, destination: IPAddress) -> tuple[Way, ...]:
        if rule.table == "local":
            local = self.is_local(destination)
            if local is None:
                return (UNKNOWN_WAY,)
            return (Way(LOOPBACK, "local", source=destination),) if local else ()
        best = self._best(destination, rule.table)
        if best is None or best.kind == "throw":
            return ()
        if rule.suppress is not None and best.destination.prefixlen <= rule.suppress:
            return ()
        return _ways_of(best, destination)

    def _best(self, destination: IPAddress, table: str) -> Route | None:
        found = self._tables.get(table)
        return None if found is None else found.best(destination)

    def source_for(self, way: Way, destination: IPAddress) -> IPAddress | None:
        """The address that the kernel picks for a packet that goes this way (inet_select_addr:
        the first of the device whose network holds the next hop, else its first)."""
        if way.source is not None:
            if way.source.is_loopback and way.source.version == 4:
                return ip_address("127.0.0.1")
            return way.source
        family = family_of(destination)
        found = self._selected(way, family, destination if family is Family.IPV6 else way.gateway)
        return found[0] if found and len(found) == 1 else None

    def masquerade_sources(self, way: Way, destination: IPAddress) -> tuple[IPAddress, ...] | None:
        """Those that MASQUERADE may pick; None if nobody knows. It takes no loopback address; a
        device that has none borrows the first of another (inet_select_addr)."""
        by_gateway = way.gateway is not None and destination.version == 4
        key = way, None if by_gateway else destination
        try:
            return self._masquerades[key]
        except KeyError:
            found = self._masquerades[key] = self._find_masquerade(way, destination)
            return found

    def _find_masquerade(self, way: Way, destination: IPAddress) -> tuple[IPAddress, ...] | None:
        if way.device is None or self._view.addresses is None:
            return None
        family, hop = family_of(destination), way.gateway or destination
        if family is Family.IPV6:
            hop = destination
            if destination in (e.address for e in self._view.addresses):
                return (destination,)  # RFC 6724, 5, rule 1; ::1 too
        return self._selected(way, family, hop)

    def _selected(
        self, way: Way, family: Family, hop: IPAddress | None
    ) -> tuple[IPAddress, ...] | None:
        """The device's first address whose network holds the next hop, else its first, else the
        first of another device (inet_select_addr); in IPv6 what is nearest to the destination
        (ipv6_dev_get_saddr). Never one of loopback."""
        mine = None if way.device is None else self.addresses_of(way.device, family)
        if mine is None:
            return None
        found = self._nearest(mine, hop)
        if found:
            return found
        others = [e for e in self._view.addresses or () if family_of(e.address) is family]
        return self._nearest(others, hop if family is Family.IPV6 else None)

    def in_order(self, addresses: Sequence[IPAddress]) -> tuple[IPAddress, ...]:
        """The one that the kernel picks, which is the first; all, where the order is not known."""
        return tuple(addresses[:1] if self._view.addresses_in_order else addresses)

    def _nearest(
        self, entries: Sequence[InterfaceAddress], hop: IPAddress | None
    ) -> tuple[IPAddress, ...]:
        usable = [entry for entry in entries if _usable(entry.address, hop)]
        if hop is not None and hop.version == 6:
            shared = [_shared(entry, hop) for entry in usable]
            near = [e.address for e, n in zip(usable, shared, strict=True) if n == max(shared)]
        else:
            near = [e.address for e in usable if hop is not None and _holds(e, hop)]
        return self.in_order(near or [e.address for e in usable])


def _broadcasts(entries: Iterable[InterfaceAddress]) -> Iterator[tuple[IPAddress, str | None]]:
    """The broadcast address of each network, with its device and with None for any."""
    for entry in entries:
        length = entry.prefix_length
        if entry.address.version == 4 and length is not None and length < 31:
            network = ip_network((entry.address, length), strict=False)
            yield network.broadcast_address, entry.interface
            yield network.broadcast_address, None


def _usable(address: IPAddress, hop: IPAddress | None) -> bool:
    """As a source; in IPv6 a link-local one only for a link-local destination."""
    if address.version == 6 and address.is_link_local:
        return hop is not None and hop.is_link_local
    return not address.is_loopback


def _shared(entry: InterfaceAddress, destination: IPAddress) -> int:
    """How many leading bits it shares with the destination, at most its prefix (RFC 6724, 8)."""
    if entry.address.version != destination.version:
        return 0
    bits = 128 - (int(entry.address) ^ int(destination)).bit_length()
    length = entry.prefix_length
    return bits if length is None else min(bits, length)


def _ways_of(route: Route, destination: IPAddress) -> tuple[Way, ...]:
    if route.kind == "local":
        return (Way(LOOPBACK, "local", source=destination),)
    hops = route.hops or (Hop(route.interface, route.gateway),)
    return tuple(
        Way(hop.interface, _kind_by(route, hop), hop.gateway, route.source) for hop in hops
    )


def _kind_by(route: Route, hop: Hop) -> str:
    return "linkdown" if hop.linkdown and route.kind == "unicast" else route.kind


def _holds(entry: InterfaceAddress, hop: IPAddress) -> bool:
    length = entry.prefix_length
    if length is None or entry.address.version != hop.version:
        return False
    return hop in ip_network((entry.address, length), strict=False)
