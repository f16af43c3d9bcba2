from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from kubectl_svcnet.model.capture import Capture, ExecRequest, Reason, Request
from kubectl_svcnet.model.iprange import Census, RangeKind
from kubectl_svcnet.model.service import Container, Node, Pod
from kubectl_svcnet.ranges import unseen
from kubectl_svcnet.ranges.node_network import SOURCE

ROUTE = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010015AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000015AC\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth0\t0B0015AC\t00000000\t0001\t0\t0\t0\tFFFFFFFF\t0\t0\t0
cni0\t0001F40A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth0\t0002F40A\t0C0015AC\t0003\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
NODE = Node(
    name="n1",
    addresses=(ip_address("172.21.0.11"),),
    pod_cidrs=(ip_network("10.244.1.0/24"),),
)


def proxy(node: str, *, running: bool = True, host_network: bool = True) -> Pod:
    return Pod(
        namespace="kube-system",
        name=f"kube-proxy-{node}",
        node=node,
        host_network=host_network,
        labels={"k8s-app": "kube-proxy"},
        containers=(Container(name="kube-proxy", running=running),),
    )


def test_connected_routes_tell_the_nodes_network_and_the_bridges(ask: Any, printed: Any) -> None:
    census = Census(nodes=(NODE,), pods=(proxy("n1"),))
    network, bridge = ask(SOURCE, census, printed(ROUTE)).claims
    assert (network.kind, network.text, network.node) == (RangeKind.NODE, "172.21.0.0/24", "")
    assert (network.value, network.evidence) == ("172.21.0.11/24", "172.21.0.0/24 dev eth0")
    assert network.object == "node n1 through pod kube-system/kube-proxy-n1"
    assert (bridge.kind, bridge.text, bridge.node) == (RangeKind.POD, "10.244.1.0/24", "n1")
    assert bridge.evidence == "10.244.1.0/24 dev cni0"


def test_only_the_families_of_the_node_are_asked_for() -> None:
    (place,) = SOURCE.recognise(Census(nodes=(NODE,), pods=(proxy("n1"),)))
    (request,) = SOURCE.requests(place)
    assert isinstance(request, ExecRequest)
    assert [command.argv() for command in request.commands] == [("cat", "/proc/net/route")]


def test_ipv6(ask: Any) -> None:
    node = Node(name="n1", addresses=(ip_address("fd00:172:18::2"),))
    line = "fd000172001800000000000000000000 40 " + "0" * 32 + " 00 " + "0" * 32
    text = f"{line} 00000100 00000001 00000000 00000001     eth0\n"

    def answer(request: Request) -> tuple[Capture, ...]:
        assert isinstance(request, ExecRequest)
        (command,) = request.commands
        return (Capture(request=request, command=command, data=text.encode(), exit_code=0),)

    (claim,) = ask(SOURCE, Census(nodes=(node,), pods=(proxy("n1"),)), answer).claims
    assert (claim.kind, claim.text) == (RangeKind.NODE, "fd00:172:18::/64")


@pytest.mark.parametrize(
    "node",
    [
        Node(name="n1"),
        Node(name="n1", addresses=NODE.addresses, virtual=True),
        Node(name="n1", addresses=NODE.addresses, os="windows"),
    ],
)
def test_nodes_that_are_not_asked(node: Node) -> None:
    (place,) = SOURCE.recognise(Census(nodes=(node,), pods=(proxy("n1"),)))
    assert SOURCE.requests(place) == ()


@pytest.mark.parametrize("pod", [proxy("n1", running=False), proxy("n1", host_network=False)])
def test_a_node_without_a_way_in_is_named_in_one_gap(pod: Pod) -> None:
    nodes = [Node(name=f"n{i}", addresses=NODE.addresses) for i in range(1, 6)]
    places = SOURCE.recognise(Census(nodes=tuple(nodes), pods=(pod,)))
    (gap,) = unseen((SOURCE.name, place) for place in places)
    assert "n1, n2, n3 and 2 more" in gap.why
    assert not gap.blocking
    assert unseen([]) == ()


def test_no_right_is_a_gap_of_the_node(ask: Any, refused: Any) -> None:
    census = Census(nodes=(NODE,), pods=(proxy("n1"),))
    (gap,) = ask(SOURCE, census, refused(Reason.FORBIDDEN)).gaps
    assert (gap.node, gap.what) == ("n1", "node routes")
    assert "needs create pods/exec" in gap.why


def test_a_file_that_is_none_is_a_gap(ask: Any, printed: Any) -> None:
    census = Census(nodes=(NODE,), pods=(proxy("n1"),))
    (gap,) = ask(SOURCE, census, printed("hello")).gaps
    assert gap.node == "n1"
