"""Whom a node serves of two that claim one address is stated once, with what the other lacks."""

from __future__ import annotations

from kubectl_svcnet.engine.codes import finding
from kubectl_svcnet.engine.judge.rivals import rivals
from kubectl_svcnet.model.finding import Finding
from kubectl_svcnet.model.report import FrontendTrace, NodeTrace, ServiceTrace, Verdict
from kubectl_svcnet.model.service import FrontendKind, Service, ServiceName
from tests.samples import frontend, service


def claimed(name: str, address: str, **verdicts: Verdict) -> ServiceTrace:
    whose = ServiceName("shop", name)
    made: Service = service(name=whose)
    front = frontend(FrontendKind.EXTERNAL_IP, address, 80, service=whose)
    nodes = tuple(NodeTrace(node=n, dataplane="x", verdict=v) for n, v in verdicts.items())
    return ServiceTrace(
        service=made, frontends=(FrontendTrace(frontend=front, endpoints=(), nodes=nodes),)
    )


def opened(name: str, port: int, **addresses: str) -> ServiceTrace:
    """A node port that no node serves."""
    whose = ServiceName("shop", name)
    front = frontend(FrontendKind.NODE_PORT, None, port, service=whose)
    nodes = tuple(
        NodeTrace(node=n, dataplane="x", verdict=Verdict.STALE, address=address)
        for n, address in addresses.items()
    )
    return ServiceTrace(
        service=service(name=whose),
        frontends=(FrontendTrace(frontend=front, endpoints=(), nodes=nodes),),
    )


def state(trace: ServiceTrace) -> tuple[Finding, ...]:
    """A finding for each node that is not in order."""
    return tuple(
        finding("SVN203", "differs", service=str(trace.service.name), node=node.node)
        for front in trace.frontends
        for node in front.nodes
        if node.verdict is not Verdict.OK
    )


def test_two_services_for_one_address() -> None:
    one = claimed("a", "192.0.2.1", n1=Verdict.OK, n2=Verdict.STALE)
    other = claimed("b", "192.0.2.1", n1=Verdict.MISSING, n2=Verdict.OK)
    third = claimed("c", "192.0.2.2", n1=Verdict.STALE)
    seen = rivals([one, other, third], state)
    (found,) = seen.findings
    assert found.code == "SVN413"
    assert found.message == (
        "192.0.2.1:80/TCP is claimed by shop/a (ExternalIP) and shop/b (ExternalIP)"
    )
    assert found.evidence == ("shop/a is served on n1", "shop/b is served on n2")
    assert [(one.service, one.node) for one in found.objects] == [
        ("shop/a", "n2"),
        ("shop/b", "n1"),
    ]
    assert seen.others[2] is third
    assert [one.node for trace in seen.others for one in state(trace)] == ["n1"]


def test_a_node_that_serves_neither_is_a_fault_of_its_own() -> None:
    one = claimed("a", "192.0.2.1", n1=Verdict.OK, n2=Verdict.ABSENT)
    other = claimed("b", "192.0.2.1", n1=Verdict.STALE, n2=Verdict.ABSENT)
    seen = rivals([one, other], state)
    assert [one.node for trace in seen.others for one in state(trace)] == ["n2", "n2"]


def test_nobody_claims_what_is_anothers() -> None:
    one = claimed("a", "192.0.2.1", n1=Verdict.OK)
    seen = rivals([one], state)
    assert (seen.findings, seen.others) == ([], [one])


def test_an_external_ip_that_is_a_nodes_own_takes_its_node_port() -> None:
    """kube-proxy asks external IPs before node ports, in every mode."""
    taker = claimed("a", "192.0.2.11", n1=Verdict.OK, n2=Verdict.OK)
    port = opened("b", 80, n1="192.0.2.11", n2="192.0.2.12")
    other = opened("c", 81, n1="192.0.2.11")
    seen = rivals([taker, port, other], state)
    (found,) = seen.findings
    assert found.message == (
        "192.0.2.11:80/TCP is claimed by shop/a (ExternalIP) and shop/b (NodePort)"
    )
    assert found.evidence == ("shop/a is served on n1, n2", "shop/b is served on no node")
    assert [(one.service, one.node) for one in found.objects] == [("shop/b", "n1")]
    left = [(one.service, one.node) for trace in seen.others for one in state(trace)]
    assert left == [("shop/b", "n2"), ("shop/c", "n1")]


def test_what_was_not_read_is_not_called_unserved() -> None:
    one = claimed("a", "192.0.2.1", n1=Verdict.OK, n2=Verdict.UNREAD)
    other = claimed("b", "192.0.2.1", n1=Verdict.STALE, n2=Verdict.UNKNOWN)
    (found,) = rivals([one, other], state).findings
    assert found.evidence == (
        "shop/a is served on n1; not known of n2",
        "shop/b is served on no node; not known of n2",
    )
