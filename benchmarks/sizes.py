"""How much is loaded, and the objects that make it: pure, so that tests can look at them.

Services have no selector and their EndpointSlices are written by hand, so that no pods are needed;
the endpoints' addresses lie inside the cluster's pod range but outside every node's own part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

NAMESPACE = "bench"
LABEL = "svcnet.bench/size"
FIRST_ADDRESS = IPv4Address("10.244.128.1")
ADDRESSES = 32_000  # of 10.244.128.0/17; Services may share one, as they may share a pod

PORT, TARGET_PORT = 80, 8080

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Size:
    services: int
    endpoints: int  # of each Service

    def __str__(self) -> str:
        return f"{self.services}x{self.endpoints}"

    @property
    def middle(self) -> str:
        """The Service to ask for: rules before it and after it."""
        return service_name(self.services // 2)

    @property
    def nat_rules(self) -> int:
        """What kube-proxy writes for them, by upstream's own test of its rule counts: per
        Service a dispatch and a masquerade rule, per endpoint a jump and the chain's two."""
        return self.services * (2 + 3 * self.endpoints)

    @property
    def large(self) -> bool:
        """Then the nodes are loaded one after another: a restore takes a core for minutes."""
        return self.services * self.endpoints > 10_000


def parse_size(text: str) -> Size:
    services, _, endpoints = text.partition("x")
    size = Size(int(services), int(endpoints))
    if not (0 < size.services <= 20_000 and 0 < size.endpoints <= 100):
        raise ValueError(text)
    return size


def service_name(number: int) -> str:
    return f"bench-{number:05}"


def addresses(size: Size, number: int) -> Iterator[str]:
    for endpoint in range(size.endpoints):
        yield str(FIRST_ADDRESS + (number * size.endpoints + endpoint) % ADDRESSES)


def service(number: int) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": service_name(number)},
        "spec": {"ports": [{"name": "http", "port": PORT, "targetPort": TARGET_PORT}]},
    }


def endpoint_slice(size: Size, number: int) -> Object:
    name = service_name(number)
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": TARGET_PORT, "protocol": "TCP"}],
        "endpoints": [
            {"addresses": [address], "conditions": {"ready": True}}
            for address in addresses(size, number)
        ],
    }
