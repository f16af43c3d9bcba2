"""Which endpoints of a port a node uses (pkg/proxy/topology.go, endpointslicecache.go).

Ready ones; where there are none those that terminate and still serve; of them those that hints
keep for this node, and for policy Local those that are here. What upstream leaves to chance makes
alternatives: slices that disagree of one address are met in the order of a map, and since 1.34
kube-proxy may miss its node's zone at start (config.NewNodeTopologyConfig gives the first label
to the handlers that are registered by then, and those of the same name never again).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, product

from ...model.address import SocketAddress
from ...model.service import Endpoint, Node, Service

#: The first minor versions in which it is so, with all gates at their defaults.
_FALLBACK = 26  # ProxyTerminatingEndpoints
_HINTS = 24  # TopologyAwareHints, with the annotation
_ANY_VALUE = 27  # of that annotation but Disabled, and of topology-mode
_ZONES = 31  # ServiceTrafficDistribution: no annotation is asked for
_NODES = 34  # PreferSameTrafficDistribution
_LABELS = 36  # of slices: service-proxy-name is looked at on Services alone

#: Where slices disagree of many addresses: of what may result, so much is thought through.
_CHANCES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Categories:
    """One port's endpoints as one node sees them. `cluster` serves the traffic of policy
    Cluster, `local` that of policy Local; `any` is kube-proxy's hasEndpoints."""

    cluster: frozenset[SocketAddress]
    local: frozenset[SocketAddress]
    any: bool


@dataclass(frozen=True, slots=True)
class Hints:
    """Which hints are followed."""

    nodes: bool
    zones: bool


ALL_HINTS = Hints(nodes=True, zones=True)


def categories(
    service: Service, endpoints: tuple[Endpoint, ...], node: Node, minor: int | None
) -> tuple[Categories, ...]:
    """What a kube-proxy 1.`minor` makes of one port's `endpoints`, and what else it may.

    Gates of old versions may be set otherwise than by default, so hints are wishes: what is right
    with fewer of them, or with more, is right too.
    """
    watched = [e for e in endpoints if not e.headless]
    usable = [e for e in watched if minor is None or minor >= _LABELS or not e.other_proxy]
    found = [
        categorise(service, tuple(chosen), node, hints, minor)
        for chosen in _chosen(usable, node, minor)
        for hints in _ways(service, usable, minor)
    ]
    return tuple(dict.fromkeys(found))


def categorise(
    service: Service,
    endpoints: tuple[Endpoint, ...],
    node: Node,
    hints: Hints = ALL_HINTS,
    minor: int | None = None,
) -> Categories:
    """Which of one port's `endpoints` this node may use."""
    ready = [e for e in endpoints if e.ready]
    leaving = [e for e in endpoints if not e.ready and e.serving and e.terminating]
    if minor is not None and minor < _FALLBACK:
        leaving = []
    uses_cluster = not service.internal_local or service.externally_accessible
    cluster: list[Endpoint] = []
    if uses_cluster:
        cluster = _by_topology(ready, node, hints) or leaving
    local = [e for e in ready if e.node == node.name]
    local = local or [e for e in leaving if e.node == node.name]
    uses_local = service.internal_local or (
        service.external_local and service.externally_accessible
    )
    return Categories(
        cluster=_addresses(cluster),
        local=_addresses(local) if uses_local else frozenset(),
        any=bool(cluster) or (uses_local and bool(ready or leaving)),
    )


def _by_topology(ready: list[Endpoint], node: Node, hints: Hints) -> list[Endpoint]:
    """Hints are honoured only if every ready endpoint has one and one of them is for us."""
    ways = (
        (hints.nodes, node.name, [e.node_hints for e in ready]),
        (hints.zones, node.zone, [e.zone_hints for e in ready]),
    )
    for followed, here, names in ways:
        if followed and here and all(names) and any(here in each for each in names):
            return [e for e, each in zip(ready, names, strict=True) if here in each]
    return ready


def _ways(service: Service, endpoints: list[Endpoint], minor: int | None) -> list[Hints]:
    """The version's own way first."""
    own = Hints(
        nodes=minor is None or minor >= _NODES,
        zones=minor is None or minor >= _ZONES or _annotated(service, minor),
    )
    nodes = [own.nodes, not own.nodes] if any(e.node_hints for e in endpoints) else [False]
    zones = [own.zones, not own.zones] if any(e.zone_hints for e in endpoints) else [False]
    return [Hints(by_node, by_zone) for by_node, by_zone in product(nodes, zones)]


def _annotated(service: Service, minor: int) -> bool:
    if minor < _ANY_VALUE:
        return minor >= _HINTS and service.aware_hints in ("Auto", "auto")
    return (service.aware_hints or service.topology_mode) not in ("", "Disabled", "disabled")


def _chosen(
    endpoints: list[Endpoint], node: Node, minor: int | None
) -> Iterator[tuple[Endpoint, ...]]:
    """Where slices disagree of an address, any of them may win."""
    return islice(product(*(_candidates(e, node, minor) for e in endpoints)), _CHANCES)


def _candidates(endpoint: Endpoint, node: Node, minor: int | None) -> tuple[Endpoint, ...]:
    """Of several entries for one address the last local one wins until 1.33, else any; in 1.36
    and later any that does not terminate. Between these both are possible."""
    every = (endpoint, *endpoint.twins)
    if minor is None or not endpoint.twins or 33 < minor < 36:
        return every
    if minor >= 36:
        preferred = [e for e in every if not e.terminating]
    else:
        preferred = [e for e in every if e.node == node.name]
    return tuple(preferred) or every


def _addresses(endpoints: Iterable[Endpoint]) -> frozenset[SocketAddress]:
    return frozenset(e.address for e in endpoints)
