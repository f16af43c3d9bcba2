"""Chains of nft at a device: before all else where packets come in, behind all else where they
leave, and only for those of their devices."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.kernel.kernel_hand import PROBES, VIP, Hand, clear, disagreements
from tests.kernel.kernel_net import NODE, OUTSIDE, POD_A, Net
from tests.kernel.kernel_packets import TCP, UDP, Probe
from tests.kernel.kernel_places import V6

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.tools("ip", "ipset", "nft", "conntrack", "iptables-nft-restore"),
]


def at(hook: str, devices: str, *rules: str, family: str = "netdev", policy: str = "accept") -> str:
    lines = "\n".join(rules)
    head = f"type filter hook {hook} {devices} priority 0; policy {policy};"
    return f"table {family} guard {{\nchain {hook} {{\n{head}\n{lines}\n}}\n}}\n"


CNI, ETH, BOTH = 'device "cni0"', 'device "eth0"', "devices = { cni0, eth0 }"
TO_A, FROM_NODE = f"ip daddr {POD_A} drop", f"ip saddr {NODE} drop"
DIAL = f"-d {VIP}/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination {POD_A}:8080"
NAT = {"nat": (f"-A PREROUTING {DIAL}", "-A POSTROUTING -o eth0 -j MASQUERADE")}
OUT = (Probe("pod-a", TCP, POD_A, OUTSIDE, 80), Probe("node", UDP, None, OUTSIDE, 53), *PROBES)
SIX = (
    Probe("pod-a", TCP, V6.pod_a, V6.node, 80),
    Probe("far", UDP, V6.outside, V6.pod_a, 53),
    Probe("node", TCP, None, V6.pod_a, 80),
)
CASES = [
    Hand("in by the bridge", (at("ingress", CNI, f"ip daddr {VIP} tcp dport 80 drop"),), NAT),
    Hand("in by eth0", (at("ingress", ETH, f"ip daddr {VIP} drop", TO_A),), NAT),
    Hand("in by either", (at("ingress", BOTH, "meta l4proto tcp drop"),), NAT),
    Hand("in, policy", (at("ingress", ETH, f"ip daddr {NODE} accept", policy="drop"),), NAT),
    Hand("in by a bridge's port", (at("ingress", 'device "pod-a"', "tcp dport 80 drop"),), NAT),
    Hand("in, inet", (at("ingress", CNI, f"ip daddr {VIP} drop", family="inet"),), NAT),
    Hand("in, before it is translated", (at("ingress", CNI, TO_A),), NAT),
    Hand("out by the bridge", (at("egress", CNI, TO_A),), NAT, probes=OUT),
    Hand("out by eth0, behind its source", (at("egress", ETH, FROM_NODE),), NAT, probes=OUT),
    Hand("out by eth0, policy", (at("egress", ETH, policy="drop"),), NAT, probes=OUT),
    Hand("asleep", (at("ingress", CNI, "drop").replace("{\n", "{\nflags dormant\n", 1),), NAT),
    Hand("IPv6", (at("ingress", CNI, f"ip6 daddr {V6.node} drop"),), probes=SIX),
    Hand("IPv6, out", (at("egress", CNI, f"ip6 daddr {V6.pod_a} drop"),), probes=SIX),
    Hand("IPv6, of the other family", (at("ingress", BOTH, TO_A),), probes=SIX),
]
#: Frames that go up to the node pass their bridge before any rule, as without br_netfilter.
NOT_SHOWN = tuple(
    f"sysctl -qw net.bridge.bridge-nf-call-{tool}=0" for tool in ("iptables", "ip6tables")
)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_chains_at_devices(net: Net, case: Hand) -> None:
    clear(net)
    try:
        assert not disagreements(net, replace(case, setup=NOT_SHOWN))
    finally:
        net.run("node", "nft", "flush", "ruleset")


@pytest.mark.parametrize("case", [CASES[3], CASES[4], *CASES[8:10]], ids=lambda case: case.name)
def test_while_rules_see_frames_of_bridges(net: Net, case: Hand) -> None:
    shown = tuple(line.replace("=0", "=1") for line in NOT_SHOWN)
    clear(net)
    try:
        assert not disagreements(net, replace(case, setup=shown))
    finally:
        net.run("node", "nft", "flush", "ruleset")
