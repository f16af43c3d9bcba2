from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from kubectl_svcnet.model.iprange import Census, Confidence
from kubectl_svcnet.model.service import Service, ServiceName
from kubectl_svcnet.ranges.kubernetes_service import SOURCE


def census(first: str, *others: str) -> Census:
    services = [Service(name=ServiceName("default", "kubernetes"), type="ClusterIP")]
    services += [Service(name=ServiceName("a", f"s{i}"), type="ClusterIP") for i in others]
    addresses = [first, *others]
    return Census(
        services=tuple(
            Service(name=service.name, type="ClusterIP", cluster_ips=(ip_address(address),))
            for service, address in zip(services, addresses, strict=True)
            if address
        )
    )


@pytest.mark.parametrize(
    ("first", "others", "range"),
    [
        ("10.96.0.1", [], "10.96.0.0/31"),
        ("10.96.0.1", ["10.96.0.10"], "10.96.0.0/28"),
        ("10.96.0.1", ["10.97.3.4", "10.96.0.10"], "10.96.0.0/15"),
        ("10.96.0.1", ["10.96.0.10", "10.200.0.9"], "10.96.0.0/28"),  # of a range added later
        ("10.96.0.1", ["10.96.0.10", "10.8.0.9"], "10.96.0.0/28"),
        ("10.96.0.1", ["fd00::5"], "10.96.0.0/31"),
        ("172.20.0.1", ["172.20.255.254"], "172.20.0.0/16"),
        ("10.100.64.129", ["10.100.64.140"], "10.100.64.128/28"),
        ("fd00:10:96::1", ["fd00:10:96::a"], "fd00:10:96::/124"),
    ],
)
def test_the_smallest_that_holds_what_is_above(
    ask: Any, first: str, others: list[str], range: str
) -> None:
    (claim,) = ask(SOURCE, census(first, *others)).claims
    assert (claim.kind.value, claim.text, claim.confidence) == (
        "Service",
        range,
        Confidence.ASSUMED,
    )


def test_an_address_that_no_range_begins_before() -> None:
    assert SOURCE.recognise(census("10.96.0.2")) == ()


def test_without_it_nothing_is_assumed() -> None:
    assert SOURCE.recognise(census("", "10.96.0.10")) == ()
