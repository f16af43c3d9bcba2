"""A loopback API server that records what it is asked, and misbehaves as each test wants.

A test gives each path a function of an Exchange: it answers JSON, hangs, sends garbage, or turns
the connection into a WebSocket and writes raw frames.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from kubectl_svcnet.cluster.config import ClusterConfig
from kubectl_svcnet.cluster.limits import Limits
from kubectl_svcnet.cluster.live import LiveSource

SUCCESS = b'\x03{"metadata":{},"status":"Success"}'


@dataclass
class Asked:
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: list[tuple[str, str]]
    body: bytes = b""

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def commands(self) -> list[str]:
        return [value for key, value in self.query if key == "command"]


class Wire:
    """The server's side of an open WebSocket."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def raw(self, data: bytes) -> None:
        self.connection.sendall(data)

    def message(self, data: bytes, *, opcode: int = 2) -> None:
        self.raw(frame(data, opcode=opcode))

    def exit(self, code: int) -> None:
        if code == 0:
            self.message(SUCCESS)
        else:
            self.message(b"\x03" + json.dumps(exit_status(code)).encode())
        self.close()

    def close(self) -> None:
        self.message(struct.pack("!H", 1000), opcode=8)

    def receive(self) -> bytes:
        """One masked client message."""
        head = self._exactly(2)
        length = head[1] & 127
        if length == 126:
            (length,) = struct.unpack("!H", self._exactly(2))
        mask = self._exactly(4)
        return bytes(b ^ mask[i % 4] for i, b in enumerate(self._exactly(length)))

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.connection.recv(size - len(data))
            if not more:
                raise ConnectionError
            data += more
        return data


def frame(data: bytes, *, opcode: int = 2) -> bytes:
    size = len(data)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 127, size)
    return head + data


def exit_status(code: int) -> dict[str, Any]:
    return {
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


@dataclass
class Exchange:
    handler: BaseHTTPRequestHandler
    asked: Asked

    def json(self, body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.text(json.dumps(body).encode(), status=status, headers=headers)

    def text(
        self, data: bytes, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self.handler.send_response(status)
        for name, value in (headers or {}).items():
            self.handler.send_header(name, value)
        self.handler.send_header("Content-Length", str(len(data)))
        self.handler.end_headers()
        self.handler.wfile.write(data)

    def refuse(self, status: int, message: str, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.json({"kind": "Status", "message": message}, status=status, headers=named)

    def hang(self) -> None:
        """Until the client leaves."""
        self.handler.connection.settimeout(20)
        try:
            while self.handler.connection.recv(4096):
                pass
        except OSError:
            pass

    def upgrade(self, protocol: str | None = "") -> Wire:
        key = self.asked.header("Sec-WebSocket-Key")[0]
        digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
        offered = ",".join(self.asked.header("Sec-WebSocket-Protocol")).split(",")
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}",
        ]
        if protocol is not None:
            lines.append(f"Sec-WebSocket-Protocol: {protocol or offered[0].strip()}")
        self.handler.connection.sendall("\r\n".join([*lines, "", ""]).encode())
        self.handler.close_connection = True
        return Wire(self.handler.connection)


Route = Callable[[Exchange], None]


@dataclass
class Api:
    """The server; `routes` maps a path to what answers it."""

    server: ThreadingHTTPServer
    scheme: str = "http"
    routes: dict[str, Route] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    most_at_once: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def handle(self, handler: BaseHTTPRequestHandler, method: str) -> None:
        parts = urlsplit(handler.path)
        size = int(handler.headers.get("Content-Length") or 0)
        asked = Asked(
            method,
            parts.path,
            parse_qsl(parts.query, keep_blank_values=True),
            handler.headers.items(),
            handler.rfile.read(size) if size else b"",
        )
        with self._lock:
            self.asked.append(asked)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        exchange = Exchange(handler, asked)
        try:
            route = self.routes.get(parts.path)
            if route is None:
                exchange.refuse(404, "the server could not find the requested resource")
            else:
                route(exchange)
        except OSError:
            handler.close_connection = True
        finally:
            with self._lock:
                self._now -= 1

    def config(self, **changes: Any) -> ClusterConfig:
        return ClusterConfig(**{"server": self.url, "context": "loopback", **changes})

    def source(self, *, config: ClusterConfig | None = None, **limits: Any) -> LiveSource:
        return LiveSource(config or self.config(), Limits(**{"exec_timeout": 2.0, **limits}))


@pytest.fixture
def api() -> Iterator[Api]:
    yield from serve(None)


@pytest.fixture
def tls_api(certificate: Path) -> Iterator[Api]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    yield from serve(context)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key in one file, for 127.0.0.1 and the name api.test."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    key = path.with_name("key.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=loopback", "-keyout", key, "-out", path),
            *("-addext", "subjectAltName=IP:127.0.0.1,DNS:api.test"),
        ],
        check=True,
        capture_output=True,
    )
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return path


def serve(context: ssl.SSLContext | None) -> Iterator[Api]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            served.handle(self, "GET")

        def do_POST(self) -> None:
            served.handle(self, "POST")

        def log_message(self, format: str, *args: Any) -> None:
            return None

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, request: Any, client_address: Any) -> None:
            return None

        def finish_request(self, request: Any, client_address: Any) -> None:
            if context is None:
                super().finish_request(request, client_address)
                return
            # In the connection's own thread, for a handshake may hang.
            with context.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)

    server = Server(("127.0.0.1", 0), Handler)
    served = Api(server, "https" if context else "http")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join(2)
