"""The little of nfnetlink that the kernel tests speak (linux/netfilter/nfnetlink.h)."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator

ULOG, ACCT, NFTABLES = 4, 7, 10  # NFNL_SUBSYS_*
_NETLINK_NETFILTER, _SOL_NETLINK, _ADD_MEMBERSHIP = 12, 270, 1
_REQUEST, _ACK, _CREATE, _ERROR = 0x1, 0x4, 0x400, 2
_NAME = 1  # NFACCT_NAME


def open_socket(group: int = 0) -> socket.socket:
    """Of this thread's namespace; `group` is told of without asking."""
    one = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
    one.bind((0, 0))
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    if group:
        one.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)
    return one


def attribute(kind: int, data: bytes) -> bytes:
    whole = struct.pack("HH", 4 + len(data), kind) + data
    return whole.ljust(len(whole) + 3 & ~3, b"\0")


def attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    while len(data) >= 4:
        size, kind = struct.unpack("HH", data[:4])
        found[kind & 0x3FFF] = data[4:size]
        data = data[size + 3 & ~3 :]
    return found


def request(
    one: socket.socket, subsystem: int, kind: int, family: int, resource: int, data: bytes
) -> None:
    """Asks, and waits for the kernel's yes."""
    body = struct.pack("!BBH", family, 0, resource) + data
    flags = _REQUEST | _ACK | _CREATE
    one.send(struct.pack("IHHII", 16 + len(body), subsystem << 8 | kind, flags, 1, 0) + body)
    for what, answer in messages(one.recv(1 << 16)):
        code = struct.unpack("i", answer[:4])[0] if what == _ERROR else 0
        if code:
            raise OSError(-code, os.strerror(-code))


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each message of a datagram."""
    while len(data) >= 16:
        size, kind = struct.unpack("IH", data[:6])
        yield kind, data[16:size]
        data = data[size + 3 & ~3 :]


def add_account(name: str) -> None:
    with open_socket() as one:
        request(one, ACCT, 0, 0, 0, attribute(_NAME, name.encode() + b"\0"))
