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
NOT_FOUND = "the server could not find the requested resource"


@dataclass
class Asked:
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: list[tuple[str, str]]
    body: bytes = b""
    server_name: str | None = None  # what TLS was asked for
    subject: str = ""  # of the client's certificate
    secure: bool = False

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
    """The server; `routes` maps a path to what answers it, `otherwise` answers the rest."""

    server: ThreadingHTTPServer
    scheme: str = "http"
    routes: dict[str, Route] = field(default_factory=dict)
    otherwise: Route = lambda exchange: exchange.refuse(404, NOT_FOUND)
    asked: list[Asked] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
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
            *_of_tls(handler.connection),
            isinstance(handler.connection, ssl.SSLSocket),
        )
        with self._lock:
            self.asked.append(asked)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        exchange = Exchange(handler, asked)
        try:
            self.routes.get(parts.path, self.otherwise)(exchange)
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


def _of_tls(connection: Any) -> tuple[str | None, str]:
    """The name that was asked for, and the subject of the client's certificate."""
    if not isinstance(connection, ssl.SSLSocket):
        return None, ""
    subject: Any = (connection.getpeercert() or {}).get("subject", ())
    words = [f"{key}={value}" for part in subject for key, value in part]
    return getattr(connection, "asked_for", None), ",".join(words)


@pytest.fixture
def tls_api(certificate: Path, client_certificate: Path) -> Iterator[Api]:
    """Takes the client's certificate, but needs none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.load_verify_locations(client_certificate)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.sni_callback = lambda sock, name, _: setattr(sock, "asked_for", name)
    yield from serve(context)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's, for 127.0.0.1, ::1 and the name api.test."""
    return _self_signed(
        tmp_path_factory.mktemp("tls"),
        "/CN=loopback",
        *("-addext", "subjectAltName=IP:127.0.0.1,IP:::1,DNS:api.test"),
    )


@pytest.fixture(scope="session")
def client_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _self_signed(tmp_path_factory.mktemp("client"), "/O=dev/CN=jane")


def _self_signed(folder: Path, subject: str, *more: str) -> Path:
    """Certificate and key in one file."""
    path, key = folder / "both.pem", folder / "key.pem"
    command = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-days", "2", "-subj", subject, "-keyout", str(key), "-out", str(path), *more),
    ]
    subprocess.run(
        command,
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
            try:
                with context.wrap_socket(request, server_side=True) as wrapped:
                    super().finish_request(wrapped, client_address)
            except OSError as error:
                served.faults.append(repr(error))

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
