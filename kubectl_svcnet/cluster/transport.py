"""How bytes reach the API server: one TLS context, one set of headers, for requests and execs.

Requests go through a pool of urllib3's, without retries; execs get sockets of their own, because a
WebSocket needs a deadline for connecting, for TLS and for a proxy's CONNECT too. Redirects are
never followed: they would carry the credentials elsewhere. A proxy with TLS is trusted, and told
who asks, as the API server is: Go's transport has one TLS configuration for both.
"""

from __future__ import annotations

import base64
import platform
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from .. import __version__
from ..errors import ClusterError
from ..model.capture import Reason
from . import socks
from .config import ClusterConfig
from .credentials import Credentials, load_credentials, tls_context
from .deadline import Deadline
from .faults import fault

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "AMD64": "amd64"}
_RENEWAL = 30.0  # seconds
_SOCKS = ("socks5", "socks5h")
_PROXY_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_SAFE = "/:@!$'()*,~-._?"  # what both Go and proxies take as it is in a query


def user_agent() -> str:
    machine = _MACHINES.get(platform.machine(), platform.machine() or "unknown")
    return f"kubectl-svcnet/{__version__} ({platform.system().lower() or 'unknown'}/{machine})"


@dataclass(frozen=True, slots=True)
class _Address:
    host: str
    port: int
    secure: bool


@lru_cache(maxsize=256)
def _quoted(word: str) -> str:
    """Every exec carries the same script and nearly the same words."""
    return quote(word, safe=_SAFE)


