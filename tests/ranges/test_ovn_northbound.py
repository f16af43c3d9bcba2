from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.capture import ExecRequest, Reason
from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.ranges.ovn_northbound import SOURCE
from tests.parse.test_ovn_northbound import REAL, TWO_FAMILIES

OPENSHIFT = {"namespace": "openshift-ovn-kubernetes", "labels": {"app": "ovnkube-node"}}


@pytest.fixture
def census(agent: Any) -> Census:
    return Census(pods=(agent("nbdb", **OPENSHIFT),))


def test_a_nodes_database(ask: Any, census: Census, printed: Any, texts: Any) -> None:
    reading = ask(SOURCE, census, printed(REAL))
    assert sorted(texts(reading)) == [
        ("Node", "", "172.21.0.0/24"),
        ("Pod", "n2", "10.244.1.0/24"),
        ("Pod", "n2", "10.244.1.0/24"),
        ("Tunnel", "", "100.64.0.0/16"),
        ("Tunnel", "", "100.64.0.0/16"),
        ("Tunnel", "", "100.88.0.0/16"),
    ]
    assert not reading.gaps
    port = next(c for c in reading.claims if c.object.startswith("Logical_Router_Port rtos-"))
    assert (port.value, port.allocator) == ("10.244.1.1/24", "ovn-kubernetes")
    assert port.object.endswith("in pod openshift-ovn-kubernetes/nbdb-n1")
    tunnels = [c for c in reading.claims if c.kind.value == "Tunnel"]
    assert {c.allocator for c in tunnels} == {""}


def test_two_families(ask: Any, census: Census, printed: Any, texts: Any) -> None:
    told = texts(ask(SOURCE, census, printed(TWO_FAMILIES)))
    assert set(told) == {("Pod", "n1", "10.244.0.0/24"), ("Pod", "n1", "fd00:10:244::/64")}


def test_ports_that_lead_elsewhere(ask: Any, census: Census, printed: Any) -> None:
    text = TWO_FAMILIES.replace("rtos-n1", "blue_rtos-n1").replace("subnet", "sub")
    claims = ask(SOURCE, census, printed(text)).claims
    assert [claim.text for claim in claims] == ["fd00:10:244::/64"]


@pytest.mark.parametrize(
    ("container", "labels", "places"),
    [
        ("nbdb", {"app": "ovnkube-node"}, 1),
        ("nb-ovsdb", {"app": "ovnkube-node"}, 1),
        ("nb-ovsdb", {"name": "ovnkube-db"}, 1),
        ("ovnkube-controller", {"app": "ovnkube-node"}, 0),
        ("nbdb", {"app": "other"}, 0),
    ],
)
def test_where_the_database_is(
    agent: Any, container: str, labels: dict[str, str], places: int
) -> None:
    pods = (agent(container, labels=labels),)
    assert len(SOURCE.recognise(Census(pods=pods))) == places


def test_both_tables_by_one_command_that_changes_nothing(census: Census) -> None:
    (place,) = SOURCE.recognise(census)
    (request,) = SOURCE.requests(place)
    assert isinstance(request, ExecRequest)
    assert not request.shell
    (command,) = request.commands
    assert command.argv()[:2] == ("ovn-nbctl", "--dry-run")


def test_a_database_that_does_not_answer(ask: Any, census: Census, refused: Any) -> None:
    (gap,) = ask(SOURCE, census, refused(Reason.FORBIDDEN)).gaps
    assert (gap.what, gap.node) == ("OVN northbound", "n1")


def test_an_answer_that_is_none(ask: Any, census: Census, printed: Any) -> None:
    reading = ask(SOURCE, census, printed("2026-11-25T03:10:12Z|00001|ovsdb_idl|WARN|\n"))
    assert not reading.claims
    assert reading.gaps
