"""What client-go refuses in a kubeconfig, before anybody is asked.

`check_file` is about one file (apimachinery's decoder: kinds and types), `check_cluster` and
`check_user` about what was chosen, flags laid over (client-go `tools/clientcmd/validation.go`,
`getUserIdentificationPartialConfig`). The sentences are kubectl's where it has one; no value of a
user's is quoted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..errors import ClusterError

_TEXT, _SWITCH, _LIST, _MAP = str, bool, list, dict
_WORDS = {_TEXT: "a string", _SWITCH: "true or false", _LIST: "a list", _MAP: "a mapping"}
_FILE: Mapping[str, type] = {
    "apiVersion": _TEXT,
    "kind": _TEXT,
    "current-context": _TEXT,
    "clusters": _LIST,
    "users": _LIST,
    "contexts": _LIST,
}
_BODIES: Mapping[tuple[str, str], Mapping[str, type]] = {
    ("clusters", "cluster"): {
        "server": _TEXT,
        "tls-server-name": _TEXT,
        "insecure-skip-tls-verify": _SWITCH,
        "certificate-authority": _TEXT,
        "certificate-authority-data": _TEXT,
        "proxy-url": _TEXT,
        "disable-compression": _SWITCH,
        "extensions": _LIST,
    },
    ("users", "user"): {
        **dict.fromkeys(
            (
                *("client-certificate", "client-certificate-data", "client-key"),
                *("client-key-data", "token", "tokenFile", "username", "password", "as", "as-uid"),
            ),
            _TEXT,
        ),
        "as-groups": _LIST,
        "as-user-extra": _MAP,
        "auth-provider": _MAP,
        "exec": _MAP,
    },
    ("contexts", "context"): {"cluster": _TEXT, "user": _TEXT, "namespace": _TEXT},
}
_MODES = ("Never", "IfAvailable", "Always")
_PROXIES = ("http", "https", "socks5")


def check_file(config: Mapping[str, Any]) -> None:
    """Raises ClusterError where a key holds another type than kubectl's, or it is another kind."""
    _check_types(config, _FILE, "")
    kind, version = config.get("kind") or "Config", config.get("apiVersion") or "v1"
    if (kind, version) != ("Config", "v1"):
        raise ClusterError(f'no kind "{kind}" is registered for version "{version}"')
    for (many, one), types in _BODIES.items():
        for entry in config.get(many) or ():
            _check_type(entry, _MAP, f"an entry of {many}")
            _check_type(entry.get(one), _MAP, f"{one} of an entry of {many}")
            _check_types(entry.get(one) or {}, types, f"{one}.")


def _check_types(holder: Mapping[str, Any], types: Mapping[str, type], where: str) -> None:
    for key, kind in types.items():
        _check_type(holder.get(key), kind, where + key)


def _check_type(value: Any, kind: type, where: str) -> None:
    if value is not None and not isinstance(value, kind):
        raise ClusterError(f"invalid kubeconfig: {where} must be {_WORDS[kind]}")


def check_cluster(name: str, cluster: Mapping[str, Any]) -> None:
    proxy = str(cluster.get("proxy-url") or "")
    if proxy and not (urlsplit(proxy).scheme in _PROXIES and urlsplit(proxy).netloc):
        # The address may hold a password.
        raise _invalid(f'"proxy-url" of cluster "{name}" must be http, https, or socks5')
    if cluster.get("certificate-authority") and cluster.get("certificate-authority-data"):
        raise _invalid(
            "certificate-authority-data and certificate-authority are both specified for"
            f" {name or 'the cluster'}"
        )


def check_user(name: str, user: Mapping[str, Any]) -> None:
    who = name or "the user"
    if user.get("client-certificate") or user.get("client-certificate-data"):
        for short, word in (("cert", "client-certificate"), ("key", "client-key")):
            if user.get(word) and user.get(f"{word}-data"):
                raise _invalid(
                    f"client-{short}-data and client-{short} are both specified for {who}"
                )
        if not (user.get("client-key") or user.get("client-key-data")):
            raise _invalid(
                f"client-key-data or client-key must be specified for {who} to use the clientCert"
                " authentication method"
            )
    if user.get("exec"):
        _check_plugin(who, user)
    if user.get("auth-provider"):
        _check_provider(user["auth-provider"])
    if user.get("token") and (user.get("username") or user.get("password")):
        raise _invalid(
            f"more than one authentication method found for {who}; found [token basicAuth],"
            " only one is allowed"
        )


def _check_plugin(who: str, user: Mapping[str, Any]) -> None:
    plugin = user["exec"]
    if user.get("auth-provider"):
        raise _invalid(
            f"authProvider cannot be provided in combination with an exec plugin for {who}"
        )
    for key in ("command", "apiVersion"):
        if not plugin.get(key):
            raise _invalid(f"{key} must be specified for {who} to use exec authentication plugin")
    if not all(isinstance(pair, Mapping) and pair.get("name") for pair in plugin.get("env") or ()):
        raise _invalid(
            f"env variable name must be specified for {who} to use exec authentication plugin"
        )
    mode = interactive_mode(plugin)
    if not mode:
        raise _invalid(
            f"interactiveMode must be specified for {who} to use exec authentication plugin"
        )
    if mode not in _MODES:
        raise _invalid(f'invalid interactiveMode for {who}: "{mode}"')


def _check_provider(provider: Mapping[str, Any]) -> None:
    """kubectl has lost all the others (client-go `plugin/pkg/client/auth`)."""
    name, config = provider.get("name"), provider.get("config")
    if name != "oidc":
        raise _invalid(f'no Auth Provider found for name "{name}"')
    config = config if isinstance(config, Mapping) else {}
    for key in ("idp-issuer-url", "client-id"):
        if not config.get(key):
            raise _invalid(f"Must provide {key}")
    _check_types(config, dict.fromkeys(config, _TEXT), "auth-provider.config.")


def interactive_mode(plugin: Mapping[str, Any]) -> str:
    """Before v1 it could be left out."""
    before = str(plugin.get("apiVersion")).endswith("/v1beta1")
    return str(plugin.get("interactiveMode") or ("IfAvailable" if before else ""))


_IDENTITIES = (
    *("token", "tokenFile", "username", "client-certificate", "client-certificate-data"),
    *("exec", "auth-provider"),
)


def check_identity(name: str, user: Mapping[str, Any]) -> None:
    """Nobody in particular is no user: kubectl asks for a name and a password then."""
    if not any(user.get(key) for key in _IDENTITIES):
        raise ClusterError(
            f'user "{name}" has no credentials' if name else "no user: no context names one",
            next="kubectl config view --minify",
        )


def _invalid(message: str) -> ClusterError:
    return ClusterError(f"invalid kubeconfig: {message}")
