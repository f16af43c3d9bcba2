"""NodeLocal DNSCache: the address that every node has for it, 169.254.20.10 by custom.

`-localip` names it, beside the ClusterIP of the DNS Service where kube-proxy runs in iptables mode
(cmd/node-cache of kubernetes/dns; Go's flags take one dash or two). The ClusterIP is no news.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from ipaddress import ip_address, ip_network
from itertools import zip_longest

from ..errors import ParseError
from ..model.address import IPNetwork
from ..model.capture import Capture, Request
from ..model.iprange import Census, RangeClaim, RangeKind
from ._base import Place, Reading, claims_of, pod_object, typed
from ._pods import pods_of

_FLAG = "localip"


class _NodeLocalDNS:
    name = "node-local-dns"
    kinds = frozenset({RangeKind.NODE})
    trust = 9

    def recognise(self, census: Census) -> tuple[Place, ...]:
        """One place for all pods that are told the same."""
        taken = {str(ip) for service in census.services or () for ip in service.cluster_ips}
        places: dict[str, Place] = {}
        for pod in pods_of(census, ("k8s-app", "node-local-dns")):
            for container in pod.containers:
                own = ",".join(ip for ip in _local_ips(container.command) if ip not in taken)
                if own:
                    places.setdefault(own, Place(object=pod_object(pod), key=own))
        return tuple(places.values())

    def requests(self, place: Place) -> tuple[Request, ...]:
        return ()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        return typed(partial(_claims, place), what=f"{self.name} -{_FLAG}", place=place)


def _local_ips(argv: Sequence[str]) -> Iterator[str]:
    for word, following in zip_longest(argv, argv[1:], fillvalue=""):
        name, equals, value = word.lstrip("-").partition("=")
        if word.startswith("-") and name == _FLAG:
            said = value if equals else following
            yield from filter(None, (part.strip() for part in said.split(",")))


def _claims(place: Place) -> tuple[RangeClaim, ...]:
    return claims_of(
        [_host(text) for text in place.key.split(",")],
        kind=RangeKind.NODE,
        source=f"node-local-dns -{_FLAG}",
        object=place.object,
        evidence=f"-{_FLAG} {place.key}",
    )


def _host(text: str) -> IPNetwork:
    try:
        return ip_network(ip_address(text))
    except ValueError as error:
        raise ParseError("not an address", text=text) from error


SOURCE = _NodeLocalDNS()
