"""Who is inside, and whose source changes: one row per rule of the proxiers."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from kubectl_svcnet.engine.expect import Dial, expect
from kubectl_svcnet.engine.expect.masquerade import Side, masqueraded, side_of
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.packet import Client
from kubectl_svcnet.model.proxystate import Conduct, Setting
from kubectl_svcnet.model.service import FrontendKind, ServicePort
from tests.samples import endpoint, frontend, node, service

HERE = node("n1", "172.18.0.2", cidrs=("10.244.1.0/24", "fd00:1::/64"))
CLUSTER = Setting(cluster_cidr=(ip_network("10.244.0.0/16"), ip_network("10.9.0.0/16")))
BRIDGE = Setting(detect_local="BridgeInterface", interface="cni0")
PREFIX = Setting(detect_local="InterfaceNamePrefix", interface="veth")
BY_NODE = Setting(detect_local="NodeCIDR")
POD, FAR_POD, OUTSIDE = "10.244.1.9", "10.244.2.9", "198.51.100.7"
C, K, S = Client, FrontendKind, Side


@pytest.mark.parametrize(
    ("setting", "client", "source", "device", "side"),
    [
        (CLUSTER, C.POD, POD, "cni0", S.INSIDE),
        (CLUSTER, C.POD_ELSEWHERE, FAR_POD, "eth0", S.INSIDE),
        (CLUSTER, C.EXTERNAL, OUTSIDE, "eth0", S.OUTSIDE),
        (CLUSTER, C.NODE, "172.18.0.2", None, S.OUTSIDE),
        (CLUSTER, C.POD, "10.9.0.4", "cni0", S.OUTSIDE),  # a family's first range counts
        (CLUSTER, C.POD, None, "cni0", S.UNKNOWN),
        (Setting(), C.POD, POD, "cni0", S.UNDETECTED),
        (BY_NODE, C.POD, POD, "cni0", S.INSIDE),
        (BY_NODE, C.POD_ELSEWHERE, FAR_POD, "eth0", S.OUTSIDE),
        (BRIDGE, C.POD, POD, "cni0", S.INSIDE),
        (BRIDGE, C.POD, POD, "cni01", S.OUTSIDE),
        (BRIDGE, C.POD, POD, None, S.UNKNOWN),
        (BRIDGE, C.NODE, "172.18.0.2", None, S.OUTSIDE),
        (PREFIX, C.POD, POD, "veth42", S.INSIDE),
        (PREFIX, C.EXTERNAL, OUTSIDE, "eth0", S.OUTSIDE),
        (Setting(detect_local="Novel"), C.POD, POD, "cni0", S.UNDETECTED),
        (None, C.POD, POD, "cni0", S.UNKNOWN),
        (None, C.NODE, "172.18.0.2", None, S.UNKNOWN),
        (None, C.EXTERNAL, OUTSIDE, "eth0", S.OUTSIDE),
    ],
)
def test_sides(
    setting: Setting | None, client: Client, source: str | None, device: str | None, side: Side
) -> None:
    address = ip_address(source) if source else None
    found = side_of(client, address, device, Family.IPV4, HERE, Conduct(setting=setting))
    assert found is side


def test_of_a_family_without_a_range_nothing_is_detected() -> None:
    conduct, source = Conduct(setting=CLUSTER), ip_address("fd00:1::9")
    assert side_of(C.POD, source, "cni0", Family.IPV6, HERE, conduct) is S.UNDETECTED


LOCAL = service(external_local=True)
ALL = Conduct(setting=Setting(masquerade_all=True))
SOME, OLD = Conduct(setting=CLUSTER), Conduct(setting=CLUSTER, minor=23)


@pytest.mark.parametrize(
    ("of", "kind", "client", "side", "conduct", "wanted"),
    [
        (service(), K.CLUSTER_IP, C.POD, S.INSIDE, SOME, False),
        (service(), K.CLUSTER_IP, C.POD, S.OUTSIDE, SOME, True),
        (service(), K.CLUSTER_IP, C.POD, S.UNDETECTED, SOME, False),
        (service(), K.CLUSTER_IP, C.POD, S.UNKNOWN, SOME, None),
        (service(), K.CLUSTER_IP, C.POD, S.UNDETECTED, ALL, True),
        (service(), K.CLUSTER_IP, C.NODE, S.OUTSIDE, SOME, True),
        (service(), K.CLUSTER_IP, C.POD, S.UNKNOWN, Conduct(), None),
        (LOCAL, K.CLUSTER_IP, C.POD, S.OUTSIDE, SOME, True),
        (service(), K.NODE_PORT, C.EXTERNAL, S.OUTSIDE, Conduct(), True),
        (service(), K.NODE_PORT, C.POD, S.INSIDE, SOME, True),
        (service(), K.LOAD_BALANCER_IP, C.POD, S.UNKNOWN, Conduct(), True),
        (service(), K.EXTERNAL_IP, C.POD, S.INSIDE, Conduct(setting=CLUSTER, minor=24), True),
        (service(), K.EXTERNAL_IP, C.POD, S.INSIDE, OLD, False),
        (service(), K.EXTERNAL_IP, C.POD, S.INSIDE, SOME, None),
        (service(), K.EXTERNAL_IP, C.POD, S.UNDETECTED, OLD, True),
        (LOCAL, K.NODE_PORT, C.EXTERNAL, S.OUTSIDE, ALL, False),
        (LOCAL, K.NODE_PORT, C.POD, S.INSIDE, SOME, False),
        (LOCAL, K.NODE_PORT, C.NODE, S.OUTSIDE, SOME, True),
        (LOCAL, K.NODE_PORT, C.NODE, S.OUTSIDE, Conduct(ipvs=True), None),
    ],
)
def test_masqueraded(
    of: Any,
    kind: FrontendKind,
    client: Client,
    side: Side,
    conduct: Conduct,
    wanted: bool | None,
) -> None:
    assert masqueraded(of, frontend(kind), client, side, conduct) is wanted


NODE_PORT = (ServicePort(name="mysql", protocol=frontend().protocol, port=3306, node_port=30080),)
A, B = endpoint("10.244.1.2:3306", "n1"), endpoint("10.244.2.2:3306", "n2")


@pytest.mark.parametrize(
    ("setting", "source", "device", "all_of_them"),
    [
        (CLUSTER, POD, "cni0", True),
        (CLUSTER, FAR_POD, "eth0", True),
        (BY_NODE, FAR_POD, "eth0", False),
        (BRIDGE, FAR_POD, "eth0", False),
        (Setting(), POD, "cni0", False),
    ],
)
def test_the_short_circuit_is_for_those_inside(
    setting: Setting, source: str, device: str, all_of_them: bool
) -> None:
    of = service(type="NodePort", external_local=True, ports=NODE_PORT)
    dial = Dial(client=C.POD, source=ip_address(source), device=device)
    found = expect(of, frontend(K.NODE_PORT), (A, B), HERE, dial, Conduct(setting=setting))
    assert found.endpoints == {one.address for one in ((A, B) if all_of_them else (A,))}
    assert (found.alternatives, found.masquerade) == ((), False)
