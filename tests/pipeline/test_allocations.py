"""To whom the API server's allocator has given an address that no Service has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

import pytest

from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.model.capture import ApiRequest, Capture, Failure, Reason
from kubectl_svcnet.pipeline.allocations import Allocations, read_allocations
from kubectl_svcnet.pipeline.collect import Collector

V1, BETA = (f"/apis/networking.k8s.io/{version}/ipaddresses" for version in ("v1", "v1beta1"))
ADDRESS = ip_address("10.96.0.12")
WEB = {
    "metadata": {"namespace": "a", "name": "web"},
    "spec": {"clusterIP": "10.96.0.12", "ports": [{"port": 80}]},
}
MOVED = {**WEB, "spec": {"clusterIP": "10.96.0.99", "ports": [{"port": 80}]}}


def ip(address: str = str(ADDRESS), **parent: str) -> dict[str, Any]:
    return {"metadata": {"name": address}, "spec": {"parentRef": parent}}


OF_WEB = ip(group="", resource="services", namespace="a", name="web")


def read(
    lists: Mapping[str, Sequence[Any]],
    *texts: str,
    refused: Mapping[str, Reason] | None = None,
) -> Allocations:
    lists = {V1: (), BETA: (), "/api/v1/services": (), **lists}
    addresses = tuple(map(ip_address, texts or (str(ADDRESS),)))
    captures = [
        Capture(request=ApiRequest(path=path), objects=tuple(objects))
        for path, objects in lists.items()
    ]
    captures += [
        Capture(
            request=ApiRequest(path=path, many=False), failure=Failure(reason=reason, message="no")
        )
        for path, reason in (refused or {}).items()
    ]
    return read_allocations(Collector(ReplaySource.of(captures)), addresses)


@pytest.mark.parametrize(
    ("item", "services", "owner"),
    [
        (OF_WEB, [], "service a/web, which does not exist"),
        (OF_WEB, [WEB], "service a/web"),  # made since Services were listed
        (OF_WEB, [MOVED], "service a/web, which does not have it"),
        (OF_WEB, [{**WEB, "spec": {"ports": [{"port": 80, "protocol": "X"}]}}], "service a/web"),
        (
            ip(group="gateway.networking.k8s.io", resource="gateways", namespace="b", name="x"),
            [],
            "gateways.gateway.networking.k8s.io b/x",
        ),
        (ip(resource="services", namespace="../pods", name="x"), [], "service ../pods/x"),
        (ip(), [], ""),
    ],
)
def test_whom_it_is_given_to(item: Any, services: list[Any], owner: str) -> None:
    for path in (V1, BETA):
        found = read({path: [item], "/api/v1/services": services})
        assert found == Allocations(owners={ADDRESS: owner})


def test_nobody_has_it() -> None:
    assert read({V1: [ip("10.96.0.13")]}) == Allocations()
    assert read({}, refused={f"{V1}/{ADDRESS}": Reason.NOT_FOUND}) == Allocations()


def test_ipv6_as_the_api_writes_it() -> None:
    found = read({V1: [ip("fd00:96::c", resource="gateways", name="x")]}, "fd00:96:0::000c")
    assert found.owners == {ip_address("fd00:96::c"): "gateways x"}


def test_what_may_not_be_read_is_a_gap() -> None:
    others = ("10.96.0.13", "10.96.0.14")
    refused = {f"{V1}/{a}": Reason.FORBIDDEN for a in (ADDRESS, *others)}
    found = read({}, str(ADDRESS), *others, refused=refused)
    (gap,) = found.gaps
    assert (gap.what, gap.blocking) == ("ipaddresses", False)
    assert gap.next == f"kubectl auth can-i get ipaddresses.networking.k8s.io/{ADDRESS}"


def test_whether_the_service_exists_may_not_be_read() -> None:
    service = "/api/v1/namespaces/a/services/web"
    found = read({V1: [OF_WEB]}, refused={service: Reason.FORBIDDEN})
    assert found == Allocations(owners={ADDRESS: "service a/web"})


def test_of_very_many_the_first_are_looked_up() -> None:
    found = read({}, *(f"10.96.1.{n}" for n in range(120)))
    assert [gap.why for gap in found.gaps] == [
        "120 addresses of Service ranges have no Service; 100 were looked up"
    ]
