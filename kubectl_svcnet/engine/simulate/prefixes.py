"""The best route for an address, found by the bits of its network instead of by trying each.

Among routes of one prefix the smaller metric wins, then the one that was listed first.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...model.address import IPAddress
from ...model.nodeview import Route


class Prefixes:
    def __init__(self, routes: Iterable[Route]) -> None:
        found: dict[tuple[int, int], dict[int, Route]] = {}
        for route in routes:
            network = route.destination
            host_bits = network.max_prefixlen - network.prefixlen
            same = found.setdefault((network.version, host_bits), {})
            bits = int(network.network_address) >> host_bits
            other = same.get(bits)
            if other is None or (route.metric or 0) < (other.metric or 0):
                same[bits] = route
        #: By IP version, the longest prefix first.
        self._by_length: dict[int, list[tuple[int, dict[int, Route]]]] = {4: [], 6: []}
        for (version, host_bits), same in sorted(found.items()):
            self._by_length[version].append((host_bits, same))

    def best(self, address: IPAddress) -> Route | None:
        number = int(address)
        for host_bits, routes in self._by_length[address.version]:
            route = routes.get(number >> host_bits)
            if route is not None:
                return route
        return None
