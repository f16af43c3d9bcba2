"""Real packets: namespaces, numbered first packets, and who received each of them.

A node with a bridge `cni0` and two pods on it, and a namespace `far` that is everything beyond
`eth0`: another node, its pods, and a client outside. Packets are single TCP SYNs and datagrams
with a number in them. Pods and far listen with packet sockets in front of their own stack (which
drops all, so nobody answers); the node listens with raw sockets, which are behind INPUT.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import select
import socket
import struct
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address

NODE, NODE_BRIDGE = "192.168.50.1", "10.244.1.1"
OTHER_NODE, OUTSIDE, GATEWAY = "192.168.50.2", "192.168.50.9", "192.168.50.254"
POD_A, POD_B = "10.244.1.2", "10.244.1.3"
FAR_PODS = ("10.244.2.2", "10.244.2.3")

#: The namespaces send packets of their own (ARP's failures, late answers), which rule counters
#: count too: a disagreement counts if it is there each time.
TRIES = 3

_CLONE_NEWNET = 0x40000000
_TCP, _UDP = socket.IPPROTO_TCP, socket.IPPROTO_UDP
_serial = itertools.count()


@dataclass(frozen=True)
class Probe:
    """`sender`: pod-a, pod-b, far or node; `source` is None for a node process."""

    sender: str
    protocol: int
    source: str | None
    destination: str
    port: int


@dataclass(frozen=True, order=True)
class Seen:
    """What became of a probe: endpoint, local, pass, reject or drop."""

    kind: str
    endpoint: str = ""
    masquerade: bool | None = None


@dataclass
class Net:
    names: dict[str, str]
    packet_sockets: dict[str, socket.socket] = field(default_factory=dict)
    raw_sockets: list[socket.socket] = field(default_factory=list)
    senders: dict[tuple[str, int], socket.socket] = field(default_factory=dict)
    ports: Iterator[int] = field(default_factory=lambda: itertools.cycle(range(20000, 60000)))

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
        every = [*self.packet_sockets.values(), *self.raw_sockets, *self.senders.values()]
        for one in every:
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
        self._batch("node", _NODE)
        self._batch("far", _FAR)
        for pod, address in (("pod-a", POD_A), ("pod-b", POD_B)):
            self._batch(pod, _POD.replace("ADDRESS", address))
        for name in ("pod-a", "pod-b"):
            self.run("node", "bridge", "link", "set", "dev", name, "hairpin", "on")
        for name in ("pod-a", "pod-b", "far"):
            self.run(name, "nft", "-f", "-", text=_DEAF)

    def _batch(self, where: str, script: str) -> None:
        self.run(where, "ip", "-batch", "-", text=script)

    def _sysctls(self) -> None:
        common = ["net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"]
        common += ["net.ipv6.conf.all.disable_ipv6=1", "net.ipv4.conf.eth0.rp_filter=0"]
        node = ["net.ipv4.ip_forward=1", "net.ipv4.conf.all.route_localnet=1"]
        node += ["net.ipv4.icmp_ratelimit=0", "net.ipv4.conf.all.send_redirects=0"]
        node += ["net.ipv4.conf.default.send_redirects=0", "net.ipv4.conf.eth0.send_redirects=0"]
        node += ["net.ipv4.icmp_msgs_per_sec=1000000", "net.ipv4.icmp_msgs_burst=100000"]
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
        for name in ("pod-a", "pod-b", "far"):
            with self.inside(name):
                self.packet_sockets[name] = socket.socket(
                    socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800)
                )
                sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
                self.senders[name, _TCP] = self.senders[name, _UDP] = sender
        with self.inside("node"):
            for protocol in (_TCP, _UDP):
                self.raw_sockets.append(socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol))
                self.senders["node", protocol] = socket.socket(
                    socket.AF_INET, socket.SOCK_RAW, protocol
                )
            self.raw_sockets.append(
                socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            )
        for one in (*self.packet_sockets.values(), *self.raw_sockets):
            one.setblocking(False)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)

    # Rules

    def load(self, texts: dict[str, str]) -> dict[str, str]:
        """Load a text per backend (nft, legacy), and give back what its save tool then shows."""
        shown = {}
        for backend, text in texts.items():
            self.run("node", f"iptables-{backend}-restore", text=text)
        for backend in texts:
            shown[backend] = self.run("node", f"iptables-{backend}-save")
        return shown

    # Packets

    def send(self, probes: Sequence[Probe]) -> list[Seen]:
        """All at once; what became of each."""
        self._drain()
        by_port: dict[int, int] = {}
        sent: dict[int, str | None] = {}
        for index, probe in enumerate(probes):
            sport = next(self.ports)
            by_port[sport] = index
            data = _segment(probe, sport, index)
            with contextlib.suppress(PermissionError):  # dropped in OUTPUT
                try:
                    self._sender(probe).sendto(data, (probe.destination, 0))
                except OSError as error:
                    sent[index] = f"refused: {error}"
        found = self._collect(probes, by_port)
        return [found.get(index, Seen("drop")) for index in range(len(probes))]

    def _sender(self, probe: Probe) -> socket.socket:
        return self.senders[probe.sender, probe.protocol]

    def _drain(self) -> None:
        for one in (*self.packet_sockets.values(), *self.raw_sockets):
            with contextlib.suppress(BlockingIOError):
                while True:
                    one.recv(2048)

    def _collect(self, probes: Sequence[Probe], by_port: dict[int, int]) -> dict[int, Seen]:
        found: dict[int, Seen] = {}
        rejected: dict[int, Seen] = {}
        every = [*self.packet_sockets.values(), *self.raw_sockets]
        end = time.monotonic() + 0.5
        while len(found) + len(rejected.keys() - found.keys()) < len(probes) or rejected:
            wait = min(0.06, end - time.monotonic())
            ready = select.select(every, [], [], max(wait, 0))[0]
            if not ready:
                break
            for one in ready:
                on_node = one in self.raw_sockets
                with contextlib.suppress(BlockingIOError):
                    while True:
                        data, address = one.recvfrom(2048)
                        if on_node or address[2] == socket.PACKET_HOST:
                            _note(data, probes, by_port, found, rejected, on_node=on_node)
        return rejected | found


def _note(
    data: bytes,
    probes: Sequence[Probe],
    by_port: dict[int, int],
    found: dict[int, Seen],
    rejected: dict[int, Seen],
    *,
    on_node: bool,
) -> None:
    size = (data[0] & 15) * 4
    protocol, source, destination = data[9], data[12:16], data[16:20]
    body = data[size:]
    if protocol == socket.IPPROTO_ICMP and body[0] == 3 and len(body) >= 36:
        inner = body[8:]
        sport = struct.unpack("!H", inner[(inner[0] & 15) * 4 :][:2])[0]
        if sport in by_port:
            rejected[by_port[sport]] = Seen("reject")
        return
    if protocol == _TCP and body[13] == 2:
        token = struct.unpack("!I", body[4:8])[0]
    elif protocol == _UDP and len(body) >= 12:
        token = struct.unpack("!I", body[8:12])[0]
    else:
        return
    index = token - _TOKEN
    if not 0 <= index < len(probes):
        return
    probe, port = probes[index], struct.unpack("!H", body[2:4])[0]
    there, who = str(IPv4Address(destination)), str(IPv4Address(source))
    before = probe.source or OWN_SOURCE.get(probe.destination, NODE)
    kind = "local" if on_node else "pass"
    if (there, port) != (probe.destination, probe.port):
        kind = "endpoint"
    spot = f"{there}:{port}" if kind == "endpoint" else ""
    found[index] = Seen(kind, spot, who != before)


#: Which address a node process gets when it dials one of the node's own.
OWN_SOURCE = {NODE_BRIDGE: NODE_BRIDGE, "127.0.0.1": "127.0.0.1", POD_A: NODE_BRIDGE}
_TOKEN = 0x53560000


def _segment(probe: Probe, sport: int, index: int) -> bytes:
    """A SYN or a datagram with its number, and the IP header where the sender writes it."""
    token = struct.pack("!I", _TOKEN + index)
    source = probe.source or OWN_SOURCE.get(probe.destination, NODE)
    addresses = socket.inet_aton(source) + socket.inet_aton(probe.destination)
    if probe.protocol == _TCP:
        body = struct.pack("!HH", sport, probe.port) + token
        body += struct.pack("!IBBHHH", 0, 0x50, 2, 64240, 0, 0)
        at = 16
    else:
        body = struct.pack("!HHHH", sport, probe.port, 12, 0) + token
        at = 6
    pseudo = addresses + struct.pack("!BBH", 0, probe.protocol, len(body))
    body = body[:at] + struct.pack("!H", _checksum(pseudo + body)) + body[at + 2 :]
    if probe.source is None:
        return body
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, probe.protocol, 0)
    return head + addresses + body


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF or 0xFFFF


_NODE = f"""\
link set lo up
link add cni0 type bridge
link set eth0 up
link set pod-a master cni0 up
link set pod-b master cni0 up
link set cni0 up
addr add {NODE}/24 dev eth0
addr add {NODE_BRIDGE}/24 dev cni0
route add default via {GATEWAY}
route add 10.244.2.0/24 via {OTHER_NODE}
"""
_FAR = "\n".join(
    [
        "link set lo up",
        "link set eth0 up",
        *(f"addr add {one}/24 dev eth0" for one in (OTHER_NODE, OUTSIDE, GATEWAY)),
        *(f"addr add {one}/32 dev lo" for one in FAR_PODS),
        f"route add default via {NODE}",
        "",
    ]
)
_POD = f"""\
link set lo up
link set eth0 up
addr add ADDRESS/24 dev eth0
route add default via {NODE_BRIDGE}
"""
_DEAF = """\
table ip deaf {
  chain early {
    type filter hook prerouting priority -500;
    meta l4proto { tcp, udp } drop
  }
}
"""
