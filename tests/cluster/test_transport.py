"""Who asks, as whom, over which TLS and which proxy: the same for requests and execs."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet import __version__
from kubectl_svcnet.cluster.config import Auth, ClusterConfig, Impersonation, Tls
from kubectl_svcnet.cluster.transport import Transport, user_agent
from kubectl_svcnet.errors import ClusterError
from kubectl_svcnet.model.capture import (
    ApiRequest,
    ExecRequest,
    ForwardRequest,
    LogRequest,
    Reason,
    ReviewRequest,
)
from kubectl_svcnet.model.commands import Command
from tests.cluster.relays import Relay, http, socks, straight

POD = "/api/v1/namespaces/kube-system/pods/x"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
EXEC = ExecRequest(
    node="n1",
    namespace="kube-system",
    pod="x",
    container="c",
    commands=(Command("cat", ("/proc/1/status",)),),
)
REQUESTS = (
    ApiRequest(path="/api/v1/services"),
    ApiRequest(path="/version", many=False),
    LogRequest(namespace="kube-system", pod="x", container="c"),
    ReviewRequest(verb="get", resource="pods"),
    EXEC,
    replace(EXEC, shell=False),
    ForwardRequest(node="n1", namespace="kube-system", pod="x", port=10249, path="/proxyMode"),
)
AS = Impersonation(user="jane", uid="7", groups=("g1", "g2"), extra=(("k", "1"), ("k", "2")))


def well(exchange: Any) -> None:
    if exchange.asked.path.endswith(("/exec", "/portforward")):
        exchange.upgrade().exit(0)
    else:
        exchange.json({"items": []})


def routes(api: Any) -> None:
    for path in ("/api/v1/services", "/version", f"{POD}/log", f"{POD}/exec", REVIEWS):
        api.routes[path] = well
    api.routes[f"{POD}/portforward"] = well


def trusted(certificate: Path, **tls: Any) -> Tls:
    return Tls(ca_data=certificate.read_bytes(), **tls)


@pytest.mark.tools("openssl")
def test_every_request_says_who_and_as_whom(tls_api: Any, certificate: Path) -> None:
    routes(tls_api)
    config = tls_api.config(tls=trusted(certificate), auth=Auth(token="hunter2"), impersonation=AS)
    source = tls_api.source(config=config)
    for request in REQUESTS:
        captures = source.fetch(request)
        assert "hunter2" not in repr(captures)
    assert len(tls_api.asked) == len(REQUESTS)
    for asked in tls_api.asked:
        assert asked.header("User-Agent") == [user_agent()]
        assert asked.header("Authorization") == ["Bearer hunter2"]
        assert asked.header("Impersonate-User") == ["jane"]
        assert asked.header("Impersonate-Uid") == ["7"]
        assert asked.header("Impersonate-Group") == ["g1", "g2"]
        assert asked.header("Impersonate-Extra-k") == ["1", "2"]
        assert not asked.header("Origin")


def test_the_user_agent() -> None:
    assert user_agent().startswith(f"kubectl-svcnet/{__version__} (")


def ask_both(api: Any, config: ClusterConfig) -> list[Any]:
    routes(api)
    source = api.source(config=config)
    return [source.fetch(request)[0].failure for request in (REQUESTS[0], EXEC)]


@pytest.mark.tools("openssl")
class TestTls:
    def test_trusted(self, tls_api: Any, certificate: Path) -> None:
        web, shell = ask_both(tls_api, tls_api.config(tls=trusted(certificate)))
        assert web is None
        assert shell is not None
        assert "the script ended" in shell.message  # the exec itself went well

    def test_by_another_name(self, tls_api: Any, certificate: Path) -> None:
        config = tls_api.config(tls=trusted(certificate, server_name="api.test"))
        assert ask_both(tls_api, config)[0] is None
        wrong = tls_api.config(tls=trusted(certificate, server_name="other.test"))
        for failure in ask_both(tls_api, wrong):
            assert failure.reason is Reason.UNREACHABLE
            assert "certificate" in failure.message

    def test_untrusted(self, tls_api: Any) -> None:
        for failure in ask_both(tls_api, tls_api.config(auth=Auth(token="hunter2"))):
            assert failure.reason is Reason.UNREACHABLE
            assert "certificate not trusted: self" in failure.message
        assert not tls_api.asked

    def test_insecure(self, tls_api: Any) -> None:
        web, shell = ask_both(tls_api, tls_api.config(tls=Tls(verify=False)))
        assert web is None
        assert "the script ended" in shell.message

    def test_plain_http_where_tls_is_expected(self, api: Any) -> None:
        config = api.config(server=api.url.replace("http", "https"))
        for failure in ask_both(api, config):
            assert failure.reason is Reason.UNREACHABLE


class TinyProxy:
    """Answers CONNECT, and passes bytes on."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self.answer, self.heads = answer, list[bytes]()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://me:p%40ss@127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(1)
        self.heads.append(head)
        client.sendall(self.answer)
        if b" 200 " not in self.answer:
            client.close()
            return
        target = head.split()[1].decode().rpartition(":")
        server = socket.create_connection((target[0], int(target[2])))
        threading.Thread(target=self.copy, args=(client, server), daemon=True).start()
        self.copy(server, client)

    @staticmethod
    def copy(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        finally:
            sink.close()


@pytest.fixture
def proxy() -> Iterator[TinyProxy]:
    found = TinyProxy()
    yield found
    found.listener.close()


@pytest.mark.tools("openssl")
def test_requests_and_execs_go_through_the_proxy(
    tls_api: Any, certificate: Path, proxy: TinyProxy
) -> None:
    config = tls_api.config(tls=trusted(certificate), proxy=proxy.url)
    web, shell = ask_both(tls_api, config)
    assert web is None
    assert "the script ended" in shell.message
    assert len(proxy.heads) == 2
    for head in proxy.heads:
        assert head.startswith(b"CONNECT 127.0.0.1:")
        assert b"Proxy-Authorization: Basic bWU6cEBzcw==" in head


@pytest.mark.tools("openssl")
def test_a_proxy_that_refuses(tls_api: Any, certificate: Path) -> None:
    for answer in (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b""):
        proxy = TinyProxy(answer)
        config = tls_api.config(tls=trusted(certificate), proxy=proxy.url)
        for failure in ask_both(tls_api, config):
            assert failure.reason in (Reason.UNREACHABLE, Reason.BROKEN)
            assert "p@ss" not in failure.message
        proxy.listener.close()


def test_a_proxy_of_another_kind(api: Any) -> None:
    for failure in ask_both(api, api.config(proxy="ftp://x:1")):
        assert failure.reason in (Reason.UNREACHABLE, Reason.BROKEN)
        assert "ftp" in failure.message


@pytest.mark.tools("openssl")
@pytest.mark.parametrize("secure", [True, False])
def test_through_a_proxy_with_tls(
    api: Any, tls_api: Any, certificate: Path, secure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trusted as the server is; where that has no TLS, as the system trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    behind = tls_api if secure else api
    proxy = Relay(behind.port, http(), certificate=certificate)
    config = behind.config(
        server=f"{behind.scheme}://api.test:{behind.port}",
        tls=trusted(certificate) if secure else Tls(),
        proxy=f"https://me:p%40ss@127.0.0.1:{proxy.port}",
    )
    routes(behind)
    source = behind.source(config=config)
    requests = REQUESTS if secure else REQUESTS[4:]  # without TLS nobody asks for a tunnel
    for request in requests:
        source.fetch(request)
    proxy.close()
    assert len(behind.asked) == len(requests)
    assert set(proxy.asked) == {f"api.test:{behind.port} as me:p@ss"}


@pytest.mark.tools("openssl")
def test_a_large_answer_through_a_proxy_with_tls(tls_api: Any, certificate: Path) -> None:
    """Records of the one TLS do not end where those of the other do."""
    rows = b"".join(b"%d\n" % number for number in range(200_000))

    def answer(exchange: Any) -> None:
        wire = exchange.upgrade()
        for at in range(0, len(rows), 50_000):
            wire.message(b"\x01" + rows[at : at + 50_000])
        wire.exit(0)

    tls_api.routes[f"{POD}/exec"] = answer
    proxy = Relay(tls_api.port, http(), certificate=certificate)
    config = tls_api.config(tls=trusted(certificate), proxy=f"https://127.0.0.1:{proxy.port}")
    capture = tls_api.source(config=config).fetch(replace(EXEC, shell=False))[0]
    proxy.close()
    assert capture.data == rows


@pytest.mark.tools("openssl")
def test_a_proxy_with_tls_that_is_not_trusted(
    tls_api: Any, certificate: Path, client_certificate: Path
) -> None:
    proxy = Relay(tls_api.port, http(), certificate=client_certificate)
    config = tls_api.config(tls=trusted(certificate), proxy=f"https://127.0.0.1:{proxy.port}")
    for failure in ask_both(tls_api, config):
        assert failure.reason is Reason.UNREACHABLE
        assert "certificate not trusted" in failure.message
    silent = socket.create_server(("127.0.0.1", 0))
    config = replace(config, proxy=f"https://127.0.0.1:{silent.getsockname()[1]}")
    limited = tls_api.source(config=config, exec_timeout=0.3)
    assert limited.fetch(EXEC)[0].failure.reason is Reason.TIMEOUT
    silent.close()
    proxy.close()
    assert not tls_api.asked


@pytest.mark.tools("openssl")
@pytest.mark.parametrize("proxied", [False, True])
def test_an_ipv6_server(tls_api: Any, certificate: Path, proxied: bool) -> None:
    six = Relay(tls_api.port, straight, host="::1")
    proxy = Relay(six.port, http(), host="::1")
    proxy.to = tls_api.port
    config = tls_api.config(
        server=f"https://[::1]:{six.port}",
        tls=trusted(certificate),
        proxy=f"http://[::1]:{proxy.port}" if proxied else None,
    )
    web, shell = ask_both(tls_api, config)
    six.close()
    proxy.close()
    assert web is None
    assert "the script ended" in shell.message
    for asked in tls_api.asked:
        assert asked.header("Host") == [f"[::1]:{six.port}"]
    assert proxy.asked == [f"[::1]:{six.port}"] * 2 * proxied


@pytest.mark.tools("openssl")
def test_requests_and_execs_go_through_a_socks_proxy(tls_api: Any, certificate: Path) -> None:
    proxy = Relay(tls_api.port, socks(password=True))
    config = tls_api.config(
        server=f"https://api.test:{tls_api.port}",
        tls=trusted(certificate),
        proxy=f"socks5://me:p%40ss@127.0.0.1:{proxy.port}",
    )
    web, shell = ask_both(tls_api, config)
    proxy.close()
    assert web is None
    assert "the script ended" in shell.message
    assert proxy.asked == [f"api.test:{tls_api.port} as me:p@ss"] * 2


def test_the_environment_plays_no_part(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it asks for is in the ClusterConfig already."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert ask_both(api, api.config())[0] is None


@pytest.mark.parametrize("server", ["ftp://x", "https://", "nonsense"])
def test_addresses_that_are_none(server: str) -> None:
    with pytest.raises(ClusterError, match="invalid server address"):
        Transport(ClusterConfig(server=server))


def test_a_path_before_the_path(api: Any) -> None:
    """Rancher and others serve clusters below a path."""
    api.routes["/k8s/clusters/c-1/api/v1/services"] = well
    api.routes[f"/k8s/clusters/c-1{POD}/exec"] = well
    assert ask_both(api, api.config(server=f"{api.url}/k8s/clusters/c-1"))[0] is None
    assert [asked.path[:17] for asked in api.asked] == ["/k8s/clusters/c-1"] * 2


@pytest.fixture
def expiring(tls_api: Any, certificate: Path, tmp_path: Path) -> Any:
    """A source whose token is refused until its file has been read again."""
    token = tmp_path / "token"
    token.write_text("old")

    def route(exchange: Any) -> None:
        if exchange.asked.header("Authorization") == ["Bearer new"]:
            well(exchange)
        else:
            token.write_text("new")
            exchange.refuse(401, "Unauthorized")

    for path in ("/api/v1/services", f"{POD}/exec"):
        tls_api.routes[path] = route
    config = tls_api.config(tls=trusted(certificate), auth=Auth(token_file=str(token)))
    return tls_api.source(config=config)


@pytest.mark.tools("openssl")
def test_an_expired_token_is_read_again(tls_api: Any, expiring: Any) -> None:
    assert expiring.fetch(REQUESTS[0])[0].ok
    assert len(tls_api.asked) == 2


@pytest.mark.tools("openssl")
def test_an_exec_with_an_expired_token(tls_api: Any, expiring: Any) -> None:
    assert expiring.fetch(replace(EXEC, shell=False))[0].ok
    assert len(tls_api.asked) == 2


def test_credentials_are_not_renewed_for_ever() -> None:
    transport = Transport(ClusterConfig(server="https://x", auth=Auth(exec={"command": "x"})))
    used = transport.generation
    assert transport.renew(used)
    assert transport.renew(used)  # somebody else has renewed them already
    assert not transport.renew(transport.generation)
    fixed = Transport(ClusterConfig(server="https://x", auth=Auth(token="T")))
    assert not fixed.renew(fixed.generation)


def counting(folder: Path, **status: str) -> dict[str, Any]:
    """A plugin whose token counts how often it was run."""
    version = "client.authentication.k8s.io/v1"
    answer = {"apiVersion": version, "kind": "ExecCredential", "status": {"token": "@N", **status}}
    script = f"echo >>{folder}/runs; sed s/@N/$(wc -l <{folder}/runs)/ {folder}/answer"
    (folder / "answer").write_text(json.dumps(answer))
    told = {"command": "sh", "args": ["-c", script], "interactiveMode": "Never"}
    return {**told, "apiVersion": version}


@pytest.mark.tools("openssl")
def test_a_plugin_is_run_again_in_mid_run(tls_api: Any, certificate: Path, tmp_path: Path) -> None:
    """Its token is refused from the fifth request on: all that wait go on with the next one."""
    served = itertools.count()

    def route(exchange: Any) -> None:
        if exchange.asked.header("Authorization") == ["Bearer 1"] and next(served) >= 5:
            exchange.refuse(401, "Unauthorized")
        else:
            well(exchange)

    tls_api.otherwise = route
    config = tls_api.config(tls=trusted(certificate), auth=Auth(exec=counting(tmp_path)))
    source = tls_api.source(config=config, exec_timeout=20.0)
    requests = [REQUESTS[0], replace(EXEC, shell=False)] * 15
    with ThreadPoolExecutor(max_workers=8) as pool:
        captures = [capture for found in pool.map(source.fetch, requests) for capture in found]
    assert [capture.failure for capture in captures] == [None] * 30
    assert (tmp_path / "runs").read_text() == "\n\n"


@pytest.mark.tools("openssl")
@pytest.mark.parametrize(
    ("expiry", "runs"), [("2020-01-01T00:00:00Z", 2), ("2099-01-01T00:00:00.5+02:00", 1)]
)
def test_a_plugin_is_run_again_when_its_token_expires(
    tls_api: Any, certificate: Path, tmp_path: Path, expiry: str, runs: int
) -> None:
    """Before anybody refuses it, but not for each request where it has always expired."""
    routes(tls_api)
    plugin = counting(tmp_path, expirationTimestamp=expiry)
    config = tls_api.config(tls=trusted(certificate), auth=Auth(exec=plugin))
    source = tls_api.source(config=config)
    assert all(source.fetch(REQUESTS[0])[0].ok for _ in range(5))
    used = [asked.header("Authorization")[0] for asked in tls_api.asked]
    assert used[-1] == f"Bearer {runs}"
    assert len((tmp_path / "runs").read_text()) == runs
