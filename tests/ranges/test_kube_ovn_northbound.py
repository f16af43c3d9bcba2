from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet.model.capture import ExecRequest, Reason
from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.ranges.kube_ovn_northbound import SOURCE

LABELS = {"app": "ovn-central"}
CASE = Path(__file__).parents[1] / "fixtures/ranges/kube-ovn-1.14--northbound"
REAL = (CASE / "exec/ovn-central-n2/Logical_Router_Port").read_text()


@pytest.fixture
def census(agent: Any) -> Census:
    return Census(pods=(agent("ovn-central", labels=LABELS),))


def test_subnets_of_the_clusters_own_vpc(
    ask: Any, census: Census, printed: Any, texts: Any
) -> None:
    """The tenant's VPC has one of the same range."""
    reading = ask(SOURCE, census, printed(REAL))
    assert texts(reading) == [
        ("Tunnel", "", "100.64.0.0/16"),
        ("Tunnel", "", "fd00:100:64::/112"),
        ("Pod", "", "10.16.0.0/16"),
        ("Pod", "", "fd00:10:16::/112"),
    ]
    assert [claim.value for claim in reading.claims][2] == "10.16.0.1/16"
    assert {claim.object for claim in reading.claims if claim.kind.value == "Pod"} == {
        "Logical_Router_Port ovn-cluster-ovn-default in pod kube-system/ovn-central-n1"
    }


def test_a_vpc_whose_name_begins_as_the_clusters_own(
    ask: Any, census: Census, printed: Any, texts: Any
) -> None:
    """The real answer, with the tenant's VPC renamed: ROUTER-SUBNET is ovn-cluster-b-tenant-a."""
    renamed = REAL.replace("tenant-tenant-a", "ovn-cluster-b-tenant-a")
    assert renamed != REAL
    assert texts(ask(SOURCE, census, printed(renamed))) == texts(ask(SOURCE, census, printed(REAL)))
    own = renamed.replace('["tenant-a"', '["b-tenant-a"')  # a subnet of the cluster's own VPC
    assert len(texts(ask(SOURCE, census, printed(own)))) == 5


@pytest.mark.parametrize(
    ("container", "labels", "places"),
    [("ovn-central", LABELS, 1), ("ovn-central", {"app": "other"}, 0), ("other", LABELS, 0)],
)
def test_where_the_database_is(
    agent: Any, container: str, labels: dict[str, str], places: int
) -> None:
    assert len(SOURCE.recognise(Census(pods=(agent(container, labels=labels),)))) == places


def test_one_is_asked_the_leader_where_it_is_known(agent: Any) -> None:
    leader = agent("ovn-central", "other", labels={**LABELS, "ovn-nb-leader": "true"})
    (place,) = SOURCE.recognise(Census(pods=(agent("ovn-central", labels=LABELS), leader)))
    (request,) = SOURCE.requests(place)
    assert isinstance(request, ExecRequest)
    assert (request.namespace, request.commands[0].argv()[1]) == ("other", "--dry-run")


def test_a_database_that_does_not_answer(ask: Any, census: Census, refused: Any) -> None:
    (gap,) = ask(SOURCE, census, refused(Reason.FORBIDDEN)).gaps
    assert gap.what == "Kube-OVN northbound"
