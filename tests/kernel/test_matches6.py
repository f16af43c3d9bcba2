"""Matches of IPv6 packets, alone and in each hook, against the counters of the kernel's rules."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from ipaddress import ip_address

import pytest

from kubectl_svcnet.engine.simulate import Simulator
from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.fate import Backend, FateKind
from kubectl_svcnet.model.nodeview import NodeView
from kubectl_svcnet.model.packet import Hook, Packet
from kubectl_svcnet.parse.ip_json import parse_addresses, parse_routes
from kubectl_svcnet.parse.ipset_save import parse_sets
from kubectl_svcnet.parse.iptables_save import parse_save

pytestmark = [pytest.mark.kernel, pytest.mark.tools("ip", "nft", "ipset", "ip6tables-nft-restore")]

Run = Callable[..., str]

NODE, CLIENT, OTHER, AWAY = "fd00:1::1", "fd00:1::2", "fd00:2::1", "fd00:2::9"
WIRES = f"""\
link set lo up
link set n0 up
link add br0 type bridge
link set br0 up
addr add {NODE}/64 dev n0 nodad
addr add {OTHER}/64 dev br0 nodad
neigh add {CLIENT} lladdr 02:00:00:00:00:02 dev n0 nud permanent
neigh add {AWAY} lladdr 02:00:00:00:00:09 dev br0 nud permanent
"""
CLIENT_WIRES = f"""\
link set c0 address 02:00:00:00:00:02
link set c0 up
addr add {CLIENT}/64 dev c0 nodad
neigh add {NODE} lladdr 02:00:00:00:00:01 dev c0 nud permanent
route add default via {NODE}
"""
SETS = f"""\
create six hash:ip family inet6
add six {CLIENT}
create four hash:ip
create net hash:net family inet6
add net fd00::/16
add net fd00:2::/64 nomatch
create pairs hash:ip,port family inet6
add pairs {NODE},udp:53
add pairs {AWAY},tcp:80
create ports bitmap:port range 0-100
add ports 53
create both list:set size 8
add both four
add both net
"""
#: What is said by the way (neighbours, multicast groups, refusals) would count too.
QUIET = """\
table ip6 quiet {
  chain chatter {
    type filter hook prerouting priority -450;
    meta l4proto { ipv6-icmp, hopopt } drop
  }
  chain answers {
    type filter hook output priority -400;
    meta l4proto { ipv6-icmp, hopopt } drop
    tcp flags & rst == rst drop
  }
}
"""
ANYWHERE = [
    "-s fd00:1::/64",
    "! -d fd00:2::/64",
    "-p udp -m udp --dport 53",
    "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN",
    "-p ipv6-icmp -m icmp6 --icmpv6-type 128",
    "-m addrtype --dst-type LOCAL",
    "-m addrtype ! --dst-type LOCAL",
    "-m addrtype --dst-type UNICAST",
    "-m addrtype --dst-type UNICAST,LOCAL",
    "-m addrtype --src-type UNICAST",
    "-m addrtype --src-type LOCAL",
    "-m addrtype --dst-type MULTICAST",
    "-m conntrack --ctstate NEW",
    "-m conntrack ! --ctorigdst fd00:2::9",
    "-m mark --mark 0",
    "-m iprange --dst-range fd00:1::1-fd00:1::5",
    "-m multiport -p udp --dports 1,50:60",
    "-m rt --rt-type 0",
    "-m rt ! --rt-type 0",
    "-m frag --fragid 1",
    "-m set --match-set six src",
    "-m set ! --match-set six dst",
    "-m set --match-set net dst",
    "-m set --match-set net src",
    "-m set --match-set pairs dst,dst",
    "-m set --match-set ports dst",
    "-m set --match-set both src",
    "-m set --match-set both dst",
]
SOME = {
    "-i n0": ("PREROUTING", "INPUT", "FORWARD"),
    "-o br0": ("FORWARD", "OUTPUT", "POSTROUTING"),
    "-m addrtype --dst-type LOCAL --limit-iface-in": ("PREROUTING", "INPUT"),
    "-m rpfilter": ("PREROUTING",),
    "-m rpfilter --invert": ("PREROUTING",),
    "-m owner --uid-owner 0": ("OUTPUT", "POSTROUTING"),
}
HOOKS = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
}
PACKETS = [
    ("client", Protocol.UDP, NODE, 53),
    ("client", Protocol.UDP, OTHER, 53),
    ("client", Protocol.TCP, AWAY, 80),
    ("node", Protocol.UDP, AWAY, 53),
    ("node", Protocol.UDP, CLIENT, 9),
]
SEND = """\
import socket, sys
kind = {"TCP": socket.SOCK_STREAM, "UDP": socket.SOCK_DGRAM}[sys.argv[1]]
one = socket.socket(socket.AF_INET6, kind)
one.setblocking(False)
try:
    one.connect((sys.argv[2], int(sys.argv[3])))
    if sys.argv[1] == "UDP":
        one.send(b"x")
