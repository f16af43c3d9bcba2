"""The client's side of SOCKS5 (RFC 1928), with a name and a password where asked (RFC 1929).

Names are resolved by the proxy, as Go does it for `socks5` and `socks5h` alike.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from urllib.parse import SplitResult, unquote

from ..model.capture import Reason
from .deadline import Deadline
from .faults import Fault, fault

_PLAIN, _PASSWORD = 0, 2
_REPLIES = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}
_SIZES = {1: 4, 4: 16}  # of an address, by its type; 3 is a name with its length before it


def connect(sock: socket.socket, proxy: SplitResult, host: str, port: int, by: Deadline) -> None:
    """Asks the proxy at the other end of `sock` for a connection. Raises Fault."""
    method = _PASSWORD if proxy.username else _PLAIN
    sock.sendall(bytes((5, 2, _PLAIN, method) if method else (5, 1, _PLAIN)))
    version, chosen = _exactly(sock, 2, by)
    if version != 5:
        raise _refused("it does not speak SOCKS5")
    if chosen == _PASSWORD and method == _PASSWORD:
        _identify(sock, proxy, by)
    elif chosen != _PLAIN:
        raise _refused("it wants another way to say who asks")
    sock.sendall(b"\x05\x01\x00" + _address(host) + struct.pack("!H", port))
    version, reply, _, kind = _exactly(sock, 4, by)
    if reply:
        raise _refused(_REPLIES.get(reply, f"code {reply}"))
    _exactly(sock, _SIZES[kind] if kind in _SIZES else _exactly(sock, 1, by)[0], by)
    _exactly(sock, 2, by)


def _identify(sock: socket.socket, proxy: SplitResult, by: Deadline) -> None:
    words = [unquote(word or "").encode()[:255] for word in (proxy.username, proxy.password)]
    sock.sendall(b"\x01" + b"".join(bytes((len(word),)) + word for word in words))
    if _exactly(sock, 2, by)[1]:
        raise _refused("wrong name or password")


def _address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("idna")[:255]
        return bytes((3, len(name))) + name
    return bytes((1 if address.version == 4 else 4,)) + address.packed


def _exactly(sock: socket.socket, size: int, by: Deadline) -> bytes:
    data = b""
    while len(data) < size:
        sock.settimeout(by.socket_timeout())
        more = sock.recv(size - len(data))
        if not more:
            raise _refused("it closed the connection")
        data += more
    return data


def _refused(why: str) -> Fault:
    return fault(Reason.UNREACHABLE, f"the SOCKS proxy refused to connect: {why}")
