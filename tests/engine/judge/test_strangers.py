from __future__ import annotations

from ipaddress import ip_address

from kubectl_svcnet.engine.judge.findings import NodeFacts
from kubectl_svcnet.engine.judge.strangers import places_of, stranger_findings, strangers_in
from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.model.nodeview import Dispatched
from tests.samples import at, service

TCP, UDP = Protocol.TCP, Protocol.UDP
MINE = Dispatched(at("10.96.0.9:3306"), TCP, "default/db")
OLD = Dispatched(at("10.96.0.7:80"), TCP, "shop/old")
OTHER_PORT = Dispatched(at("10.96.0.9:3307"), TCP, "default/db")
OTHER_PROTOCOL = Dispatched(at("10.96.0.9:3306"), UDP, "default/db")
OUTER = Dispatched(at("192.0.2.1:3306"), TCP)
FACTS = NodeFacts(proxy="kube-system/kube-proxy-x")


def test_what_no_service_has() -> None:
    known = places_of([service(external_ips=(ip_address("192.0.2.1"),))])
    assert strangers_in([MINE, OUTER], known) == ()
    proxied = service(cluster_ips=(), proxied_ips=(ip_address("192.0.2.1"),))
    assert strangers_in([OUTER], places_of([proxied])) == ()
    seen = [OLD, MINE, OTHER_PORT, OTHER_PROTOCOL, OLD]  # by two backends
    assert strangers_in(seen, known) == (OLD, OTHER_PORT, OTHER_PROTOCOL)
    assert strangers_in([MINE], places_of([])) == (MINE,)


def test_one_finding_for_each_service_that_rules_name() -> None:
    found = stranger_findings("n1", [OLD, OTHER_PORT, OTHER_PROTOCOL, OUTER], FACTS)
    assert [(one.code, one.node, one.service) for one in found] == [
        ("SVN223", "n1", ""),
        ("SVN223", "n1", "default/db"),
        ("SVN223", "n1", "shop/old"),
    ]
    assert found[1].message == (
        "10.96.0.9:3307/TCP, 10.96.0.9:3306/UDP are led to endpoints, and no Service has such an "
        "address"
    )
    assert found[2].message.startswith("10.96.0.7:80/TCP is led to endpoints")
    assert found[2].next == "kubectl -n kube-system delete pod kube-proxy-x"
    assert stranger_findings("n1", (), FACTS) == ()


def test_of_one_reading() -> None:
    (found,) = stranger_findings("n1", [OLD], NodeFacts(once=True))
    assert found.message.endswith(" (one reading)")