class Transport:
    """May be used from many threads. Credentials are got at the first use, once."""

    def __init__(
        self,
        config: ClusterConfig,
        *,
        connections: int = 16,
        warn: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._config, self._warn = config, warn
        self._connections = connections
        self._lock = threading.Lock()
        self._credentials: Credentials | None = None
        self._generation = 0
        self._renew_after = 0.0
        self._pool: Any = None
        self._context: ssl.SSLContext | None = None
        parts = urlsplit(config.server)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ClusterError(f"invalid server address: {config.server!r}")
        secure = parts.scheme == "https"
        self._proxy = urlsplit(config.proxy) if config.proxy else None
        self._address = _Address(parts.hostname, parts.port or (443 if secure else 80), secure)

    def url(
        self, path: str, query: Sequence[tuple[str, str]] = (), *, websocket: bool = False
    ) -> str:
        base = self._config.server
        if websocket:
            base = "ws" + base.removeprefix("http")
        pairs = "&".join(f"{_quoted(k)}={_quoted(v)}" for k, v in query)
        return f"{base}{path}" + (f"?{pairs}" if pairs else "")

    def headers(self) -> list[tuple[str, str]]:
        """On every request and exec: who asks, as whom."""
        found = [("User-Agent", user_agent())]
        authorization = self._ready().authorization
        if authorization:
            found.append(("Authorization", authorization))
        return [*found, *self._config.impersonation.headers()]

    def sign(self, headers: Any) -> None:
        """Adds them to those of one request, which go out as UTF-8, as Go's do. The Host too: in
        a proxy's tunnel http.client puts IPv6 into brackets twice."""
        headers.add("Host", urlsplit(self._config.server).netloc.rpartition("@")[2])
        for name, value in self.headers():
            headers.add(name, value.encode().decode("latin-1"))

    def _ready(self) -> Credentials:
        with self._lock:
            if self._credentials is not None and self._credentials.expires <= time.time():
                self._forget()
            if self._credentials is None:
                self._credentials = load_credentials(self._config)
                self._keep(self._credentials.oidc)
                if self._address.secure or (self._proxy and self._proxy.scheme == "https"):
                    self._context = tls_context(self._credentials.tls)
            return self._credentials

    def _keep(self, settings: Mapping[str, str] | None) -> None:
        """The tokens by which to go on; kubectl writes them to the kubeconfig."""
        auth = self._config.auth
        if settings is None or auth.provider is None or settings == auth.provider["config"]:
            return
        if settings.get("refresh-token") != auth.provider["config"].get("refresh-token"):
            self._warn(
                "the issuer has replaced the refresh token of the kubeconfig, which is only read"
                " here: if kubectl is refused from now on, log in again; `kubectl get --raw"
                " /version`, run first, saves it"
            )
        provider = {**auth.provider, "config": settings}
        self._config = replace(self._config, auth=replace(auth, provider=provider))

    @property
    def compression(self) -> bool:
        return self._config.compression

    @property
    def generation(self) -> int:
        """Counts the credentials; to be read before they are used, and given to `renew`."""
        return self._generation

    def renew(self, used: int) -> bool:
        """After a 401: whether it is worth asking again, with other credentials than those used.

        A plugin is run again at most every half minute: one that gives bad tokens may be slow."""
        auth = self._config.auth
        if auth.exec is None and auth.token_file is None and auth.provider is None:
            return False
        with self._lock:
            if used != self._generation:
                return True
            return self._forget()

    def _forget(self) -> bool:
        """So that they are got anew, unless this was done a moment ago."""
        if time.monotonic() < self._renew_after:
            return False
        self._renew_after = time.monotonic() + _RENEWAL
        self._generation += 1
        self._credentials = self._pool = None
        return True

    def pool(self) -> Any:
        self._ready()
        with self._lock:
            if self._pool is None:
                self._pool = self._new_pool()
            return self._pool

    def _new_pool(self) -> Any:
        import urllib3

        keywords: dict[str, Any] = {"maxsize": self._connections}
        if self._context is not None:
            keywords["ssl_context"] = self._context
            if self._config.tls.server_name:
                keywords["server_hostname"] = self._config.tls.server_name
            if not self._config.tls.verify:
                keywords["cert_reqs"] = "CERT_NONE"
                # The user asked for it, as of kubectl, which does not say so each time either.
                urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        proxy = self._proxy
        if proxy is None:
            return urllib3.PoolManager(**keywords)
        if proxy.scheme in _SOCKS:
            return self._socks_manager(keywords, proxy)
        if proxy.scheme == "https" and self._credentials is not None:
            # A context of its own: urllib3 changes one that is to expect another name.
            keywords["proxy_ssl_context"] = tls_context(self._credentials.tls)
            keywords["proxy_assert_hostname"] = self._config.tls.server_name
        headers = _proxy_authorization(proxy)
        return urllib3.ProxyManager(proxy.geturl(), proxy_headers=headers, **keywords)

    def _socks_manager(self, keywords: dict[str, Any], proxy: SplitResult) -> Any:
        """urllib3's own needs another package, and connects nothing for execs."""
        import urllib3

        manager = urllib3.PoolManager(**keywords)
        manager.pool_classes_by_scheme = {
            scheme: self._by_socks(pool, proxy)
            for scheme, pool in manager.pool_classes_by_scheme.items()
        }
        return manager

    def _by_socks(self, pool: Any, proxy: SplitResult) -> Any:
        connect = self._connect_by_proxy

        class Connection(pool.ConnectionCls):  # type: ignore[misc]
            def _new_conn(self) -> socket.socket:
                return connect(proxy, Deadline(self.timeout))

        return type(f"Socks{pool.__name__}", (pool,), {"ConnectionCls": Connection})

    def open_socket(self, deadline: Deadline) -> socket.socket:
        """Connected, through the proxy if there is one, with TLS done."""
        self._ready()
        if self._proxy is None:
            sock = _connect(self._address.host, self._address.port, deadline)
        else:
            sock = self._connect_by_proxy(self._proxy, deadline)
        return self._secured(sock, self._address.host, deadline) if self._address.secure else sock

    def _connect_by_proxy(self, proxy: SplitResult, deadline: Deadline) -> socket.socket:
        if proxy.scheme not in _PROXY_PORTS:
            raise fault(Reason.UNREACHABLE, f"{proxy.scheme} proxies are not supported")
        host, to = proxy.hostname or "", self._address
        sock = _connect(host, proxy.port or _PROXY_PORTS[proxy.scheme], deadline)
        if proxy.scheme == "https":
            sock = self._secured(sock, host, deadline)
        try:
            if proxy.scheme in _SOCKS:
                socks.connect(sock, proxy, to.host, to.port, deadline)
            else:
                _ask_proxy(sock, proxy, to, deadline)
        except BaseException:
            sock.close()
            raise
        return sock

    def _secured(self, sock: socket.socket, host: str, deadline: Deadline) -> Any:
        """With TLS; within a proxy's own TLS by urllib3's, for Python's knows a system's socket
        only. What comes is used as a socket."""
        assert self._context is not None
        try:
            sock.settimeout(deadline.socket_timeout())
            name = self._config.tls.server_name or host
            if not isinstance(sock, ssl.SSLSocket):
                return self._context.wrap_socket(sock, server_hostname=name)
            from urllib3.util.ssltransport import SSLTransport

            return SSLTransport(sock, self._context, server_hostname=name)
        except BaseException:
            sock.close()
            raise


def _proxy_authorization(proxy: SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    sock = socket.create_connection((host, port), timeout=deadline.socket_timeout())
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _ask_proxy(sock: socket.socket, proxy: SplitResult, to: _Address, deadline: Deadline) -> None:
    host = f"[{to.host}]" if ":" in to.host else to.host
    lines = [f"CONNECT {host}:{to.port} HTTP/1.1", f"Host: {host}:{to.port}"]
    lines += [f"{name}: {value}" for name, value in _proxy_authorization(proxy).items()]
    sock.sendall("\r\n".join([*lines, "", ""]).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):  # one byte at a time: what follows is TLS
        sock.settimeout(deadline.socket_timeout())
        byte = sock.recv(1)
        if not byte or len(head) > 65536:
            raise fault(Reason.UNREACHABLE, "the proxy closed the connection")
        head += byte
    words = head.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(words) < 2 or words[1] != b"200":
        said = b" ".join(words[1:]).decode("latin-1")
        raise fault(Reason.UNREACHABLE, f"the proxy refused to connect: {said}")
