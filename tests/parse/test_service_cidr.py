from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.service_cidr import ServiceCIDR, parse_service_cidr


def test_dual_stack() -> None:
    item = {"metadata": {"name": "kubernetes"}, "spec": {"cidrs": ["10.96.0.0/16", "fd00::/112"]}}
    assert parse_service_cidr(item) == ServiceCIDR(
        name="kubernetes", networks=(ip_network("10.96.0.0/16"), ip_network("fd00::/112"))
    )


def test_one_that_is_being_deleted_still_counts() -> None:
    meta = {"name": "extra", "deletionTimestamp": "2026-01-01T00:00:00Z"}
    found = parse_service_cidr({"metadata": meta, "spec": {"cidrs": ["10.97.0.0/16"]}})
    assert found.deleting
    assert found.networks == (ip_network("10.97.0.0/16"),)


@pytest.mark.parametrize(
    ("conditions", "closed"),
    [
        ([], False),
        ([{"type": "Ready", "status": "True"}], False),
        ([{"type": "Ready", "status": "False", "reason": "Terminating"}], True),
        ([{"type": "Ready", "status": "Unknown"}], True),
        ([{"type": "Other", "status": "False"}], False),
        ("none", False),
    ],
)
def test_no_further_address_of_one_that_is_not_ready(conditions: object, closed: bool) -> None:
    item = {
        "metadata": {"name": "extra"},
        "spec": {"cidrs": ["10.97.0.0/16"]},
        "status": {"conditions": conditions},
    }
    assert parse_service_cidr(item).closed is closed


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"metadata": None, "spec": {"cidrs": []}},
        {"metadata": {"name": ""}, "spec": {"cidrs": []}},
        {"metadata": {"name": "a"}},
        {"metadata": {"name": "a"}, "spec": {"cidrs": "10.96.0.0/16"}},
        {"metadata": {"name": "a"}, "spec": {"cidrs": [3]}},
        {"metadata": {"name": "a"}, "spec": {"cidrs": ["ten"]}},
    ],
)
def test_broken_objects(item: dict[str, Any]) -> None:
    with pytest.raises(ParseError):
        parse_service_cidr(item)
