"""Addresses that a node leads to endpoints although no Service of the API has them: SVN223.

Told where the node was read without leaving other Services' dispatch behind, and only of what no
reading of the API knew, before and after.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ...model.address import Protocol, SocketAddress
from ...model.finding import Finding
from ...model.nodeview import Dispatched
from ...model.service import Service
from ..codes import finding
from .findings import ONE_READING, NodeFacts, restart

Place = tuple[SocketAddress, Protocol]


def places_of(services: Iterable[Service]) -> frozenset[Place]:
    """Whatever has an address, also those that kube-proxy leaves to others. Before 1.30 it serves
    those with ipMode Proxy too."""
    return frozenset(
        (SocketAddress(address, port.port), port.protocol)
        for service in services
        for address in (
            *service.cluster_ips,
            *service.external_ips,
            *service.load_balancer_ips,
            *service.proxied_ips,
        )
        for port in service.ports
    )


def strangers_in(
    dispatched: Iterable[Dispatched], known: Collection[Place]
) -> tuple[Dispatched, ...]:
    return tuple(
        dict.fromkeys(one for one in dispatched if (one.address, one.protocol) not in known)
    )


def stranger_findings(
    node: str, strangers: Iterable[Dispatched], facts: NodeFacts
) -> tuple[Finding, ...]:
    """One for each Service that the node's rules name; "" where they name none."""
    by: dict[str, list[Dispatched]] = {}
    for one in strangers:
        by.setdefault(one.whose, []).append(one)
    return tuple(_finding(node, whose, places, facts) for whose, places in sorted(by.items()))


def _finding(node: str, whose: str, places: list[Dispatched], facts: NodeFacts) -> Finding:
    named = ", ".join(map(str, places[:3]))
    rest = f" and {len(places) - 3} more" if len(places) > 3 else ""
    verb = "is" if len(places) == 1 else "are"
    return finding(
        "SVN223",
        f"{named}{rest} {verb} led to endpoints, and no Service has such an address"
        + (ONE_READING if facts.once else ""),
        service=whose,
        node=node,
        next=restart(facts),
    )
