"""Tracked connections and their statistics, from /proc/net.

nf_conntrack (net/netfilter/nf_conntrack_standalone.c, ct_seq_show; only where the kernel has
CONFIG_NF_CONNTRACK_PROCFS): one connection a line, the tuple of its first packet, then that of
answers. stat/nf_conntrack: a head and a line of hexadecimal numbers per processor.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

from ..errors import ParseError
from ..model.address import Protocol, SocketAddress
from ..model.conntrack import Connection
from ._text import split_lines

_TUPLE = r"src=(\S+) dst=(\S+) sport=(\d{1,5}) dport=(\d{1,5})"
_LINE = re.compile(rf"(?:\d+:)?ipv[46] +\d+ (tcp|udp) .*?{_TUPLE} .*?{_TUPLE} ")
#: Of the table as a whole, the same in each line.
_SHARED = "entries"


def parse_connections(text: str) -> tuple[Connection, ...]:
    """TCP and UDP, numbered by `grep -n` or not; lines of other protocols are left out."""
    found = []
    for line in split_lines(text):
        match = _LINE.match(line)
        if match is None:
            continue
        protocol, source, dialled, port, dialled_port, answering, _, answering_port, _ = (
            match.groups()
        )
        try:
            found.append(
                Connection(
                    Protocol(protocol.upper()),
                    SocketAddress(ip_address(source), int(port)),
                    SocketAddress(ip_address(dialled), int(dialled_port)),
                    SocketAddress(ip_address(answering), int(answering_port)),
                )
            )
        except ValueError as error:
            raise ParseError(f"a connection with a strange address: {error}", text=line) from error
    return tuple(found)


def parse_counts(text: str) -> dict[str, int]:
    """Sums over the processors, by the names of the head. Raises ParseError where they differ."""
    head, *lines = [line.split() for line in split_lines(text) if line.strip()] or [[]]
    sums = dict.fromkeys(head, 0)
    for line in lines:
        if len(line) != len(head):
            raise ParseError("statistics with other columns than their head", text=" ".join(line))
        try:
            values = [int(word, 16) for word in line]
        except ValueError as error:
            raise ParseError("no hexadecimal number", text=" ".join(line)) from error
        for name, value in zip(head, values, strict=True):
            sums[name] = value if name == _SHARED else sums[name] + value
    return sums
