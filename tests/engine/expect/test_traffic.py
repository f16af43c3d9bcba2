"""kube-proxy's rules about endpoints (pkg/proxy/topology.go), one row each."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from kubectl_svcnet.engine.expect import Dial, categorise, expect
from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.packet import Client
from kubectl_svcnet.model.proxystate import Conduct
from kubectl_svcnet.model.service import Endpoint, FrontendKind, ServicePort, endpoints_of
from tests.samples import endpoint, frontend, node, service

HERE = node("n1", labels={"topology.kubernetes.io/zone": "a"})

A = endpoint("10.244.1.2:3306", "n1")
B = endpoint("10.244.2.2:3306", "n2")
LEAVING: dict[str, Any] = {"ready": False, "serving": True, "terminating": True}
A_LEAVES = endpoint("10.244.1.3:3306", "n1", **LEAVING)
B_LEAVES = endpoint("10.244.2.3:3306", "n2", **LEAVING)
A_STARTS = endpoint("10.244.1.4:3306", "n1", ready=False, serving=False)
A_GONE = endpoint("10.244.1.5:3306", "n1", ready=False, serving=False, terminating=True)
NOWHERE = endpoint("172.18.0.2:6443", "")

NODE_PORT = (ServicePort(name="mysql", protocol=Protocol.TCP, port=3306, node_port=30080),)
INTERNAL = {"internal_local": True}
EXTERNAL = {"external_local": True, "ports": NODE_PORT}


def texts(endpoints: object) -> list[str]:
    return sorted(str(address) for address in endpoints)  # type: ignore[attr-defined]


def of(*endpoints: Endpoint) -> list[str]:
    return sorted(str(each.address) for each in endpoints)


@pytest.mark.parametrize(
    ("values", "endpoints", "cluster", "local", "any_"),
    [
        # ready, serving, terminating
        ({}, [A, B], [A, B], [], True),
        ({}, [A, A_STARTS, A_GONE], [A], [], True),
        ({}, [A, B_LEAVES], [A], [], True),
        ({}, [A_LEAVES, B_LEAVES], [A_LEAVES, B_LEAVES], [], True),
        ({}, [A_STARTS, B_LEAVES], [B_LEAVES], [], True),
        ({}, [A_STARTS, A_GONE], [], [], False),
        ({}, [], [], [], False),
        ({}, [NOWHERE], [NOWHERE], [], True),
        # internalTrafficPolicy Local: nothing uses all endpoints
        (INTERNAL, [A, B], [], [A], True),
        (INTERNAL, [B], [], [], True),
        (INTERNAL, [], [], [], False),
        (INTERNAL, [NOWHERE], [], [], True),
        (INTERNAL, [A_LEAVES, B], [], [A_LEAVES], True),
        (INTERNAL, [A, A_LEAVES], [], [A], True),
        # … unless it can be reached from outside
        (INTERNAL | {"ports": NODE_PORT}, [A, B], [A, B], [A], True),
        (INTERNAL | {"external_ips": (ip_address("192.0.2.1"),)}, [A, B], [A, B], [A], True),
        # externalTrafficPolicy Local counts only with a way in from outside
        (EXTERNAL, [A, B], [A, B], [A], True),
        (EXTERNAL, [B], [B], [], True),
        (EXTERNAL, [A_LEAVES, B_LEAVES], [A_LEAVES, B_LEAVES], [A_LEAVES], True),
        (EXTERNAL, [A_LEAVES, B], [B], [A_LEAVES], True),
        ({"external_local": True}, [A, B], [A, B], [], True),
        (
            {"external_local": True, "load_balancer_ips": (ip_address("192.0.2.1"),)},
            [A, B],
            [A, B],
            [A],
            True,
        ),
    ],
)
def test_categories(
    values: dict[str, object],
    endpoints: list[Endpoint],
    cluster: list[Endpoint],
    local: list[Endpoint],
    any_: bool,
) -> None:
    seen = categorise(service(**values), tuple(endpoints), HERE)
    assert (texts(seen.cluster), texts(seen.local)) == (of(*cluster), of(*local))
    assert seen.any is any_


def hinted(text: str, on: str, *, zones: str = "", nodes: str = "", **values: object) -> Endpoint:
    return endpoint(
        text,
        on,
        zone_hints=frozenset(zones.split()),
        node_hints=frozenset(nodes.split()),
        **values,
    )


PLAIN = endpoint("10.244.2.7:3306", "n2")
Z_A = hinted("10.244.1.2:3306", "n1", zones="a")
Z_B = hinted("10.244.2.2:3306", "n2", zones="b")
Z_AB = hinted("10.244.2.9:3306", "n2", zones="a b")
N_1 = hinted("10.244.1.2:3306", "n1", zones="a", nodes="n1")
N_2 = hinted("10.244.2.2:3306", "n2", zones="a", nodes="n2")


@pytest.mark.parametrize(
    ("endpoints", "used"),
    [
        ([Z_A, Z_B], [Z_A]),
        ([Z_A, Z_AB, Z_B], [Z_A, Z_AB]),
        ([Z_A, Z_B, PLAIN], [Z_A, Z_B, PLAIN]),  # one without a hint: none counts
        ([Z_B], [Z_B]),  # none for here: none counts
        ([N_1, N_2], [N_1]),  # by node, before zone
        ([N_2], [N_2]),  # none for this node: by zone
        ([N_1, Z_AB, Z_B], [N_1, Z_AB]),
        # hints of endpoints that are not ready do not matter
        ([Z_A, hinted("10.244.2.3:3306", "n2", **LEAVING)], [Z_A]),
    ],
)
def test_hints(endpoints: list[Endpoint], used: list[Endpoint]) -> None:
    assert texts(categorise(service(), tuple(endpoints), HERE).cluster) == of(*used)


def test_a_node_without_a_zone_takes_all() -> None:
    assert texts(categorise(service(), (Z_A, Z_B), node("n9")).cluster) == of(Z_A, Z_B)


def test_local_endpoints_are_not_chosen_by_hints() -> None:
    seen = categorise(service(**EXTERNAL), (Z_B, hinted("10.244.1.2:3306", "n1", zones="b")), HERE)
    assert texts(seen.local) == ["10.244.1.2:3306"]


def test_endpoints_of_a_port() -> None:
    other = endpoint("10.244.1.2:9", port_name="metrics")
    udp = endpoint("10.244.1.2:3306", protocol=Protocol.UDP)
    v6 = endpoint("[fd00::2]:3306")
    every = (A, other, udp, v6)
    assert endpoints_of(frontend(), every) == (A,)
    assert endpoints_of(frontend(family=Family.IPV6, address="fd00:1::9"), every) == (v6,)
    assert endpoints_of(frontend(port_name="metrics"), every) == (other,)
    assert endpoints_of(frontend(protocol=Protocol.UDP), every) == (udp,)


def test_publish_not_ready_is_the_controllers_business() -> None:
    """It sets ready where a Service wants unready pods, so nothing is added here."""
    seen = categorise(service(publish_not_ready=True), (A, A_STARTS), HERE)
    assert texts(seen.cluster) == of(A)


K = FrontendKind
INSIDE, OUTSIDE = ip_address("198.51.100.7"), ip_address("203.0.113.77")
RANGES = {"source_ranges": (ip_network("198.51.100.0/24"),), "ports": NODE_PORT}
OPEN = {"source_ranges": (ip_network("198.51.100.0/24"), ip_network("0.0.0.0/0"))}
OTHER_FAMILY = {"source_ranges": (ip_network("2001:db8::/32"),)}
RULED_OUT = "outside source ranges"
OWN_ADDRESS = {"external_ips": (frontend().address,)}  # its ClusterIP
TWOFOLD = RANGES | OWN_ADDRESS | {"load_balancer_ips": (frontend().address,)}


@pytest.mark.parametrize(
    ("values", "kind", "client", "source", "wanted", "alternatives", "why"),
    [
        ({}, K.CLUSTER_IP, Client.POD, None, [A, B], [], ""),
        ({}, K.CLUSTER_IP, Client.SELF, None, [A, B], [], ""),
        (INTERNAL, K.CLUSTER_IP, Client.POD, None, [A], [], ""),
        (INTERNAL, K.CLUSTER_IP, Client.NODE, None, [A], [], ""),
        # policy External has nothing to say about ClusterIPs
        (EXTERNAL, K.CLUSTER_IP, Client.POD, None, [A, B], [], ""),
        ({"ports": NODE_PORT}, K.NODE_PORT, Client.EXTERNAL, OUTSIDE, [A, B], [], ""),
        # policy Local: from inside all endpoints, if inside can be told from outside
        (EXTERNAL, K.NODE_PORT, Client.EXTERNAL, OUTSIDE, [A], [], ""),
        (EXTERNAL, K.NODE_PORT, Client.NODE, None, [A, B], [], ""),
        (EXTERNAL, K.NODE_PORT, Client.POD, None, [A, B], [[A]], ""),
        (EXTERNAL, K.NODE_PORT, Client.POD_ELSEWHERE, None, [A, B], [[A]], ""),
        # policy Internal has nothing to say about node ports
        (
            INTERNAL | {"ports": NODE_PORT},
            K.NODE_PORT,
            Client.EXTERNAL,
            OUTSIDE,
            [A, B],
            [],
            "",
        ),
        # source ranges: load balancer addresses only
        (RANGES, K.LOAD_BALANCER_IP, Client.EXTERNAL, INSIDE, [A, B], [], ""),
        (RANGES, K.LOAD_BALANCER_IP, Client.EXTERNAL, OUTSIDE, [], [], RULED_OUT),
        (RANGES, K.LOAD_BALANCER_IP, Client.POD, OUTSIDE, [], [], RULED_OUT),
        (RANGES, K.LOAD_BALANCER_IP, Client.NODE, None, [A, B], [], ""),
        (RANGES, K.NODE_PORT, Client.EXTERNAL, OUTSIDE, [A, B], [], ""),
        (RANGES, K.EXTERNAL_IP, Client.EXTERNAL, OUTSIDE, [A, B], [], ""),
        (OPEN, K.LOAD_BALANCER_IP, Client.EXTERNAL, OUTSIDE, [A, B], [], ""),
        (OTHER_FAMILY, K.LOAD_BALANCER_IP, Client.EXTERNAL, OUTSIDE, [A, B], [], ""),
        # an address in several fields is met as one of them
        (TWOFOLD, K.LOAD_BALANCER_IP, Client.EXTERNAL, INSIDE, [A, B], [], ""),
        (TWOFOLD, K.LOAD_BALANCER_IP, Client.EXTERNAL, OUTSIDE, [], [[A, B]], RULED_OUT),
        (TWOFOLD, K.EXTERNAL_IP, Client.EXTERNAL, OUTSIDE, [A, B], [[]], ""),
        (EXTERNAL | OWN_ADDRESS, K.CLUSTER_IP, Client.EXTERNAL, OUTSIDE, [A, B], [[A]], ""),
        (EXTERNAL | OWN_ADDRESS, K.EXTERNAL_IP, Client.EXTERNAL, OUTSIDE, [A], [[A, B]], ""),
    ],
)
def test_expectations(
    values: dict[str, object],
    kind: FrontendKind,
    client: Client,
    source: object,
    wanted: list[Endpoint],
    alternatives: list[list[Endpoint]],
    why: str,
) -> None:
    dial = Dial(client=client, source=source)  # type: ignore[arg-type]
    found = expect(service(**values), frontend(kind), (A, B), HERE, dial)
    assert texts(found.endpoints) == of(*wanted)
    assert [texts(each) for each in found.alternatives] == [of(*each) for each in alternatives]
    assert found.why == why


@pytest.mark.parametrize(
    ("values", "kind", "endpoints", "client", "why"),
    [
        ({}, K.CLUSTER_IP, (), Client.POD, "no endpoints"),
        ({}, K.CLUSTER_IP, (A_STARTS,), Client.POD, "no endpoints"),
        (INTERNAL, K.CLUSTER_IP, (B,), Client.POD, "no local endpoints"),
        (EXTERNAL, K.NODE_PORT, (B,), Client.EXTERNAL, "no local endpoints"),
        (EXTERNAL, K.NODE_PORT, (), Client.EXTERNAL, "no endpoints"),
        (EXTERNAL, K.NODE_PORT, (), Client.POD, "no endpoints"),
    ],
)
def test_refusals_that_are_asked_for(
    values: dict[str, object],
    kind: FrontendKind,
    endpoints: tuple[Endpoint, ...],
    client: Client,
    why: str,
) -> None:
    found = expect(service(**values), frontend(kind), endpoints, HERE, Dial(client=client))
    assert (found.endpoints, found.why) == (frozenset(), why)


@pytest.mark.parametrize("kind", FrontendKind)
@pytest.mark.parametrize("client", [Client.NODE, Client.POD, Client.EXTERNAL])
def test_iptables_mode_does_not_refuse_what_the_node_sends_to_outer_addresses(
    kind: FrontendKind, client: Client
) -> None:
    found = expect(service(**EXTERNAL), frontend(kind), (), HERE, Dial(client=client))
    outer = kind in (FrontendKind.LOAD_BALANCER_IP, FrontendKind.EXTERNAL_IP)
    assert found.may_pass is (outer and client is Client.NODE)


ZONED = (
    endpoint("10.244.1.2:3306", "n1", zone_hints=frozenset("a"), node_hints=frozenset({"n1"})),
    endpoint("10.244.2.2:3306", "n2", zone_hints=frozenset("a"), node_hints=frozenset({"n2"})),
    endpoint("10.244.3.2:3306", "n3", zone_hints=frozenset("b"), node_hints=frozenset({"n3"})),
)


def test_hints_are_wishes() -> None:
    """Also for 1.36.3, which was seen not to follow them after a race at its start."""
    found = expect(service(), frontend(), ZONED, HERE, Dial(client=Client.POD))
    assert texts(found.endpoints) == of(ZONED[0])
    assert [texts(each) for each in found.alternatives] == [of(*ZONED[:2]), of(*ZONED)]


def test_hints_that_change_nothing_bring_no_alternative() -> None:
    elsewhere = node("n9", labels={"topology.kubernetes.io/zone": "c"})
    found = expect(service(), frontend(), ZONED, elsewhere, Dial(client=Client.POD))
    assert (texts(found.endpoints), found.alternatives) == (of(*ZONED), ())


@pytest.mark.parametrize("client", list(Client))
@pytest.mark.parametrize(
    ("values", "kind", "endpoints", "expected", "alternatives"),
    [
        ({}, FrontendKind.CLUSTER_IP, (A, B), [A, B], 0),
        (EXTERNAL, FrontendKind.NODE_PORT, (A, B), [A], 0),
        (EXTERNAL, FrontendKind.NODE_PORT, (B,), [B], 1),  # until 1.20 it lists none
        (EXTERNAL, FrontendKind.NODE_PORT, (), [], 0),
        (EXTERNAL, FrontendKind.CLUSTER_IP, (A, B), [A, B], 0),
        (INTERNAL, FrontendKind.CLUSTER_IP, (A, B), [A], 0),
        (INTERNAL, FrontendKind.CLUSTER_IP, (B,), [], 0),
    ],
)
def test_a_virtual_server_has_one_list_for_all(
    client: Client,
    values: dict[str, Any],
    kind: FrontendKind,
    endpoints: tuple[Endpoint, ...],
    expected: list[Endpoint],
    alternatives: int,
) -> None:
    found = expect(
        service(**values), frontend(kind), endpoints, HERE, Dial(client=client), Conduct(ipvs=True)
    )
    assert texts(found.endpoints) == of(*expected)
    assert len(found.alternatives) == alternatives
