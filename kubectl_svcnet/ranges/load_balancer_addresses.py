"""Load balancer addresses that Services really have: `status.loadBalancer`, seen, not planned.

One claim for each address, whoever gave it: a cloud, a controller with pools, or k3s' ServiceLB
(klipper), which has no pool and takes the addresses of nodes; its DaemonSets tell that it runs.
Entries with ipMode Proxy are not the cluster's to route, and are left out (KEP-1860).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network

from ..model.address import IPNetwork
from ..model.capture import Capture, Request
from ..model.iprange import Census, Confidence, RangeKind
from ._base import LOAD_BALANCERS, Place, Reading, claims_of

_SERVICE_LB = "svccontroller.k3s.cattle.io/svcname"


class _LoadBalancerAddresses:
    name = "Service status.loadBalancer"
    kinds = frozenset({RangeKind.LOAD_BALANCER})
    trust = 9

    def recognise(self, census: Census) -> tuple[Place, ...]:
        """One place for each address, named by the first Service that has it."""
        klipper = any(_SERVICE_LB in pod.labels for pod in census.pods or ())
        nodes = {ip for node in census.nodes or () for ip in node.addresses}
        places: dict[IPNetwork, Place] = {}
        for service in census.services or ():
            for address in service.load_balancer_ips:
                network = ip_network(address)
                given = "klipper" if klipper and address in nodes else ""
                place = Place(object=f"service {service.name}", networks=(network,), key=given)
                places.setdefault(network, place)
        return tuple(places.values())

    def requests(self, place: Place) -> tuple[Request, ...]:
        return ()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        address = ", ".join(str(network.network_address) for network in place.networks)
        return Reading(
            claims_of(
                place.networks,
                kind=RangeKind.LOAD_BALANCER,
                source=f"{self.name} (klipper: a node's)" if place.key else self.name,
                object=place.object,
                evidence=f"status.loadBalancer.ingress: ip: {address}",
                confidence=Confidence.OBSERVED,
                statement=LOAD_BALANCERS,
            )
        )


SOURCE = _LoadBalancerAddresses()
