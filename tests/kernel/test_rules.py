"""Routing rules against the kernel: by which device a packet left."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from kubectl_svcnet.engine.simulate import Simulator
from kubectl_svcnet.model.fate import FateKind
from tests.kernel.kernel_net import FAR_PODS, OUTSIDE, POD_A, TRIES, Net
from tests.kernel.kernel_packets import Probe
from tests.kernel.kernel_view import packet_of, read_view, with_rules

pytestmark = [pytest.mark.kernel, pytest.mark.tools("ip", "nft", "iptables-nft-restore")]

DEVICES = ("eth0", "cni0", "tun0")
ROUTES = """\
route add default dev tun0 table 100
route add throw 10.244.2.3/32 table 100
route add unreachable 10.244.2.2/32 table 101
route add local default dev lo table 2004
"""
MARK = "-A {} -d 203.0.113.0/24 -j MARK --set-mark 0x1"

#: Rules of one node, with the priorities 50, 51, …
CASES = [
    [],
    ["from 10.244.1.2 lookup 100"],
    ["from 192.168.50.1 lookup 100"],
    ["not from 10.244.1.2 lookup 100"],
    ["to 203.0.113.0/24 lookup 100"],
    ["fwmark 0x1 lookup 100"],
    ["fwmark 0x1/0x3 lookup 2004"],
    ["not fwmark 0x1 lookup 100"],
    ["iif cni0 lookup 100"],
    ["iif lo lookup 100"],
    ["oif eth0 lookup 100"],
    ["uidrange 0-9 lookup 100"],
    ["uidrange 5-9 lookup 100"],
    ["ipproto tcp dport 80 lookup 100"],
    ["ipproto udp lookup 100"],
    ["lookup 100"],
    ["lookup 101"],
    ["from 10.244.1.2 blackhole"],
    ["lookup main suppress_prefixlength 0", "lookup 100"],
    ["lookup 55"],
]
PROBES = [
    Probe("pod-a", 6, POD_A, "203.0.113.10", 80),
    Probe("pod-a", 6, POD_A, FAR_PODS[0], 80),
    Probe("pod-a", 17, POD_A, FAR_PODS[1], 53),
    Probe("far", 6, OUTSIDE, POD_A, 80),
    Probe("node", 6, None, "203.0.113.10", 80),
    Probe("node", 6, None, FAR_PODS[1], 443),
]


def _dump(end: str, devices: tuple[str, ...] = DEVICES) -> str:
    lines = ["*mangle", *(MARK.format(hook) for hook in ("PREROUTING", "OUTPUT"))]
    lines += [f"-A POSTROUTING -o {device} ! -p icmp{end}" for device in devices]
    return "\n".join([*lines, "COMMIT", ""])


@pytest.fixture
def tunnel(net: Net) -> Iterator[None]:
    net.run("node", "ip", "link", "add", "tun0", "arp", "off", "type", "bridge")
    net.run("node", "ip", "link", "set", "tun0", "up")
    net.run("node", "ip", "addr", "add", "172.31.0.1/32", "dev", "tun0")
    net.run("node", "ip", "-batch", "-", text=ROUTES)
    yield
    net.run("node", "ip", "link", "del", "tun0")
    for table in ("100", "101", "2004"):
        net.run("node", "ip", "route", "flush", "table", table)


@contextlib.contextmanager
def rules_of(net: Net, rules: list[str]) -> Iterator[None]:
    for number, rule in enumerate(rules):
        net.run("node", "ip", "rule", "add", *rule.split(), "priority", str(50 + number))
    yield
    for number in range(len(rules)):
        net.run("node", "ip", "rule", "del", "priority", str(50 + number))


def _left_by(net: Net) -> str:
    saved = net.run("node", "iptables-nft-save", "-c", "-t", "mangle").splitlines()
    hit = [line for line in saved if " -o " in line and not line.startswith("[0:")]
    return hit[0].split(" -o ")[1].split()[0] if hit else "none"


def _sent(net: Net, probe: Probe) -> str:
    net.load({"nft": _dump(""), "legacy": "*mangle\nCOMMIT\n"})
    with contextlib.suppress(OSError):
        net.send([probe])
    return _left_by(net)


@pytest.mark.parametrize("rules", CASES, ids=[" ; ".join(rules) or "none" for rules in CASES])
def test_ways(net: Net, tunnel: None, rules: list[str]) -> None:
    wrong = []
    with rules_of(net, rules):
        view = read_view(net)
        for probe in PROBES:
            told = set()
            for device in DEVICES:
                node = with_rules(view, {"nft": _dump(" -j DROP", (device,)), "legacy": ""})
                for fate in Simulator(node).fates(packet_of(probe)):
                    by_rule = fate.kind is FateKind.DROP and " -o " in fate.rules[-1:].__repr__()
                    told |= {device} if by_rule else {fate.kind.value} & {"unknown"}
            for _ in range(TRIES):
                left = _sent(net, probe)
                if left in (told or {"none"}) or "unknown" in told:
                    break
            else:
                wrong.append(f"{probe}: left by {left}, foretold {sorted(told)}")
    net.load({"nft": "*mangle\nCOMMIT\n"})
    assert not wrong, "\n".join(wrong)
