"""What stands between a client and the API server: a port that passes bytes on, an HTTP proxy that
answers CONNECT, a SOCKS proxy. Each remembers what it was asked for."""

from __future__ import annotations

import base64
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

Greet = Callable[["Relay", socket.socket], bool]


class Relay:
    """Passes bytes on to `port` of the loopback, once `greet` has said that it may; with TLS if it
    has a certificate."""

    def __init__(
        self,
        port: int,
        greet: Greet,
        *,
        host: str = "127.0.0.1",
        certificate: Path | None = None,
    ) -> None:
        self.to, self.greet, self.asked = port, greet, list[str]()
        self.tls = None if certificate is None else ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if self.tls is not None:
            self.tls.load_cert_chain(str(certificate))
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family)
        self.port = int(self.listener.getsockname()[1])
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):  # closing alone wakes nobody who accepts
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _run(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            if self.tls is not None:
                client = self.tls.wrap_socket(client, server_side=True)
            with client:
                if self.greet(self, client):
                    with socket.create_connection(("127.0.0.1", self.to)) as server:
                        _exchange(client, server)


def _exchange(client: socket.socket, server: socket.socket) -> None:
    """In one thread, for TLS on a socket is not for two. Until either closes."""
    other = {client: server, server: client}
    while True:
        held = isinstance(client, ssl.SSLSocket) and client.pending()
        for source in [client] if held else select.select([client, server], [], [])[0]:
            data = source.recv(65536)
            if not data:
                return
            other[source].sendall(data)


def straight(relay: Relay, client: socket.socket) -> bool:
    return True


def http(answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> Greet:
    """Of CONNECT; what was asked is `HOST:PORT`, or `HOST:PORT as USER:PASSWORD`."""

    def greet(relay: Relay, client: socket.socket) -> bool:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(1) or b"\r\n\r\n"
        relay.asked.append(_connect_of(head.decode("latin-1")))
        client.sendall(answer)
        return b" 200 " in answer

    return greet


def _connect_of(head: str) -> str:
    first, *lines = head.splitlines()
    by = [line.split()[-1] for line in lines if line.lower().startswith("proxy-authorization:")]
    who = [f" as {base64.b64decode(word).decode()}" for word in by]
    return first.split()[1] + "".join(who)


def socks(*, password: bool = False, refuse: int = 0) -> Greet:
    """SOCKS5 (RFC 1928), with RFC 1929 where a password is wanted."""

    def greet(relay: Relay, client: socket.socket) -> bool:
        methods = _exactly(client, _exactly(client, 2)[1])
        wanted = 2 if password else 0
        who = ""
        if wanted not in methods:
            client.sendall(b"\x05\xff")
            return False
        client.sendall(bytes((5, wanted)))
        if password:
            user = _exactly(client, _exactly(client, 2)[1])
            who = f" as {(user + b':' + _exactly(client, _exactly(client, 1)[0])).decode()}"
            client.sendall(b"\x01\x00")
        relay.asked.append(_target_of(client) + who)
        client.sendall(bytes((5, refuse, 0, 1)) + bytes(6))
        return not refuse

    return greet


def _target_of(client: socket.socket) -> str:
    kind = _exactly(client, 4)[3]
    if kind == 3:
        host = _exactly(client, _exactly(client, 1)[0]).decode()
    elif kind == 1:
        host = socket.inet_ntop(socket.AF_INET, _exactly(client, 4))
    else:
        host = f"[{socket.inet_ntop(socket.AF_INET6, _exactly(client, 16))}]"
    return f"{host}:{struct.unpack('!H', _exactly(client, 2))[0]}"


def _exactly(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = client.recv(size - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data
