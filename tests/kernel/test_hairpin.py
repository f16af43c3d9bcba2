"""A pod that calls itself by a Service: what the kernel does is what is stated of its bridge."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from kubectl_svcnet.engine.judge.kernel import hairpin_findings
from kubectl_svcnet.node.bridges import BRIDGE_PORTS
from kubectl_svcnet.parse.bridge_ports import parse_bridge_ports
from tests.kernel.kernel_hand import VIP, clear, dump
from tests.kernel.kernel_net import POD_A, TRIES, Net
from tests.kernel.kernel_packets import TCP, Probe
from tests.kernel.kernel_view import read_view
from tests.samples import at, node

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.tools("ip", "bridge", "nft", "conntrack", "sysctl", "iptables-nft-restore", "grep"),
]

#: As kube-proxy translates and masquerades it.
RULES = {
    "nat": (
        f"-A PREROUTING -d {VIP}/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination {POD_A}:80",
        f"-A POSTROUTING -s {POD_A}/32 -d {POD_A}/32 -j MASQUERADE",
    )
}
ITSELF = Probe("pod-a", TCP, POD_A, VIP, 80)


@pytest.fixture
def restored(net: Net) -> Iterator[Net]:
    yield net
    net.run("node", "bridge", "link", "set", "dev", "pod-a", "hairpin", "on")
    net.run("node", "ip", "link", "set", "cni0", "promisc", "off")
    net.run("node", "sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=1")


@pytest.mark.parametrize(("hairpin", "passed_up"), [*product(("on", "off"), (1, 0))])
def test_a_pod_that_calls_itself(restored: Net, hairpin: str, passed_up: int) -> None:
    net = restored
    clear(net)
    net.run("node", "sysctl", "-qw", f"net.bridge.bridge-nf-call-iptables={passed_up}")
    net.run("node", "bridge", "link", "set", "dev", "pod-a", "hairpin", hairpin)
    net.load({"nft": dump(RULES, "nft")})
    ports = parse_bridge_ports(net.run("node", *BRIDGE_PORTS.argv()))
    assert {port.name: port.bridge for port in ports} == {"pod-a": "cni0", "pod-b": "cni0"}
    here = {"default/db": [at(f"{POD_A}:80").address]}
    view = read_view(net)
    stated = [one.code for one in hairpin_findings(node("n1"), view, ports, here, "a/b")]
    arrived = any(net.send([ITSELF])[0].kind != "drop" for _ in range(TRIES))
    assert stated == ([] if arrived else ["SVN516"])
    assert arrived is (hairpin == "on" or not passed_up)
