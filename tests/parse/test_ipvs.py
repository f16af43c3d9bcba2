"""Virtual servers as the kernel and ipvsadm list them."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.model.address import Family, Protocol, SocketAddress
from kubectl_svcnet.model.ipvs import Forwarding, RealServer, VirtualServer, VirtualServers
from kubectl_svcnet.parse.ipvs import parse_ipvs

FIXTURES = Path(__file__).parents[1] / "fixtures"
LISTED = sorted(FIXTURES.rglob("ip_vs.txt"))
HEAD = (
    "IP Virtual Server version 1.2.1 (size=4096)\n"
    "Prot LocalAddress:Port Scheduler Flags\n"
    "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"
)
A = RealServer(SocketAddress(ip_address("10.244.1.3"), 8080), Forwarding.MASQ, 1)


def file(lines: str) -> VirtualServers:
    return parse_ipvs(HEAD + lines)


def virtual(place: str, port: int, **more: Any) -> VirtualServer:
    address = SocketAddress(ip_address(place), port)
    family = Family.IPV4 if address.address.version == 4 else Family.IPV6
    known: dict[str, Any] = {"protocol": Protocol.TCP, "scheduler": "rr"}
    known |= {"address": address, "family": family}
    return VirtualServer(**(known | more))


FILE = [
    (
        "TCP  0A6083F6:0050 rr  \n  -> 0AF40103:1F90      Masq    1      0          0         \n",
        virtual("10.96.131.246", 80, servers=(A,)),
    ),
    (
        "UDP  0A600001:0035 wlc persistent 2700000 FFFFFFFF\n",
        virtual(
            "10.96.0.1",
            53,
            protocol=Protocol.UDP,
            scheduler="wlc",
            persistent=True,
            timeout=(27000, 10800, 9000, 2700),
        ),
    ),
    (
        "UDP  0A600001:0035 rr ops \n",
        virtual(
            "10.96.0.1",
            53,
            protocol=Protocol.UDP,
            one_packet=True,
        ),
    ),
    (
        "TCP  [fd00:0010:0096:0000:0000:0000:0000:0001]:01BB rr \n"
        "  -> [fd00:0010:0244:0000:0000:0000:0000:0005]:192B      Masq    3      0          0\n",
        virtual(
            "fd00:10:96::1",
            443,
            servers=(
                RealServer(SocketAddress(ip_address("fd00:10:244::5"), 6443), Forwarding.MASQ, 3),
            ),
        ),
    ),
    (
        "FWM  00000010 sh \n  -> 0AF40103:0000      Tunnel  0      1          7         \n",
        VirtualServer(
            mark=16,
            scheduler="sh",
            servers=(RealServer(SocketAddress(ip_address("10.244.1.3"), 0), Forwarding.TUNNEL, 0),),
        ),
    ),
]


@pytest.mark.parametrize(("lines", "expected"), FILE)
def test_the_kernels_file(lines: str, expected: VirtualServer) -> None:
    assert file(lines) == VirtualServers(servers=(expected,))


SAVED = [
    ("-A -t 10.96.0.1:443 -s rr -p 10800", {"persistent": True, "timeout": (10800,)}),
    ("-A -t 10.96.0.1:443 -s wrr", {"scheduler": "wrr"}),
    ("-A -t 10.96.0.1:443 -s sh -b sh-fallback,sh-port", {
        "scheduler": "sh", "scheduler_flags": ("sh-fallback", "sh-port"),
    }),
    ("-A -u 10.96.0.1:443 -s rr -o", {"protocol": Protocol.UDP, "one_packet": True}),
    ("-A --sctp-service 10.96.0.1:443 -s rr", {"protocol": Protocol.SCTP}),
    ("-A -t 10.96.0.1:443 -s rr -p 300 -M 255.255.255.0 pe sip", {
        "persistent": True, "timeout": (300,),
    }),
]  # fmt: skip


@pytest.mark.parametrize(("line", "more"), SAVED)
def test_ipvsadm(line: str, more: dict[str, Any]) -> None:
    kind, place = line.split()[1:3]
    real = f"-a {kind} {place} -r 10.244.1.3:8080 -m -w 1"
    expected = virtual("10.96.0.1", 443, servers=(A,), **({"scheduler_flags": ()} | more))
    assert parse_ipvs(f"{line}\n{real}\n") == VirtualServers(servers=(expected,))


def test_ipvsadm_of_ipv6_and_marks() -> None:
    text = (
        "-A -t [fd00:10:96::1]:443 -s rr\n"
        "-a -t [fd00:10:96::1]:443 -r [fd00:10:244::5]:6443 -g -w 0\n"
        "-A -f 7 -s rr\n-A -f 7 -6 -s rr\n-a -f 7 -6 -r [fd00:10:244::5]:0 -i -w 1 -x 10 -y 5\n"
    )
    first, v4, v6 = parse_ipvs(text).servers
    assert [s.name for s in (first, v4, v6)] == ["[fd00:10:96::1]:443", "fwmark:7", "fwmark:7"]
    assert [s.family for s in (first, v4, v6)] == [Family.IPV6, Family.IPV4, Family.IPV6]
    assert [len(s.servers) for s in (first, v4, v6)] == [1, 0, 1]
    assert first.servers[0].forwarding is Forwarding.ROUTE


UNCLEAR = [
    "ESP  0A600001:0000 rr",
    "TCP  0A600001:01BB",
    "TCP  0A600001:01BB rr newflag",
    "TCP  0A600001:01BB rr persistent",
    "TCP  XYZ:01BB rr",
    "what",
]


@pytest.mark.parametrize("line", UNCLEAR)
def test_a_line_that_is_not_understood_is_kept(line: str) -> None:
    found = file(f"{line}\n")
    assert found.servers == ()
    assert [one.raw for one in found.unclear] == [line]


@pytest.mark.parametrize(
    "line",
    [
        "  -> 0AF40103:1F90      Masq    1",  # broken off
        "  -> 0AF40103:1F90      Teleport    1      0          0",
        "  -> 0AF40103:1F90      Masq    -1      0          0",
        "  new words",
    ],
)
def test_what_stands_under_a_virtual_server_stays_there(line: str) -> None:
    (found,) = file(f"TCP  0A600001:01BB rr \n{line}\n").servers
    assert [one.raw for one in found.unclear] == [line]


@pytest.mark.parametrize(
    "line",
    [
        "-a -t 10.96.0.9:1 -r 10.244.1.3:8080 -m -w 1",  # of no virtual server
        "-A -t 10.96.0.1:443 -s rr",  # twice
        "-A -t 10.96.0.2:443",
        "-A -t 10.96.0.2:https -s rr",
        "-A -t 10.96.0.2:443 -s rr --new",
        "-a -t 10.96.0.1:443 -r 10.244.1.3:8080 -w 1",
    ],
)
def test_ipvsadms_lines_that_are_not_understood(line: str) -> None:
    found = parse_ipvs(f"-A -t 10.96.0.1:443 -s rr\n{line}\n")
    assert [one.raw for one in found.unclear] == [line]


def test_real_servers_of_a_line_that_is_not_understood_are_nobody_elses() -> None:
    real = "  -> 0AF40103:1F90      Masq    1      0          0"
    found = file(f"TCP  0A600001:01BB rr \nESP  0A600001:0000 rr\n{real}\n")
    assert [len(server.servers) for server in found.servers] == [0]
    assert len(found.unclear) == 2


def test_nothing() -> None:
    assert parse_ipvs("") == file("") == VirtualServers()


def test_another_text() -> None:
    with pytest.raises(ParseError, match="neither /proc/net/ip_vs nor ipvsadm"):
        parse_ipvs("*nat\nCOMMIT\n")


def key(found: VirtualServers) -> object:
    return {
        (s.protocol, s.address, s.scheduler, s.persistent): frozenset(s.servers)
        for s in found.servers
    }


@pytest.mark.parametrize("path", LISTED, ids=lambda path: path.parent.name)
def test_both_listings_of_a_node_say_the_same(path: Path) -> None:
    kernel = parse_ipvs(path.read_text())
    beside = path.with_name("ipvsadm-Sn.txt")
    saved = parse_ipvs(beside.read_text())
    assert kernel.unclear == saved.unclear == ()
    assert key(kernel) == key(saved)


@given(st.integers(0, 3000))
def test_a_listing_that_broke_off_makes_up_nothing(cut: int) -> None:
    whole = LISTED[0].read_text()
    full, part = parse_ipvs(whole), parse_ipvs(whole[: len(HEAD) + cut])
    known = {(s.address, s.protocol): {r.address for r in s.servers} for s in full.servers}
    for server in part.servers:
        assert {r.address for r in server.servers} <= known[server.address, server.protocol]


@given(st.text())
def test_foreign_text_is_kept_or_refused(text: str) -> None:
    found = file(text)
    held = len(found.unclear) + sum(1 + len(s.servers) + len(s.unclear) for s in found.servers)
    assert held <= len(text.split("\n"))
