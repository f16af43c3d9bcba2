"""What differs by version, and what upstream leaves to chance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubectl_svcnet.engine.expect.endpoints import Categories, categories
from kubectl_svcnet.model.service import Endpoint, Service
from tests.samples import endpoint, node, service

HERE = node("n1", labels={"topology.kubernetes.io/zone": "a"})
LEAVING: dict[str, Any] = {"ready": False, "serving": True, "terminating": True}
STARTING: dict[str, Any] = {"ready": False, "serving": True}

NEAR = endpoint("10.244.1.2:1", "n1", zone_hints=frozenset("a"), node_hints=frozenset({"n1"}))
ZONE = endpoint("10.244.2.2:1", "n2", zone_hints=frozenset("a"), node_hints=frozenset({"n2"}))
FAR = endpoint("10.244.3.2:1", "n3", zone_hints=frozenset("b"), node_hints=frozenset({"n3"}))
AUTO = service(aware_hints="Auto")
MODE = service(topology_mode="Auto")


def sets(
    of: Service, minor: int | None, *endpoints: Endpoint, local: bool = False
) -> list[list[str]]:
    """The version's own first; an endpoint is named by the last digit of its address."""
    found = categories(of, endpoints, HERE, minor)
    return [_names(one, local) for one in found]


def _names(one: Categories, local: bool) -> list[str]:
    chosen = one.local if local else one.cluster
    return sorted(str(address.address) for address in chosen)


def of(*endpoints: Endpoint) -> list[str]:
    return sorted(str(each.address.address) for each in endpoints)


@pytest.mark.parametrize(
    ("asks", "minor", "own"),
    [
        (service(), 36, [NEAR]),
        (service(), 34, [NEAR]),
        (service(), 33, [NEAR, ZONE]),  # no hints by node
        (service(), 31, [NEAR, ZONE]),
        (service(), 30, [NEAR, ZONE, FAR]),  # by zone only where the annotation asks
        (AUTO, 30, [NEAR, ZONE]),
        (MODE, 30, [NEAR, ZONE]),
        (service(topology_mode="example.com/own"), 27, [NEAR, ZONE]),
        (service(topology_mode="Disabled"), 30, [NEAR, ZONE, FAR]),
        (replace(MODE, aware_hints="disabled"), 30, [NEAR, ZONE, FAR]),
        (MODE, 26, [NEAR, ZONE, FAR]),
        (AUTO, 26, [NEAR, ZONE]),
        (service(aware_hints="other"), 26, [NEAR, ZONE, FAR]),
        (AUTO, 23, [NEAR, ZONE, FAR]),
        (service(), None, [NEAR]),
    ],
)
def test_hints_by_version(asks: Service, minor: int | None, own: list[Endpoint]) -> None:
    found = sets(asks, minor, NEAR, ZONE, FAR)
    assert found[0] == of(*own)
    assert sorted(found) == sorted([of(NEAR), of(NEAR, ZONE), of(NEAR, ZONE, FAR)])


def test_without_hints_nothing_is_left_to_wishes() -> None:
    assert len(sets(service(), None, endpoint("10.244.1.2:1"), endpoint("10.244.2.2:1"))) == 1


@pytest.mark.parametrize(("minor", "used"), [(25, False), (26, True), (None, True)])
def test_terminating_endpoints_serve_since(minor: int | None, used: bool) -> None:
    last = endpoint("10.244.1.2:1", "n1", **LEAVING)
    assert sets(service(), minor, last) == [of(last) if used else []]
    assert categories(service(), (last,), HERE, minor)[0].any is used


@pytest.mark.parametrize(("minor", "used"), [(35, False), (36, True), (None, True)])
def test_labels_of_slices(minor: int | None, used: bool) -> None:
    labelled = endpoint("10.244.1.2:1", other_proxy=True)
    assert sets(service(), minor, labelled) == [of(labelled) if used else []]
    assert sets(service(), minor, replace(labelled, headless=True)) == [[]]


READY = endpoint("10.244.1.2:1", "n1")
OTHER = endpoint("10.244.2.2:1", "n2")


@pytest.mark.parametrize(
    ("twin", "minor", "chances"),
    [
        # of two that stay either may win
        (replace(READY, **STARTING), 36, [[READY, OTHER], [OTHER]]),
        (replace(READY, **STARTING), 33, [[READY, OTHER], [OTHER]]),
        # one that terminates loses since 1.36
        (replace(READY, **LEAVING), 36, [[READY, OTHER]]),
        (replace(READY, **LEAVING), 35, [[READY, OTHER], [OTHER]]),
        (replace(READY, **LEAVING), 33, [[READY, OTHER], [OTHER]]),
        (replace(READY, **LEAVING), None, [[READY, OTHER], [OTHER]]),
        # until 1.33 one that is elsewhere lost
        (replace(READY, node="n2", **STARTING), 33, [[READY, OTHER]]),
        (replace(READY, node="n2", **STARTING), 36, [[READY, OTHER], [OTHER]]),
    ],
)
def test_slices_that_disagree(
    twin: Endpoint, minor: int | None, chances: list[list[Endpoint]]
) -> None:
    found = sets(service(), minor, replace(READY, twins=(twin,)), OTHER)
    assert found == [of(*chance) for chance in chances]


def test_of_many_chances_some_are_thought_through() -> None:
    many = [
        replace(one, twins=(replace(one, **STARTING),))
        for one in (endpoint(f"10.244.1.{n}:1") for n in range(2, 40))
    ]
    assert len(sets(service(), 36, *many)) == 32
