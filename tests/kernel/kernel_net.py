"""Real packets: namespaces, numbered first packets, and who received each of them.

A node with a bridge `cni0` and two pods on it, and a namespace `far` that is everything beyond
`eth0`: another node, its pods, and a client outside; all of them with addresses of both families.
Pods and far listen with packet sockets in front of their own stack (which drops all, so nobody
answers); the node listens with raw sockets, which are behind INPUT.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import select
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from kubectl_svcnet.model.address import Family
from tests.kernel import kernel_netlink
from tests.kernel.kernel_packets import (
    FAMILIES,
    TCP,
    UDP,
    Caught,
    Probe,
    Seen,
    caught,
    caught_body,
    segment,
)
from tests.kernel.kernel_places import V4, V6, Places

NODE, NODE_BRIDGE, OUTSIDE = V4.node, V4.node_bridge, V4.outside
POD_A, POD_B, FAR_PODS = V4.pod_a, V4.pod_b, V4.far_pods

#: The namespaces send packets of their own (ARP's failures, late answers), which rule counters
#: count too: a disagreement counts if it is there each time.
TRIES = 3

#: Counters that kube-proxy's rules name since 1.31 (`nfacct add`).
ACCOUNTS = ("ct_state_invalid_dropped_pkts", "localhost_nps_accepted_pkts")

_CLONE_NEWNET = 0x40000000
#: No port that a Service or an endpoint has.
SOURCE_PORTS = range(40000, 60000)

_ETHERTYPES = (0x0800, 0x86DD)
_AHEAD = ("pod-a", "pod-b", "far")
_serial = itertools.count()


@dataclass
class Net:
    names: dict[str, str]
    packet_sockets: list[socket.socket] = field(default_factory=list)
    raw_sockets: dict[socket.socket, int] = field(default_factory=dict)  # with their protocol
    senders: dict[tuple[str, Family, int], socket.socket] = field(default_factory=dict)
    ports: Iterator[int] = field(default_factory=lambda: itertools.cycle(SOURCE_PORTS))

    @classmethod
    def build(cls) -> Net:
        stem = f"svcnet-kt-{os.getpid()}-{next(_serial)}"
        net = cls({name: f"{stem}-{name}" for name in ("node", "pod-a", "pod-b", "far")})
        try:
            net._wire()
            net._listen()
        except BaseException:
            net.remove()
            raise
        return net

    def remove(self) -> None:
        for one in (*self.packet_sockets, *self.raw_sockets, *self.senders.values()):
            one.close()
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)

    def run(self, where: str, *argv: str, text: str | None = None) -> str:
        """A command in one of the namespaces; its output."""
        whole = ["ip", "netns", "exec", self.names[where], *argv]
        done = subprocess.run(whole, input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(argv)}: {done.stderr}\n{text or ''}")
        return done.stdout

    def _wire(self) -> None:
        for name in self.names.values():
            subprocess.run(["ip", "netns", "add", name], check=True)
        node, far = self.names["node"], self.names["far"]
        script = [f"link add eth0 netns {node} type veth peer name eth0 netns {far}"]
        for pod in ("pod-a", "pod-b"):
            there = self.names[pod]
            script.append(f"link add {pod} netns {node} type veth peer name eth0 netns {there}")
        for line in script:
            subprocess.run(["ip", *line.split()], check=True)
        self._sysctls()
        for where, lines in _links():
            self.run(where, "ip", "-batch", "-", text="\n".join([*lines, ""]))
        for name in ("pod-a", "pod-b"):
            self.run("node", "bridge", "link", "set", "dev", name, "hairpin", "on")
        for name in _AHEAD:
            self.run(name, "nft", "-f", "-", text=_DEAF)

    def _sysctls(self) -> None:
        common = ["net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"]
        common += ["net.ipv4.conf.eth0.rp_filter=0"]
        node = ["net.ipv4.ip_forward=1", "net.ipv4.conf.all.route_localnet=1"]
        node += ["net.ipv4.icmp_ratelimit=0", "net.ipv4.conf.all.send_redirects=0"]
        node += ["net.ipv4.conf.default.send_redirects=0", "net.ipv4.conf.eth0.send_redirects=0"]
        node += ["net.ipv4.icmp_msgs_per_sec=1000000", "net.ipv4.icmp_msgs_burst=100000"]
        node += ["net.ipv6.conf.all.forwarding=1", "net.ipv6.icmp.ratelimit=0"]
        # A tuple that comes again finds nothing of the last time.
        node += ["net.netfilter.nf_conntrack_udp_timeout=1"]
        node += ["net.netfilter.nf_conntrack_tcp_timeout_syn_sent=1"]
        for name in self.names:
            self.run(name, "sysctl", "-q", "-w", *common, *(node if name == "node" else []))

    @contextlib.contextmanager
    def inside(self, where: str) -> Iterator[None]:
        """This thread in another namespace: sockets made here stay there."""
        libc = ctypes.CDLL(None, use_errno=True)
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.names[where]}", os.O_RDONLY)
        try:
            if libc.setns(there, _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            yield
        finally:
            libc.setns(home, _CLONE_NEWNET)
            os.close(home)
            os.close(there)

    def _listen(self) -> None:
        for name in _AHEAD:
            with self.inside(name):
                for kind in _ETHERTYPES:
                    self.packet_sockets.append(
                        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(kind))
                    )
                for family, number in FAMILIES.items():
                    sender = socket.socket(number, socket.SOCK_RAW, socket.IPPROTO_RAW)
                    self.senders[name, family, TCP] = self.senders[name, family, UDP] = sender
        with self.inside("node"):
            for family, number in FAMILIES.items():
                for protocol in (TCP, UDP, _ERRORS[family]):
                    one = socket.socket(number, socket.SOCK_RAW, protocol)
                    self.raw_sockets[one] = protocol
                    if family is Family.IPV6:
                        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
                    self.senders["node", family, protocol] = socket.socket(
                        number, socket.SOCK_RAW, protocol
                    )
            for name in ACCOUNTS:
                kernel_netlink.add_account(name)
        for one in (*self.packet_sockets, *self.raw_sockets):
            one.setblocking(False)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)

    # Rules

    def load(self, texts: dict[str, str], family: Family = Family.IPV4) -> dict[str, str]:
        """Load a text per backend (nft, legacy), and give back what its save tool then shows."""
        tool = "iptables" if family is Family.IPV4 else "ip6tables"
        for backend, text in texts.items():
            self.run("node", f"{tool}-{backend}-restore", text=text)
        return {name: self.run("node", f"{tool}-{name}-save") for name in texts}

    # Packets

    def send(self, probes: Sequence[Probe]) -> list[Seen]:
        """All at once; what became of each."""
        self._drain()
        by_port: dict[int, int] = {}
        for index, probe in enumerate(probes):
            sport = next(self.ports)
            by_port[sport] = index
            sender = self.senders[probe.sender, probe.family, probe.protocol]
            with contextlib.suppress(OSError):  # refused or dropped in OUTPUT
                sender.sendto(segment(probe, sport, index), (probe.destination, 0))
        found = self._collect(probes, by_port)
        return [found.get(index, Seen("drop")) for index in range(len(probes))]

    def _drain(self) -> None:
        for one in (*self.packet_sockets, *self.raw_sockets):
            with contextlib.suppress(BlockingIOError):
                while True:
                    one.recv(2048)

    def _collect(self, probes: Sequence[Probe], by_port: dict[int, int]) -> dict[int, Seen]:
        found: dict[int, Seen] = {}
        rejected: dict[int, Seen] = {}
        every = [*self.packet_sockets, *self.raw_sockets]
        end = time.monotonic() + 0.5
        while len(found) + len(rejected.keys() - found.keys()) < len(probes) or rejected:
            wait = min(0.06, end - time.monotonic())
            ready = select.select(every, [], [], max(wait, 0))[0]
            if not ready:
                break
            for one in ready:
                for what in self._caught_by(one):
                    if what.port in by_port:
                        rejected[by_port[what.port]] = Seen("reject")
                    elif 0 <= what.number < len(probes):
                        probe = probes[what.number]
                        found[what.number] = what.seen(probe, on_node=one in self.raw_sockets)
        return rejected | found

    def _caught_by(self, one: socket.socket) -> Iterator[Caught]:
        with contextlib.suppress(BlockingIOError):
            while True:
                data, beside, _, address = one.recvmsg(2048, 256)
                if one.family is socket.AF_INET6:
                    here = [word for _, kind, word in beside if kind == socket.IPV6_PKTINFO]
                    source = socket.inet_pton(socket.AF_INET6, address[0].split("%")[0])
                    what = caught_body(self.raw_sockets[one], source, here[0][:16], data)
                elif one.family is socket.AF_INET or address[2] == socket.PACKET_HOST:
                    what = caught(data)
                else:
                    continue
                if what is not None:
                    yield what


_ERRORS = {Family.IPV4: socket.IPPROTO_ICMP, Family.IPV6: socket.IPPROTO_ICMPV6}
_MAC = "02:00:00:00:00:0"
_LINKS = {"node": 1, "far": 2, "cni0": 3, "pod-a": 4, "pod-b": 5}


def _links() -> Iterator[tuple[str, list[str]]]:
    """What `ip -batch` is to do where. Neighbours of IPv6 are written down, for rules would drop
    their search too."""
    yield (
        "node",
        [
            "link set lo up",
            f"link add cni0 address {_MAC}{_LINKS['cni0']} type bridge",
            f"link set eth0 address {_MAC}{_LINKS['node']} up",
            "link set pod-a master cni0 up",
            "link set pod-b master cni0 up",
            "link set cni0 up",
            *(line for places in (V4, V6) for line in _node_lines(places)),
            *(_neighbour(one, "far", "eth0") for one in (V6.other_node, V6.outside, V6.gateway)),
            *(_neighbour(_pod(V6, pod), pod, "cni0") for pod in ("pod-a", "pod-b")),
        ],
    )
    far = [f"link set eth0 address {_MAC}{_LINKS['far']}", "link set lo up", "link set eth0 up"]
    far += [line for places in (V4, V6) for line in _far_lines(places)]
    yield "far", [*far, _neighbour(V6.node, "node", "eth0")]
    for pod in ("pod-a", "pod-b"):
        lines = [f"link set eth0 address {_MAC}{_LINKS[pod]}", "link set lo up", "link set eth0 up"]
        for places in (V4, V6):
            length = places.pods_here.partition("/")[2]
            lines.append(f"addr add {_pod(places, pod)}/{length} dev eth0{_at_once(places)}")
            lines.append(f"route add default via {places.node_bridge}")
        yield pod, [*lines, _neighbour(V6.node_bridge, "cni0", "eth0")]


def _node_lines(places: Places) -> list[str]:
    outside, here = (net.partition("/")[2] for net in (places.outside_net, places.pods_here))
    end = _at_once(places)
    return [
        f"addr add {places.node}/{outside} dev eth0{end}",
        f"addr add {places.node_bridge}/{here} dev cni0{end}",
        f"route add default via {places.gateway}",
        f"route add {places.pods_far} via {places.other_node}",
    ]


def _far_lines(places: Places) -> list[str]:
    length, end = places.outside_net.partition("/")[2], _at_once(places)
    own = (places.other_node, places.outside, places.gateway)
    return [
        *(f"addr add {one}/{length} dev eth0{end}" for one in own),
        *(f"addr add {places.one(one)} dev lo{end}" for one in places.far_pods),
        f"route add default via {places.node}",
    ]


def _pod(places: Places, name: str) -> str:
    return places.pod_a if name == "pod-a" else places.pod_b


def _at_once(places: Places) -> str:
    return " nodad" if places is V6 else ""


def _neighbour(address: str, who: str, device: str) -> str:
    return f"neigh add {address} lladdr {_MAC}{_LINKS[who]} dev {device} nud permanent"


_DEAF = """\
table inet deaf {
  chain early {
    type filter hook prerouting priority -500;
    meta l4proto { tcp, udp } drop
  }
}
"""
