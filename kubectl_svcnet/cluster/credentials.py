"""From a ClusterConfig to an Authorization header and a TLS context; secrets stay in memory.

A way that fails is an error that names it and its cause: going on unauthenticated would show
another cluster than kubectl shows.
Client keys reach OpenSSL through an anonymous file where the system has one, else through a file
of mode 0600 that is gone at once.
"""

from __future__ import annotations

import base64
import math
import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import ClusterError
from .config import ClusterConfig, Tls
from .oidc import expiry_of, renewed
from .plugin import expiry_of as expiry_of_plugin
from .plugin import run_plugin


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    authorization: str | None = field(default=None, repr=False)
    tls: Tls
    expires: float = math.inf  # seconds since the epoch
    #: The settings of OpenID Connect, with the tokens that are used now.
    oidc: Mapping[str, str] | None = field(default=None, repr=False)


def load_credentials(config: ClusterConfig) -> Credentials:
    """Runs the exec plugin, if there is one. Raises ClusterError."""
    auth, tls = config.auth, config.tls
    token = _token_of_file(auth.token_file, auth.token) if auth.token_file else auth.token
    if token is not None:
        return Credentials(authorization=_header(f"Bearer {token}"), tls=tls)
    if auth.username:
        pair = base64.b64encode(f"{auth.username}:{auth.password or ''}".encode()).decode()
        return Credentials(authorization=f"Basic {pair}", tls=tls)
    if auth.exec is not None:
        return _of_plugin(config, auth.exec)
    if auth.provider is not None:
        settings = renewed(auth.provider["config"])
        token = settings["id-token"]
        return Credentials(
            authorization=_header(f"Bearer {token}"),
            tls=tls,
            expires=expiry_of(token),
            oidc=settings,
        )
    return Credentials(tls=tls)


def _header(value: str) -> str:
    if not value.isascii() or any(ord(c) < 32 for c in value):
        raise ClusterError("getting credentials: the token holds characters no header may have")
    return value


def _token_of_file(path: str, otherwise: str | None) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            token = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        if otherwise:
            return otherwise
        cause = getattr(error, "strerror", None) or "not text"
        raise ClusterError(f"getting credentials: cannot read {path}: {cause}") from None
    if not token:
        raise ClusterError(f"getting credentials: {path} is empty")
    return token


def _of_plugin(config: ClusterConfig, plugin: Mapping[str, Any]) -> Credentials:
    status = run_plugin(config, plugin)
    tls, token = config.tls, str(status.get("token") or "")
    if cert := str(status.get("clientCertificateData") or ""):
        tls = replace(
            tls,
            cert_file=None,
            key_file=None,
            cert_data=cert.encode(),
            key_data=str(status["clientKeyData"]).encode(),
        )
    return Credentials(
        authorization=_header(f"Bearer {token}") if token else None,
        tls=tls,
        expires=expiry_of_plugin(status),
    )


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Raises ClusterError where a certificate or key cannot be read."""
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if tls.verify:
            _trust(context, tls)
        if not tls.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if tls.cert_data or tls.cert_file:
            _identify(context, tls)
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise ClusterError(f"certificates of the kubeconfig: {cause}") from error
    return context


def _trust(context: ssl.SSLContext, tls: Tls) -> None:
    # Cluster authorities made by old tools lack what strict X.509 asks for; Go does not ask.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    if tls.ca_data:
        context.load_verify_locations(cadata=tls.ca_data.decode("ascii"))
    elif tls.ca_file:
        context.load_verify_locations(cafile=tls.ca_file)
    else:
        context.load_default_certs()


def _identify(context: ssl.SSLContext, tls: Tls) -> None:
    def never() -> str:
        raise ValueError("the client key is encrypted, which kubectl does not support either")

    with (
        _as_file(tls.cert_data, tls.cert_file) as cert,
        _as_file(tls.key_data, tls.key_file) as key,
    ):
        context.load_cert_chain(cert, key or cert, password=never)


@contextmanager
def _as_file(data: bytes | None, path: str | None) -> Iterator[str]:
    """OpenSSL's Python binding reads files only."""
    if data is None:
        yield path or ""
    elif hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("svcnet")
        try:
            os.write(descriptor, data)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        with tempfile.TemporaryDirectory(prefix="svcnet-") as folder:  # mode 0700
            name = os.path.join(folder, "pem")
            with open(os.open(name, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
            yield name
