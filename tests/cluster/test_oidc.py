"""What an issuer is asked and may answer; test_as_kubectl asks kubectl the same."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet.cluster import oidc
from kubectl_svcnet.cluster.config import Auth, Tls
from kubectl_svcnet.cluster.oidc import expiry_of, renewed
from kubectl_svcnet.errors import ClusterError
from kubectl_svcnet.model.capture import ApiRequest
from tests.cluster.issuer import id_token, issue

DISCOVERY, TOKEN = "/issuer/.well-known/openid-configuration", "/issuer/token"
SERVICES = ApiRequest(path="/api/v1/services")


def settings(api: Any, **more: str) -> dict[str, str]:
    named = {key.replace("_", "-"): value for key, value in more.items()}
    return {
        "idp-issuer-url": f"{api.url}/issuer",
        "client-id": "c",
        "id-token": id_token(1),
        "refresh-token": "r",
        **named,
    }


def test_expiry() -> None:
    assert expiry_of(id_token(5.5)) == 5.5
    assert expiry_of(id_token(None)) == 0
    listed = f"a.{base64.b64encode(b'[]').decode()}.c"
    for broken in ("x", "a.b", "a.b.c.d", "a.%.c", listed, id_token(10**400)):
        with pytest.raises(ClusterError, match="oidc: ") as caught:
            expiry_of(broken)
        assert broken not in str(caught.value)


def test_a_valid_token_is_used(api: Any) -> None:
    given = settings(api, id_token=id_token())
    assert renewed(given) is given
    assert not api.asked


def test_it_is_exchanged(api: Any) -> None:
    api.otherwise = issue
    found = renewed(settings(api, client_secret="s"))
    assert expiry_of(found["id-token"]) > time.time()
    assert found["refresh-token"] == "r"
    assert [asked.path for asked in api.asked] == [DISCOVERY, TOKEN]
    assert api.asked[1].body == b"grant_type=refresh_token&refresh_token=r"


REFUSED: dict[str, tuple[Any, Any, str]] = {
    "no issuer there": (lambda e: e.refuse(404, "x"), issue, "metadata endpoint: HTTP status 404"),
    "discovery is no JSON": (lambda e: e.text(b"<html>"), issue, "is no JSON object"),
    "discovery is a list": (lambda e: e.json([]), issue, "is no JSON object"),
    "no token endpoint": (lambda e: e.json({}), issue, "doesn't contain a token_endpoint"),
    "an endpoint that is none": (lambda e: e.json({"token_endpoint": "x"}), issue, "x"),
    "a redirect": (lambda e: e.text(b"", status=302, headers={"Location": "/x"}), issue, "302"),
    "a long answer": (lambda e: e.text(b"[" * (1 << 21)), issue, "is no JSON object"),
    "refused": (
        issue,
        lambda e: e.json({"error": "invalid_grant", "error_description": "gone"}, status=400),
        "failed to refresh token: HTTP status 400, invalid_grant, gone",
    ),
    "refused without words": (issue, lambda e: e.text(b"no", status=401), "HTTP status 401"),
    "no access token": (issue, lambda e: e.json({"id_token": "x"}), "missing access_token"),
    "no id-token": (issue, lambda e: e.json({"access_token": "x"}), "did not contain an id_token"),
    "it hangs": (lambda e: e.hang(), issue, "timed out|no answer within"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oidc, "_TIMEOUT", 0.5)
    discovery, token, words = REFUSED[name]
    api.routes = {DISCOVERY: discovery, TOKEN: token}
    with pytest.raises(ClusterError, match=words) as caught:
        renewed(settings(api, refresh_token="hunter2", client_secret="hunter3"))
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("idp-issuer-url", "https://[", r"GET https://\[/.*: Invalid IPv6 URL"),
        ("idp-issuer-url", "https://127.0.0.1:99999", "GET https://127.0.0.1:99999/.*: Port out"),
        ("idp-certificate-authority-data", "abc", "idp-certificate-authority-data: Incorrect pad"),
        ("idp-certificate-authority-data", "AAAA", "GET https://.*: certificates of the kube"),
    ],
)
def test_settings_that_cannot_be_used(name: str, value: str, words: str, api: Any) -> None:
    given = {**settings(api), "idp-issuer-url": "https://127.0.0.1:1", name: value}
    with pytest.raises(ClusterError, match=f"^getting credentials: oidc: {words}"):
        renewed(given)


def test_an_issuer_that_never_comes_to_an_end(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte is in time for a socket."""

    def trickle(exchange: Any) -> None:
        exchange.handler.send_response(200)
        exchange.handler.send_header("Content-Length", "1000")
        exchange.handler.end_headers()
        for _ in range(1000):
            exchange.handler.wfile.write(b" ")
            time.sleep(0.05)

    api.otherwise = trickle
    monkeypatch.setattr(oidc, "_TIMEOUT", 0.3)
    with pytest.raises(ClusterError, match=r"oidc: GET .*: (no answer within|timed out)"):
        renewed(settings(api))


def test_nothing_to_refresh_with(api: Any) -> None:
    with pytest.raises(ClusterError, match="cannot refresh without refresh-token"):
        renewed(settings(api, refresh_token=""))


@pytest.mark.tools("openssl")
def test_a_token_that_expires_in_mid_run(tls_api: Any, certificate: Path) -> None:
    """The issuer gives short ones, and another refresh token each time: the next one counts."""
    given: list[str] = []

    def token(exchange: Any) -> None:
        form = exchange.asked.body.decode()
        assert f"refresh_token=r{len(given) or ''}" in form, form
        given.append(id_token(time.time() + 0.5 if len(given) == 0 else 4102444800))
        answer = {"access_token": "a", "id_token": given[-1], "refresh_token": f"r{len(given)}"}
        exchange.json(answer)

    tls_api.otherwise = issue
    tls_api.routes = {TOKEN: token, SERVICES.path: lambda e: e.json({"items": []})}
    ca = {"idp-certificate-authority-data": base64.b64encode(certificate.read_bytes()).decode()}
    provider = {"name": "oidc", "config": {**settings(tls_api), **ca}}
    source = tls_api.source(
        config=tls_api.config(
            tls=Tls(ca_data=certificate.read_bytes()), auth=Auth(provider=provider)
        )
    )
    assert source.fetch(SERVICES)[0].ok
    time.sleep(0.6)
    assert source.fetch(SERVICES)[0].ok
    used = [a.header("Authorization")[0] for a in tls_api.asked if a.path == SERVICES.path]
    assert used == [f"Bearer {each}" for each in given]
    assert len(given) == 2
    assert len(source.warnings) == 1
    assert "`kubectl get --raw /version`, run first, saves it" in source.warnings[0]
