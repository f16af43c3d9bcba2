"""Which packets are asked (product.md, "Clients asked")."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from kubectl_svcnet.engine.ask import Neighbourhood, ask
from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.nodeview import InterfaceAddress, NodeView, Route
from kubectl_svcnet.model.packet import Client, Hook
from kubectl_svcnet.model.report import Asked
from kubectl_svcnet.model.service import FrontendKind, Node, Pod, ServicePort, dialled
from tests.samples import endpoint, frontend, node, pod, service

K = FrontendKind
HERE = node("n1", "172.18.0.2", "fd00:172::2", cidrs=["10.244.1.0/24"])
THERE = node("n2", "172.18.0.3", cidrs=["10.244.2.0/24"])
VIEW = NodeView(
    node="n1",
    addresses=(
        InterfaceAddress(ip_address("172.18.0.2"), "eth0", 24),
        InterfaceAddress(ip_address("10.244.1.1"), "cni0", 24),
    ),
    routes=(
        Route(ip_network("10.244.1.0/24"), "cni0"),
        Route(ip_network("172.18.0.0/24"), "eth0"),
        Route(ip_network("0.0.0.0/0"), "eth0", gateway=ip_address("172.18.0.1")),
    ),
)
DB1 = endpoint("10.244.1.2:3306", "n1", pod="db-1")
DB2 = endpoint("10.244.2.2:3306", "n2", pod="db-2")
CLIENT = pod("client", "10.244.1.9")
ELSEWHERE = pod("other", "10.244.2.9", on="n2")
KNOWN = (ip_network("10.244.0.0/16"), ip_network("172.18.0.0/24"))


def around(
    pods: tuple[Pod, ...] | None = (CLIENT,),
    elsewhere: tuple[tuple[Node, tuple[Pod, ...] | None], ...] = ((THERE, (ELSEWHERE,)),),
    here: Node = HERE,
) -> Neighbourhood:
    return Neighbourhood(node=here, pods=pods, elsewhere=elsewhere, known=KNOWN)


def questions(kind: FrontendKind = K.CLUSTER_IP, where: Neighbourhood | None = None) -> list[Asked]:
    address = None if kind is K.NODE_PORT else "10.96.0.9"
    return ask(service(), frontend(kind, address), (DB1, DB2), VIEW, where or around()).asked


def test_a_cluster_ip() -> None:
    found = {each.client: each for each in questions()}
    assert list(found) == [Client.POD, Client.NODE, Client.SELF]
    packet = found[Client.POD].packet
    assert (str(packet.source), packet.in_interface) == ("10.244.1.9", "cni0")
    assert (packet.hook, str(packet.destination)) == (Hook.PREROUTING, "10.96.0.9")
    assert (packet.destination_port, packet.protocol) == (3306, Protocol.TCP)
    assert found[Client.POD].note == "default/client"
    assert str(found[Client.SELF].packet.source) == "10.244.1.2"
    assert found[Client.SELF].note == "db-1"
    packet = found[Client.NODE].packet
    assert (packet.hook, packet.source, packet.in_interface) == (Hook.OUTPUT, None, None)


@pytest.mark.parametrize("kind", [K.NODE_PORT, K.LOAD_BALANCER_IP, K.EXTERNAL_IP])
def test_what_is_reached_from_outside(kind: FrontendKind) -> None:
    found = {each.client: each for each in questions(kind)}
    assert list(found) == [Client.POD, Client.NODE, Client.POD_ELSEWHERE, Client.EXTERNAL]
    packet = found[Client.POD_ELSEWHERE].packet
    assert (str(packet.source), packet.in_interface) == ("10.244.2.9", "eth0")
    outside = found[Client.EXTERNAL].packet
    assert outside.source is not None
    assert not any(outside.source in network for network in KNOWN)
    assert outside.in_interface == "eth0"
    assert str(packet.destination) == ("172.18.0.2" if kind is K.NODE_PORT else "10.96.0.9")


def test_no_endpoint_here_is_no_self() -> None:
    there = ask(service(), frontend(), (DB2,), VIEW, around()).asked
    assert [each.client for each in there] == [Client.POD, Client.NODE]


def test_an_endpoint_with_the_nodes_own_address_is_no_self() -> None:
    host = endpoint("172.18.0.2:6443", "n1")
    found = ask(service(), frontend(), (host,), VIEW, around()).asked
    assert [each.client for each in found] == [Client.POD, Client.NODE]


@pytest.mark.parametrize(
    ("pods", "address"),
    [
        ((pod("b", "10.244.1.11"), pod("a", "10.244.1.12")), "10.244.1.12"),  # by name
        ((pod("a", "10.244.1.2"), pod("b", "10.244.1.11")), "10.244.1.11"),  # a is an endpoint
        ((pod("a", "172.18.0.2", host_network=True), pod("b", "10.244.1.11")), "10.244.1.11"),
        ((pod("a", "10.244.1.8", phase="Succeeded"), pod("b", "10.244.1.11")), "10.244.1.11"),
        ((pod("a", "fd00::8"), pod("b", "10.244.1.11")), "10.244.1.11"),
        ((pod("a", "fd00::8", "10.244.1.7"),), "10.244.1.7"),
        ((pod("a"), pod("b", "10.244.1.11")), "10.244.1.11"),
    ],
)
def test_which_pod(pods: tuple[Pod, ...], address: str) -> None:
    first = questions(where=around(pods))[0]
    assert (first.client, str(first.packet.source)) == (Client.POD, address)


def test_a_chosen_pod_goes_first() -> None:
    first, mine = pod("a", "10.244.1.11"), pod("z", "10.244.1.12")
    asked = questions(where=replace(around((first, mine)), chosen=mine))
    assert [str(each.packet.source) for each in asked] == ["10.244.1.12", "None", "10.244.1.2"]


def test_a_chosen_pod_of_another_node_is_the_pod_elsewhere() -> None:
    third, mine = node("n3", "172.18.0.4"), pod("z", "10.244.3.9", on="n3")
    others = ((THERE, (ELSEWHERE,)), (third, (pod("a", "10.244.3.8", on="n3"), mine)))
    asked = questions(K.NODE_PORT, replace(around(elsewhere=others), chosen=mine))
    assert [str(each.packet.source) for each in asked][:3] == ["10.244.1.9", "None", "10.244.3.9"]


def test_a_chosen_pod_that_is_an_endpoint_calls_itself() -> None:
    mine = pod("db-9", "10.244.1.3")
    where = replace(around((mine, CLIENT)), chosen=mine)
    both = (DB1, endpoint("10.244.1.3:3306", "n1", pod="db-9"))
    asked = ask(service(), frontend(), both, VIEW, where).asked
    assert [each.note for each in asked] == ["default/client", "", "db-9"]


@pytest.mark.parametrize("pods", [None, (), (pod("a", "10.244.1.254", host_network=True),)])
def test_else_a_free_address_which_is_assumed(pods: tuple[Pod, ...] | None) -> None:
    first = questions(where=around(pods))[0]
    assert str(first.packet.source) == "10.244.1.254"
    assert "assumed" in first.note


def test_a_free_address_is_free() -> None:
    taken = (endpoint("10.244.1.254:3306"), endpoint("10.244.1.253:3306"))
    first = ask(service(), frontend(), taken, VIEW, around(())).asked[0]
    assert str(first.packet.source) == "10.244.1.252"


def test_nobody_to_ask_is_a_gap_that_does_not_block() -> None:
    bare = node("n1", "172.18.0.2")
    lone = around((), ((node("n2", "172.18.0.3"), None),), bare)
    found = ask(service(), frontend(K.EXTERNAL_IP), (DB1,), VIEW, lone)
    assert [each.client for each in found.asked] == [Client.NODE, Client.EXTERNAL]
    assert [gap.what for gap in found.gaps] == ["client pod", "client pod-elsewhere"]
    assert not any(gap.blocking for gap in found.gaps)
    assert all(gap.node == "n1" and gap.next for gap in found.gaps)


def test_one_node_has_no_elsewhere() -> None:
    found = ask(service(), frontend(K.EXTERNAL_IP), (DB1,), VIEW, around(elsewhere=()))
    assert Client.POD_ELSEWHERE not in [each.client for each in found.asked]
    assert found.gaps == []


RANGED = service(source_ranges=(ip_network("198.51.100.0/24"), ip_network("2001:db8::/32")))


@pytest.mark.parametrize(
    ("kind", "sources"),
    [
        (K.LOAD_BALANCER_IP, ["198.51.100.77", "203.0.113.77"]),
        (K.EXTERNAL_IP, ["198.51.100.77"]),
        (K.NODE_PORT, ["198.51.100.77"]),
    ],
)
def test_source_ranges_one_inside_one_outside(kind: FrontendKind, sources: list[str]) -> None:
    address = None if kind is K.NODE_PORT else "192.0.2.9"
    found = ask(RANGED, frontend(kind, address), (DB1,), VIEW, around()).asked
    external = [each for each in found if each.client is Client.EXTERNAL]
    assert [str(each.packet.source) for each in external] == sources
    whys = [each.expectation.why for each in external]
    assert whys == ["", "outside source ranges"][: len(sources)]


def test_an_inside_client_is_no_node_or_pod() -> None:
    ranged = service(source_ranges=(ip_network("172.16.0.0/12"),))
    found = ask(ranged, frontend(K.LOAD_BALANCER_IP, "192.0.2.9"), (DB1,), VIEW, around()).asked
    (inside, outside) = [e.packet.source for e in found if e.client is Client.EXTERNAL]
    assert inside in ip_network("172.16.0.0/12")
    assert inside not in ip_network("172.18.0.0/24")
    assert outside not in ip_network("172.16.0.0/12")


@pytest.mark.parametrize(
    ("block", "either"), [("10.244.0.0/15", True), ("10.244.1.0/16", True), ("10.9.0.0/16", False)]
)
def test_a_source_range_around_pods_may_mean_pods(block: str, either: bool) -> None:
    """Under policy Local a pod may use all endpoints, and the outside the node's own."""
    ranged = service(source_ranges=(ip_network(block, strict=False),), external_local=True)
    where = Neighbourhood(
        node=HERE, pods=(CLIENT,), elsewhere=(), known=(*HERE.pod_cidrs, *THERE.pod_cidrs)
    )
    balanced = frontend(K.LOAD_BALANCER_IP, "192.0.2.9")
    external = replace(ranged, load_balancer_ips=(ip_address("192.0.2.9"),))
    found = ask(external, balanced, (DB1, DB2), VIEW, where).asked
    (inside, _) = [e.expectation for e in found if e.client is Client.EXTERNAL]
    local, cluster = frozenset([DB1.address]), frozenset([DB1.address, DB2.address])
    assert {inside.endpoints, *inside.alternatives} == ({local, cluster} if either else {local})


