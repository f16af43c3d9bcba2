"""Routes that deliver to the node outside its own addresses, and routes without carrier: what
becomes of packets, of REJECT's answers, and of the node's own connections."""

from __future__ import annotations

import errno
import socket

import pytest

from kubectl_svcnet.engine.simulate import Simulator
from kubectl_svcnet.model.fate import FateKind
from tests.kernel.kernel_hand import Hand, clear, disagreements, load
from tests.kernel.kernel_net import OUTSIDE, POD_A, Net
from tests.kernel.kernel_packets import TCP, UDP, Probe
from tests.kernel.kernel_places import V6
from tests.kernel.kernel_view import packet_of

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.tools("ip", "ipset", "nft", "conntrack", "sysctl", "iptables-nft-restore"),
]

WHERE = "203.0.113.7"
PROBES = (Probe("pod-a", UDP, POD_A, WHERE, 53), Probe("far", TCP, OUTSIDE, WHERE, 80))
PROBES6 = (
    Probe("pod-a", UDP, V6.pod_a, "fd00:203::7", 53),
    Probe("far", TCP, V6.outside, "fd00:203::7", 80),
)
LOCAL = "ip route add local 203.0.113.0/24 dev lo"
REJECT = {"filter": ("-A INPUT -p udp -j REJECT", "-A INPUT -p tcp -j REJECT")}
IS_LOCAL = {"mangle": ("-A PREROUTING -m addrtype --dst-type LOCAL -j DROP",)}
IN_100 = (f"{LOCAL} table 100", "ip rule add to 203.0.113.0/24 lookup 100 priority 50")
OUT_100 = ("ip rule del priority 50", "ip route flush table 100")
NO_CARRIER = (
    "ip link add v0 type veth peer name v1",
    "ip link set v0 up",
    "ip addr add 203.0.113.1/24 dev v0",
)
#: In table main, then in table local, and only then with a rule, which parts the two for good.
CASES = [
    Hand("main", probes=PROBES, setup=(f"{LOCAL} table main",)),
    Hand("local", probes=PROBES, setup=(LOCAL,)),
    Hand("local, refused", (), REJECT, probes=PROBES, setup=(LOCAL,)),
    Hand("local, asked", (), IS_LOCAL, probes=PROBES, setup=(LOCAL,)),
    Hand("100", probes=PROBES, setup=IN_100, undo=OUT_100),
    Hand("100, refused", (), REJECT, probes=PROBES, setup=IN_100, undo=OUT_100),
    Hand("100, asked", (), IS_LOCAL, probes=PROBES, setup=IN_100, undo=OUT_100),
    Hand("IPv6", probes=PROBES6, setup=("ip -6 route add local fd00:203::/64 dev lo table main",)),
    Hand(
        "IPv6, refused",
        (),
        REJECT,
        probes=PROBES6,
        setup=("ip -6 route add local fd00:203::/64 dev lo table main",),
    ),
    Hand("no carrier", probes=PROBES, setup=NO_CARRIER),
    Hand(
        "no carrier, refused before",
        (),
        {"filter": ("-A FORWARD -j REJECT",)},
        probes=PROBES,
        setup=NO_CARRIER,
    ),
    Hand(
        "no carrier, ignored",
        probes=PROBES,
        setup=("sysctl -qw net.ipv4.conf.all.ignore_routes_with_linkdown=1", *NO_CARRIER),
        undo=("sysctl -qw net.ipv4.conf.all.ignore_routes_with_linkdown=0",),
    ),
]


def _undo(net: Net, case: Hand) -> None:
    for line in case.undo:
        net.run("node", *line.split())
    for line in case.setup:
        words = line.split()
        if "route" in words and "100" not in words:
            net.run("node", *("del" if word == "add" else word for word in words))
        elif words[:3] == ["ip", "link", "add"]:
            net.run("node", "ip", "link", "del", words[3])


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_routes(net: Net, case: Hand) -> None:
    clear(net)
    try:
        assert not disagreements(net, case)
    finally:
        _undo(net, case)


def _connected(net: Net, protocol: int) -> str:
    """What connect() says, of UDP what the first answer is."""
    kind = socket.SOCK_STREAM if protocol == TCP else socket.SOCK_DGRAM
    with net.inside("node"), socket.socket(socket.AF_INET, kind) as one:
        one.settimeout(1)
        try:
            one.connect((WHERE, 80))
            one.send(b"x")
            one.recv(1)
        except TimeoutError:
            return "drop"
        except OSError as error:
            return errno.errorcode[error.errno or 0]
    return "answered"


@pytest.mark.parametrize("case", CASES[1:3] + CASES[4:6], ids=lambda case: case.name)
@pytest.mark.parametrize("protocol", [TCP, UDP])
def test_own_connections(net: Net, case: Hand, protocol: int) -> None:
    """Nobody listens: what arrives is refused by the socket's layer. A connection of TCP asks for
    its way again once it has a source, a datagram without a connection does not."""
    clear(net)
    try:
        simulator = Simulator(load(net, case))
        told = {
            fate.kind
            for fate in simulator.fates(packet_of(Probe("node", protocol, None, WHERE, 80)))
        }
        seen = _connected(net, protocol)
    finally:
        _undo(net, case)
    assert seen in ("ECONNREFUSED", "ENETUNREACH")
    if seen == "ENETUNREACH" or case.iptables:
        assert FateKind.REJECT in told
    assert told == {FateKind.LOCAL} or seen == "ENETUNREACH" or case.iptables
    assert len(told) == 1 or protocol == UDP
