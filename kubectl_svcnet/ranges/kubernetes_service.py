"""What Service default/kubernetes proves: the API server gives it the first address of the range.

So the range begins at the address before it (pkg/controlplane/apiserver options: the first IP of
--service-cluster-ip-range), and holds the ClusterIPs above. How far it goes nobody says here: the
smallest range that does is assumed, for clusters that hide everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_network

from ..model.address import IPAddress, IPNetwork
from ..model.capture import Capture, Request
from ..model.iprange import Census, Confidence, RangeKind
from ..model.service import ServiceName
from ._base import Place, Reading, claims_of

_NAME = ServiceName("default", "kubernetes")


class _KubernetesService:
    name = "Service default/kubernetes"
    kinds = frozenset({RangeKind.SERVICE})
    trust = 9

    def recognise(self, census: Census) -> tuple[Place, ...]:
        services = census.services or ()
        first = next((s.cluster_ips for s in services if s.name == _NAME and s.cluster_ips), ())
        if not first:
            return ()
        used = [ip for service in services for ip in service.cluster_ips]
        network = _smallest(first[0], used)
        return (Place(object=f"service {_NAME}", networks=(network,)),) if network else ()

    def requests(self, place: Place) -> tuple[Request, ...]:
        return ()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        begins = ", ".join(str(network.network_address) for network in place.networks)
        return Reading(
            claims_of(
                place.networks,
                kind=RangeKind.SERVICE,
                source=f"{self.name} (at least)",
                object=place.object,
                evidence=f"its clusterIP is the first address after {begins}",
                confidence=Confidence.ASSUMED,
            )
        )


def _smallest(first: IPAddress, used: Iterable[IPAddress]) -> IPNetwork | None:
    """That begins before `first` and holds those above it. What no network that begins there can
    hold is of another range; None where none can begin there."""
    start = int(first) - 1
    most = (start & -start).bit_length() - 1 if start else first.max_prefixlen
    if most < 1:
        return None
    above = [int(ip) for ip in used if ip.version == first.version]
    bits = max(((start ^ ip).bit_length() for ip in above if not (start ^ ip) >> most), default=1)
    return ip_network((start, first.max_prefixlen - bits))


SOURCE = _KubernetesService()
