"""Which cluster, as whom and by which way: plain frozen values without a secret in their repr."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

#: What the name of a header may hold beside letters and digits (RFC 7230); the rest is escaped as
#: client-go does it (`headerKeyEscape`).
_HEADER_SIGNS = "!#$&'*+-.^_`|~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """kubectl's flags; None is a flag that was not given."""

    kubeconfig: str | None = None
    context: str | None = None
    cluster: str | None = None
    user: str | None = None
    namespace: str | None = None
    server: str | None = None
    certificate_authority: str | None = None
    insecure: bool | None = None
    tls_server_name: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    disable_compression: bool | None = None
    as_user: str | None = None
    as_uid: str | None = None
    as_groups: tuple[str, ...] = ()
    as_user_extra: tuple[str, ...] = ()  # KEY=VALUE
    request_timeout: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Data wins over files, as in client-go."""

    verify: bool = True
    server_name: str | None = None
    ca_file: str | None = None
    ca_data: bytes | None = field(default=None, repr=False)
    cert_file: str | None = None
    cert_data: bytes | None = field(default=None, repr=False)
    key_file: str | None = None
    key_data: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """How to get credentials; none of it is ever printed."""

    token: str | None = field(default=None, repr=False)
    token_file: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    exec: Mapping[str, Any] | None = field(default=None, repr=False)
    provider: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Impersonation:
    user: str | None = None
    uid: str | None = None
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Several groups and several values of one extra are several headers."""
        pairs = [("Impersonate-User", self.user), ("Impersonate-Uid", self.uid)]
        found = [(name, value) for name, value in pairs if value]
        found += [("Impersonate-Group", group) for group in self.groups]
        extra = ((quote(key, safe=_HEADER_SIGNS), value) for key, value in self.extra)
        return (*found, *((f"Impersonate-Extra-{key}", value) for key, value in extra))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfig:
    """Everything needed to talk to one API server as one user."""

    server: str
    namespace: str = "default"
    context: str = ""
    tls: Tls = Tls()
    auth: Auth = Auth()
    impersonation: Impersonation = Impersonation()
    proxy: str | None = field(default=None, repr=False)  # may hold a password
    request_timeout: float | None = None
    compression: bool = True
    cluster_info: Mapping[str, Any] = field(default_factory=dict, repr=False)  # for exec plugins
