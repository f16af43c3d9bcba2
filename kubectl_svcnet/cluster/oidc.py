"""OpenID Connect as kubectl does it (client-go `plugin/pkg/client/auth/oidc/oidc.go`).

An id-token is used while it is valid, and exchanged by the refresh token then: the issuer says at
its well-known path where. Nothing is saved in the kubeconfig, as kubectl
would save it.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode

from ..errors import ClusterError
from .config import ClusterConfig, Tls
from .deadline import Deadline, Stop, run_bounded
from .faults import Fault, of_exception
from .proxy import proxy_for

_SKEW = 10.0  # seconds by which a token counts as expired before it is (golang.org/x/oauth2)
_TIMEOUT = 30.0  # of one answer
_LARGEST = 1 << 20

Settings = Mapping[str, str]


def renewed(settings: Settings) -> Settings:
    """The same where its id-token is valid, else with new tokens. Raises ClusterError."""
    token = settings.get("id-token")
    if token and time.time() + _SKEW < expiry_of(token):
        return settings
    refresh = settings.get("refresh-token")
    if not refresh:
        raise _failed("No valid id-token, and cannot refresh without refresh-token")
    answer = _exchange(settings, _token_endpoint(settings), refresh)
    token = answer.get("id_token")
    if not isinstance(token, str) or not token:
        raise _failed("token response did not contain an id_token")
    return {
        **settings,
        "id-token": token,
        "refresh-token": str(answer.get("refresh_token") or refresh),
    }


def _failed(why: str) -> ClusterError:
    return ClusterError(f"getting credentials: oidc: {why}")


def expiry_of(token: str) -> float:
    """Seconds since the epoch. Raises ClusterError for what is no id-token."""
    parts = token.split(".")
    if len(parts) != 3:
        raise _failed("ID Token is not a valid JWT")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return float(claims.get("exp") or 0)
    except (ValueError, OverflowError, TypeError, AttributeError, RecursionError):
        raise _failed("the claims of the id-token cannot be read") from None


def _token_endpoint(settings: Settings) -> str:
    where = settings["idp-issuer-url"].removesuffix("/") + "/.well-known/openid-configuration"
    status, body = _ask(settings, "GET", where)
    if status != 200:
        raise _failed(f"failed to query metadata endpoint: HTTP status {status}")
    found = _object(body).get("token_endpoint")
    if not isinstance(found, str) or not found:
        raise _failed("discovery object doesn't contain a token_endpoint")
    return found


def _exchange(settings: Settings, where: str, refresh: str) -> Mapping[str, Any]:
    """Who asks stands in the header or, for issuers that refuse this, in the form (RFC 6749 2.3.1;
    oauth2 tries both in this order)."""
    who, secret = settings["client-id"], settings.get("client-secret") or ""
    form = {"grant_type": "refresh_token", "refresh_token": refresh}
    pair = f"{quote_plus(who)}:{quote_plus(secret)}".encode()
    header = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    status, body = _ask(settings, "POST", where, form, header)
    if not 200 <= status < 300:
        named = {"client_id": who, **({"client_secret": secret} if secret else {})}
        status, body = _ask(settings, "POST", where, {**form, **named}, {})
    if not 200 <= status < 300:
        raise _failed(f"failed to refresh token: HTTP status {status}{_error_in(body)}")
    answer = _object(body)
    if not answer.get("access_token"):
        raise _failed("failed to refresh token: server response missing access_token")
    return answer


def _error_in(body: bytes) -> str:
    """RFC 6749 5.2: a code and a sentence, neither of them a secret."""
    try:
        answer = json.loads(body)
        said = [str(answer[key]) for key in ("error", "error_description") if key in answer]
    except (ValueError, TypeError, RecursionError):
        return ""
    return "".join(f", {word}" for word in said)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _failed("the issuer's answer is no JSON object")
    return found


def _ask(
    settings: Settings,
    method: str,
    where: str,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """By the same proxies as the API server, trusting the CA that is named for the issuer."""
    from urllib3 import Timeout
    from urllib3.exceptions import HTTPError

    from .transport import Transport  # which takes the credentials of a cluster from here

    tls = _tls(settings)
    kind = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
    doing = f"{method} {where}"

    def asked() -> tuple[int, bytes]:
        config = ClusterConfig(server=where, tls=tls, proxy=proxy_for(where, os.environ))
        response = (
            Transport(config)
            .pool()
            .request(
                method,
                where,
                headers={**kind, **(headers or {})},
                body=urlencode(form) if form else None,
                timeout=Timeout(total=_TIMEOUT),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        )
        body = response.read(_LARGEST)
        response.release_conn()
        return response.status, body

    try:
        return run_bounded(asked, Deadline(_TIMEOUT), Stop(), doing)
    except (HTTPError, OSError, Fault) as error:
        raise _failed(of_exception(error, doing).message) from None
    except (ClusterError, ValueError) as error:  # of the certificates; of the URL
        raise _failed(f"{doing}: {error}") from None


def _tls(settings: Settings) -> Tls:
    data = settings.get("idp-certificate-authority-data")
    try:
        ca_data = base64.b64decode(data) if data else None
    except ValueError as error:
        raise _failed(f"idp-certificate-authority-data: {error}") from None
    return Tls(ca_file=settings.get("idp-certificate-authority") or None, ca_data=ca_data)