except BlockingIOError:
    pass
"""


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """A command in a namespace: run("node", "ip", "addr", text=...)."""
    names = {name: f"svcnet-k6-{os.getpid()}-{name}" for name in ("node", "client")}

    def _run(where: str, *argv: str, text: str | None = None) -> str:
        whole = ["ip", "netns", "exec", names[where], *argv]
        done = subprocess.run(whole, input=text, capture_output=True, text=True, check=False)
        assert not done.returncode, f"{argv}: {done.stderr}\n{text or ''}"
        return done.stdout

    try:
        for name in names.values():
            subprocess.run(["ip", "netns", "add", name], check=True)
        link = f"link add n0 address 02:00:00:00:00:01 netns {names['node']} type veth"
        subprocess.run(
            ["ip", *link.split(), "peer", "name", "c0", "netns", names["client"]], check=True
        )
        _run("node", "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
        _run("node", "ip", "-6", "-batch", "-", text=WIRES)
        _run("client", "ip", "-6", "-batch", "-", text=CLIENT_WIRES)
        _run("node", "ipset", "restore", text=SETS)
        _run("node", "nft", "-f", "-", text=QUIET)
        yield _run
    finally:
        for name in names.values():
            subprocess.run(["ip", "netns", "del", name], check=False)


def _dump() -> str:
    lines = []
    for table, hooks in HOOKS.items():
        lines += [f"*{table}", *(f":{hook} ACCEPT [0:0]" for hook in hooks)]
        lines += [f"-A {hook} {words}" for hook in hooks for words in ANYWHERE]
        lines += [f"-A {h} {words}" for words, where in SOME.items() for h in hooks if h in where]
        lines.append("COMMIT")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("packet", PACKETS, ids=lambda row: f"{row[0]} to {row[2]}")
@pytest.mark.parametrize("backend", ["nft", "legacy"])
def test_every_match(run: Run, backend: str, packet: tuple[str, Protocol, str, int]) -> None:
    sender, protocol, destination, port = packet
    own = sender == "node"
    view = NodeView(
        node="node",
        addresses=parse_addresses(run("node", "ip", "-j", "addr")),
        addresses_in_order=True,
        routes=parse_routes(run("node", "ip", "-6", "-j", "route", "show", "table", "all")),
        sysctls={"net.ipv6.conf.all.forwarding": "1"},
        sets=parse_sets(run("node", "ipset", "save")),
    )
    asked = Packet(
        hook=Hook.OUTPUT if own else Hook.PREROUTING,
        protocol=protocol,
        source=None if own else ip_address(CLIENT),
        destination=ip_address(destination),
        destination_port=port,
        in_interface=None if own else "n0",
    )
    run("node", f"ip6tables-{backend}-restore", text=_dump())
    run(sender, sys.executable, "-c", SEND, protocol.value, destination, str(port))
    wrong, table, count = [], "", 0
    for line in run("node", f"ip6tables-{backend}-save", "-c").splitlines():
        table = line[1:] if line.startswith("*") else table
        found = re.match(r"\[(\d+):\d+\] (-A (\S+).*)", line)
        if found:
            count += 1
            told = _foretold(view, backend, table, found[3], found[2], asked)
            if ("yes" if int(found[1]) else "no") not in told and "unknown" not in told:
                wrong.append(f"{table} {found[2]}: {found[1]} hits, foretold {sorted(told)}")
    run("node", f"ip6tables-{backend}-restore", text="*raw\nCOMMIT\n*mangle\nCOMMIT\n")
    assert count > 100
    assert not wrong, "\n".join(wrong)


def _foretold(
    view: NodeView, backend: str, table: str, chain: str, raw: str, packet: Packet
) -> set[str]:
    rule = f"*{table}\n:{chain} ACCEPT [0:0]\n{raw} -j DROP\nCOMMIT\n"
    texts = {"nft": "", "legacy": ""} | {backend: rule}
    rulesets = {
        (Family.IPV6, Backend(name)): parse_save(text, Family.IPV6, Backend(name))
        for name, text in texts.items()
    }
    node = NodeView(
        node=view.node,
        rulesets=rulesets,
        addresses=view.addresses,
        addresses_in_order=True,
        routes=view.routes,
        sysctls=view.sysctls,
        sets=view.sets,
    )
    words = {FateKind.DROP: "yes", FateKind.UNKNOWN: "unknown"}
    return {words.get(fate.kind, "no") for fate in Simulator(node).fates(packet)}
