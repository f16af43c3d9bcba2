"""What the API expects, and which chains and addresses it makes worth reading."""

from __future__ import annotations

from ipaddress import ip_address

from kubectl_svcnet.dataplanes import DATAPLANES, Owner
from kubectl_svcnet.model.address import Family, Protocol, SocketAddress
from kubectl_svcnet.model.service import (
    Endpoint,
    Node,
    Service,
    ServiceName,
    ServicePort,
    frontends,
)
from kubectl_svcnet.pipeline.expected import Expected, wanted_of

NAME = ServiceName("default", "db-service")
PORT = ServicePort(name="mysql", port=3306, protocol=Protocol.TCP, node_port=30306)
SERVICE = Service(
    name=NAME,
    type="NodePort",
    cluster_ips=(ip_address("10.96.0.9"),),
    ports=(PORT,),
)
ENDPOINT = Endpoint(
    address=SocketAddress(ip_address("10.244.1.2"), 3306),
    port_name="mysql",
    protocol=Protocol.TCP,
)
EXPECTED = Expected(services=(SERVICE,), endpoints={NAME: (ENDPOINT,)})
NODE = Node(name="n1", addresses=(ip_address("172.18.0.2"),))
OWNER = Owner(name="kube-proxy/iptables", reader=DATAPLANES[0])


def test_services_by_name_and_endpoints_by_port() -> None:
    assert EXPECTED.service(NAME) is SERVICE
    assert EXPECTED.service(ServiceName("default", "other")) is None
    for frontend in frontends(SERVICE):
        assert EXPECTED.of(frontend) == (ENDPOINT,)
    assert Expected(services=(SERVICE,), endpoints={}).of(frontends(SERVICE)[0]) == ()


def test_one_wish_per_family() -> None:
    """The chains of all kinds of frontend, and the addresses that are dialled, localhost too."""
    (wanted,) = wanted_of(EXPECTED, NODE, OWNER, frontends(SERVICE), localhost=True)
    assert wanted.family is Family.IPV4
    dialled = ("10.96.0.9", "172.18.0.2", "127.0.0.1")
    assert wanted.destinations == set(map(ip_address, dialled))
    kinds = {chain.rpartition("-")[0] for chain in wanted.chains}
    assert kinds >= {"KUBE-SVC", "KUBE-EXT", "KUBE-SEP"}
    assert "service-HHADPSYQ-default/db-service/tcp/mysql" in wanted.native
    assert wanted.endpoints == {ENDPOINT.address.address}


def test_nothing_is_worth_reading_where_nobody_can() -> None:
    assert wanted_of(EXPECTED, NODE, Owner(name="cilium"), frontends(SERVICE)) == ()
    assert wanted_of(EXPECTED, NODE, OWNER, ()) == ()
