"""The kernel's own word on which rules a packet met: what `nft monitor trace`, `xtables-monitor
--trace` and iptables-legacy's TRACE print, read where they read it.

A table of its own sets nftrace, which all three heed. nf_tables tells of native rules and of
iptables-nft's by handle (nft_trace_notify), legacy iptables of its rules by number
(trace_packet in ip_tables.c), to group 0 of nfnetlink_log. Both tell of a chain's end and of a
base chain's policy too. What one packet met has an order within each of the two, not between.
"""

from __future__ import annotations

import re
import select
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from kubectl_svcnet.model.nft import is_iptables
from tests.kernel import kernel_netlink as netlink
from tests.kernel.kernel_net import SOURCE_PORTS, Net
from tests.kernel.kernel_packets import Probe

_TRACE_GROUP, _TRACE = 9, netlink.NFTABLES << 8 | 17  # NFNLGRP_NFTRACE, NFT_MSG_TRACE
_TABLE, _CHAIN, _HANDLE, _TYPE, _VERDICT, _POLICY = 1, 2, 3, 4, 5, 1  # NFTA_TRACE_*
_CONTINUE = b"\xff" * 4  # NFT_CONTINUE
_LOGGED, _PREFIX = netlink.ULOG << 8, 10  # NFULNL_MSG_PACKET, NFULA_PREFIX
_FAMILIES = {0: "inet", 2: "ip", 10: "ip6", 1: "inet"}
_OWN = "svcnet-trace"
_ASK = f"""\
table inet {_OWN} {{
  chain pre {{
    type filter hook prerouting priority -400;
    th sport {SOURCE_PORTS.start}-{SOURCE_PORTS.stop - 1} meta nftrace set 1
  }}
  chain out {{
    type filter hook output priority -400;
    th sport {SOURCE_PORTS.start}-{SOURCE_PORTS.stop - 1} meta nftrace set 1
  }}
}}
"""


@dataclass(frozen=True)
class Met:
    """`what`: a rule by its number, the end of a chain, or a policy. `went_on`: nf_tables says
    that this rule left the packet to the next one."""

    chain: str
    what: int | str
    went_on: bool = False

    def __str__(self) -> str:
        return f"{self.chain}:{self.what}"


END, POLICY, RETURN = "end", "policy", "return"


class Tracer:
    """Of one node. Rules are loaded by others; `start` is asked after each time."""

    def __init__(self, net: Net) -> None:
        self._net = net
        for family in ("2", "10"):
            setting = f"net.netfilter.nf_log.{family}=nfnetlink_log"
            net.run("node", "sysctl", "-q", "-w", setting)
        with net.inside("node"):
            self._native = netlink.open_socket(_TRACE_GROUP)
            self._legacy = netlink.open_socket()
        _listen(self._legacy)
        self.told = 0  # by the kernel, so far
        self._numbers: dict[tuple[str, str, int], tuple[str, int]] = {}
        self._sizes: dict[str, int] = {}

    def close(self) -> None:
        self._native.close()
        self._legacy.close()

    def start(self, legacy: str) -> None:
        """Of what is loaded now; `legacy` is what its save tool shows."""
        tables = self._net.run("node", "nft", "list", "tables")
        if f"table inet {_OWN}" not in tables:
            self._net.run("node", "nft", "-f", "-", text=_ASK)
        self._numbers = dict(_numbered(self._net.run("node", "nft", "-a", "list", "ruleset")))
        self._sizes = {}
        table = ""
        for line in legacy.splitlines():
            table = line[1:] if line.startswith("*") else table
            if line.startswith("-A "):
                chain = f"legacy:{table}/{line.split()[1]}"
                self._sizes[chain] = self._sizes.get(chain, 0) + 1

    def met(self, probe: Probe) -> tuple[list[Met], list[Met]]:
        """What one such packet meets, of nf_tables and of legacy iptables."""
        for one in (self._native, self._legacy):
            _read(one)
        self._net.send([probe])
        native = [met for kind, body in _read(self._native) for met in self._of_native(kind, body)]
        legacy = [met for kind, body in _read(self._legacy) for met in self._of_legacy(kind, body)]
        self.told += len(native) + len(legacy)
        return native, legacy

    def _of_native(self, kind: int, body: bytes) -> Iterator[Met]:
        found = netlink.attributes(body[4:])
        if kind != _TRACE:
            return
        family = _FAMILIES[body[0]]
        table, chain = (found[key].rstrip(b"\0").decode() for key in (_TABLE, _CHAIN))
        if table == _OWN:
            return
        name = _named(family, table, chain)
        if struct.unpack("!I", found[_TYPE])[0] == _POLICY:
            yield Met(name, POLICY)
        elif _HANDLE in found:
            handle = struct.unpack("!Q", found[_HANDLE])[0]
            verdict = netlink.attributes(found[_VERDICT])[1]
            chain, number = self._numbers[family, f"{table}/{chain}", handle]
            yield Met(chain, number, verdict == _CONTINUE)
        else:
            yield Met(name, END)

    def _of_legacy(self, kind: int, body: bytes) -> Iterator[Met]:
        prefix = netlink.attributes(body[4:]).get(_PREFIX, b"").rstrip(b"\0").decode()
        words = re.match(r"TRACE: (\w+):(.+):(rule|return|policy):(\d+)", prefix)
        if kind != _LOGGED or words is None:
            return
        chain, number = f"legacy:{words[1]}/{words[2]}", int(words[4])
        if number <= self._sizes.get(chain, 0):
            yield Met(chain, number)
        else:
            yield Met(chain, POLICY if words[3] == "policy" else END)


def _listen(one: socket.socket) -> None:
    """NFULNL_CFG_CMD_BIND to group 0; whole packets, one at a time."""
    for family in (socket.AF_INET, socket.AF_INET6):
        netlink.request(one, netlink.ULOG, 1, family, 0, netlink.attribute(1, b"\3"))
    netlink.request(one, netlink.ULOG, 1, socket.AF_UNSPEC, 0, netlink.attribute(1, b"\1"))
    mode = netlink.attribute(2, struct.pack("!IBB", 0xFFFF, 2, 0))
    at_once = netlink.attribute(5, struct.pack("!I", 1))
    netlink.request(one, netlink.ULOG, 1, socket.AF_UNSPEC, 0, mode + at_once)


def _read(one: socket.socket) -> list[tuple[int, bytes]]:
    found = []
    while select.select([one], [], [], 0)[0]:
        found += list(netlink.messages(one.recv(1 << 16)))
    return found


def _named(family: str, table: str, chain: str) -> str:
    """As a fate names it."""
    return f"{table}/{chain}" if is_iptables(family, table) else f"{family} {table}/{chain}"


def _numbered(listing: str) -> Iterator[tuple[tuple[str, str, int], tuple[str, int]]]:
    """Handles of rules, and which of their chain they are."""
    family = table = chain = ""
    number = 0
    for line in listing.splitlines():
        words = line.split()
        if line.startswith("table "):
            family, table = words[1:3]
        elif line.startswith("\t") and line[1:2] != "\t":
            chain, number = words[1] if words[0] == "chain" else "", 0
        elif chain and words[:1] not in (["type"], ["comment"]):
            found = re.search(r" # handle (\d+)$", line)
            if found:
                number += 1
                key = (family, f"{table}/{chain}", int(found[1]))
                yield key, (_named(family, table, chain), number)
