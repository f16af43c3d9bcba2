"""One reading of the API, as far as expectations go, and what it makes worth reading on a node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..dataplanes import Owner
from ..dataplanes.kube_proxy_nftables import DATAPLANE as NFTABLES
from ..model.address import Family, IPAddress
from ..model.service import (
    Endpoint,
    Frontend,
    FrontendKind,
    Node,
    Service,
    ServiceName,
    dialled,
    endpoints_of,
)
from ..node.netfilter import Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    services: tuple[Service, ...]
    endpoints: Mapping[ServiceName, tuple[Endpoint, ...]]
    _named: Mapping[ServiceName, Service] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_named", {service.name: service for service in self.services})

    def of(self, frontend: Frontend) -> tuple[Endpoint, ...]:
        return endpoints_of(frontend, self.endpoints.get(frontend.service, ()))

    def service(self, name: ServiceName) -> Service | None:
        return self._named.get(name)


def wanted_of(
    expected: Expected,
    node: Node,
    owner: Owner,
    targets: Sequence[Frontend],
    *,
    everything: bool = False,
    localhost: bool = False,
) -> tuple[Wanted, ...]:
    """Per family: the chains that hashing gives these frontends, and all addresses dialled.
    `everything`: these are all Services that there are; `localhost`: node ports are asked there
    too."""
    if owner.reader is None:
        return ()
    found = []
    for family in sorted({frontend.family for frontend in targets}):
        chains: set[str] = set()
        native: set[str] = set()
        addresses: set[IPAddress] = set()
        behind: set[IPAddress] = set()
        for frontend in targets:
            if frontend.family is family:
                endpoints = [endpoint.address for endpoint in expected.of(frontend)]
                service = expected.service(frontend.service)
                if service is not None:
                    chains |= owner.reader.names(service, frontend, endpoints)
                    native |= NFTABLES.names(service, frontend, endpoints)
                behind |= {endpoint.address for endpoint in endpoints}
                addresses |= {a for a in [dialled(frontend, node)] if a is not None}
                node_port = frontend.kind is FrontendKind.NODE_PORT
                if localhost and node_port and family is Family.IPV4:
                    from ..engine.judge.localhost import LOCALHOST  # with all of the simulator

                    addresses.add(LOCALHOST)
        found.append(
            Wanted(
                family=family,
                chains=frozenset(chains),
                destinations=frozenset(addresses),
                native=frozenset(native),
                endpoints=frozenset(behind),
                everything=everything,
            )
        )
    return tuple(found)