def test_outside_keeps_clear_of_what_the_cluster_uses() -> None:
    used = Neighbourhood(
        node=HERE, pods=(), elsewhere=(), known=(*KNOWN, ip_network("198.51.100.0/24"))
    )
    found = ask(service(), frontend(K.EXTERNAL_IP), (DB1,), VIEW, used).asked
    assert str(found[-1].packet.source) == "203.0.113.77"


def test_dialled() -> None:
    node_port = frontend(K.NODE_PORT, None, 30080)
    assert dialled(node_port, HERE) == ip_address("172.18.0.2")
    v6 = frontend(K.NODE_PORT, None, 30080, family=Family.IPV6)
    assert dialled(v6, HERE) == ip_address("fd00:172::2")
    assert dialled(v6, THERE) is None
    assert dialled(frontend(), THERE) == ip_address("10.96.0.9")


def test_a_node_without_an_address_of_the_family_is_not_asked() -> None:
    v6 = frontend(K.NODE_PORT, None, 30080, family=Family.IPV6)
    found = ask(service(), v6, (), VIEW, around(here=THERE))
    assert (found.asked, found.gaps) == ([], [])


def test_ports_and_protocols() -> None:
    udp = ServicePort(name="dns", protocol=Protocol.UDP, port=53)
    found = ask(
        service(ports=(udp,)),
        frontend(port=53, port_name="dns", protocol=Protocol.UDP),
        (),
        VIEW,
        around(),
    ).asked
    assert {(e.packet.destination_port, e.packet.protocol) for e in found} == {(53, Protocol.UDP)}
    assert {e.expectation.why for e in found} == {"no endpoints"}
