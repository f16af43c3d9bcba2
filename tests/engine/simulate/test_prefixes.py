"""Found by its prefix, a route is the one that a look at each of them finds."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from random import Random

import pytest

from kubectl_svcnet.engine.simulate.prefixes import Prefixes
from kubectl_svcnet.model.address import IPAddress
from kubectl_svcnet.model.nodeview import Route

ROUTES = (
    Route(ip_network("0.0.0.0/0"), "slow", metric=200),
    Route(ip_network("0.0.0.0/0"), "fast", metric=100),
    Route(ip_network("0.0.0.0/0"), "late", metric=100),
    Route(ip_network("10.0.0.0/8"), "ten"),
    Route(ip_network("10.1.2.3/32"), "one"),
    Route(ip_network("fd00::/64"), "six"),
)


@pytest.mark.parametrize(
    ("address", "device"),
    [
        ("8.8.8.8", "fast"),
        ("10.9.9.9", "ten"),
        ("10.1.2.3", "one"),
        ("10.1.2.4", "ten"),
        ("0.0.0.0", "fast"),
        ("255.255.255.255", "fast"),
        ("fd00::1", "six"),
        ("fd00:0:0:1::1", None),
        ("::a01:203", None),
    ],
)
def test_longest_prefix_then_metric_then_order(address: str, device: str | None) -> None:
    found = Prefixes(ROUTES).best(ip_address(address))
    assert (found.interface if found else None) == device


def test_no_routes() -> None:
    assert Prefixes(()).best(ip_address("10.0.0.1")) is None
    assert Prefixes(()).best(ip_address("::1")) is None


def by_each(routes: list[Route], address: IPAddress) -> Route | None:
    inside = [route for route in routes if address in route.destination]
    return min(inside, key=lambda r: (-r.destination.prefixlen, r.metric), default=None)


def test_as_a_look_at_each_route() -> None:
    random = Random(7)
    for _ in range(200):
        routes = [
            Route(
                ip_network((random.getrandbits(3) << 29, random.randrange(5)), strict=False),
                str(number),
                metric=random.randrange(3),
            )
            for number in range(random.randrange(12))
        ]
        known = Prefixes(routes)
        for top in range(8):
            address = ip_address(top << 29)
            assert known.best(address) is by_each(routes, address)
