"""The fates that `trace` states are those of real connections: shares, endpoints, sources.

1,000 connections (UDP: datagrams, each from a port of its own) for each frontend, node and client:
the very pods that the answer names, a process of the node, and addresses outside the cluster.
Where nothing may answer there are a few only, because each costs its timeout.
"""

from __future__ import annotations

import logging

import pytest

from tests.e2e.tool import Answer, Svcnet
from tests.e2e.traffic import Witness, chi_square_tail, reachable, rows
from tests.lab.client import Lab

pytestmark = pytest.mark.e2e

LOG = logging.getLogger(__name__)

#: Services, and which clients of theirs must have been heard.
SERVICES = {
    "db-service": {"pod", "node", "self"},
    "edge-lb": {"pod", "node", "self", "pod-elsewhere", "external"},
    "empty": {"pod", "node", "pod-elsewhere", "external"},
    "web-dual": {"pod", "node", "self"},
    "web-extip": {"pod", "node", "self", "external"},
    "web-internal-local": {"pod", "node", "self"},
    "web-lb": {"pod", "node", "self", "pod-elsewhere", "external"},
    "web-multi": {"pod", "node", "self"},
    "web-nodeport": {"pod", "node", "self", "pod-elsewhere", "external"},
    "web-sticky": {"pod", "node", "self"},
    "web-udp": {"pod", "node", "self"},
    "web-unnamed": {"pod", "node", "self"},
    "web-v6": {"pod", "node", "self"},
}


@pytest.fixture(scope="module")
def answer(svcnet: Svcnet) -> Answer:
    return svcnet("trace", *SERVICES)


@pytest.fixture(scope="module")
def witness(lab: Lab) -> Witness:
    return Witness(lab)


def test_chi_square() -> None:
    """Against printed tables of its upper quantiles."""
    table = [(3.841, 1, 0.05), (10.828, 1, 0.001), (5.991, 2, 0.05), (9.210, 2, 0.01)]
    table += [(7.815, 3, 0.05), (16.266, 3, 0.001), (9.488, 4, 0.05), (11.070, 5, 0.05)]
    for statistic, freedom, tail in table:
        assert chi_square_tail(statistic, freedom) == pytest.approx(tail, rel=2e-3)


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_connections_do_what_the_fates_say(service: str, answer: Answer, witness: Witness) -> None:
    wrong: list[str] = []
    asked: dict[str, set[str]] = {}
    for place in answer.places():
        if place.service != f"default/{service}":
            continue
        for row in filter(reachable, rows(place)):
            asked.setdefault(place.name, set()).add(row.client)
            found, chance = witness.disagreements(row)
            wrong += found
            if chance is not None:
                LOG.info("p = %.3g  %s", chance, row)
    assert not wrong, "\n".join(wrong)
    assert set(asked) == {"n1", "n2", "n3"}
    assert set().union(*asked.values()) == SERVICES[service]
