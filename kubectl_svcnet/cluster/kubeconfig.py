"""Which cluster, as kubectl would choose it: kubeconfig files merged, then flags laid over.

`merge` and `resolve` are functions on plain dictionaries, after client-go's `tools/clientcmd`
(`loader.go`, `client_config.go`, `overrides.go`); `load_config` reads the files. Kubeconfigs are
looked for where kubectl looks, never in the working directory.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ClusterError, UsageError, did_you_mean
from .config import Auth, ClusterConfig, Impersonation, Overrides, Tls
from .proxy import proxy_for
from .validity import check_cluster, check_file, check_identity, check_user

Config = Mapping[str, Any]

__all__ = [
    "ClusterConfig",
    "Overrides",
    "load_config",
    "merge",
    "names_of",
    "parse_timeout",
    "resolve",
]

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def merge(configs: Sequence[Config]) -> dict[str, Any]:
    """Files as one: the first to set a value or a map key wins, whole (client-go `Load`)."""
    merged: dict[str, Any] = {"clusters": {}, "contexts": {}, "users": {}, "current-context": ""}
    for config in configs:
        merged["current-context"] = merged["current-context"] or config.get("current-context") or ""
        for kind, body in (("clusters", "cluster"), ("contexts", "context"), ("users", "user")):
            for name, value in _named(config.get(kind), body):
                merged[kind].setdefault(name, value)
    return merged


def _named(entries: Any, body: str) -> list[tuple[str, Mapping[str, Any]]]:
    """`[{name, <body>}]` as pairs. The same name twice in one file is an error to kubectl too."""
    found: dict[str, Mapping[str, Any]] = {}
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping) and isinstance(entry.get("name"), str):
            value = entry.get(body)
            if entry["name"] in found:
                raise ClusterError(f'invalid kubeconfig: duplicate name "{entry["name"]}" in list')
            found[entry["name"]] = value if isinstance(value, Mapping) else {}
    return list(found.items())


def with_absolute_paths(config: Config, directory: str) -> dict[str, Any]:
    """Relative file names are relative to the file that holds them."""

    def absolute(value: Any) -> Any:
        if not isinstance(value, str) or not value:
            return value
        return os.path.normpath(os.path.join(directory, value))

    result = dict(config)
    for kind, body, keys in (
        ("clusters", "cluster", ("certificate-authority",)),
        ("users", "user", ("client-certificate", "client-key", "tokenFile")),
    ):
        entries = []
        for name, value in _named(config.get(kind), body):
            changed = {k: absolute(v) if k in keys else v for k, v in value.items()}
            plugin = changed.get("exec")
            if isinstance(plugin, Mapping) and "/" in str(plugin.get("command") or ""):
                changed["exec"] = {**plugin, "command": absolute(plugin["command"])}
            entries.append({"name": name, body: changed})
        result[kind] = entries
    return result


def resolve(
    configs: Sequence[Config],
    overrides: Overrides,
    *,
    environment: Mapping[str, str],
    in_cluster_namespace: str = "",
) -> ClusterConfig:
    """One cluster, user and namespace out of all. Raises ClusterError in kubectl's words."""
    merged = merge(configs)
    name = overrides.context or merged["current-context"]
    context = _context(merged, overrides, name)
    cluster = _entry(merged, "clusters", overrides.cluster or context.get("cluster"), "cluster")
    user = _entry(merged, "users", overrides.user or context.get("user"), "auth info")
    server = overrides.server or str(cluster.get("server") or "")
    if not server:
        raise ClusterError(
            "no cluster: no kubeconfig sets one, and this is not inside a cluster",
            next="kubectl config get-contexts",
        )
    server = _base(server if "://" in server else f"http://{server}")
    proxy = str(cluster.get("proxy-url") or "") or proxy_for(server, environment)
    secure = server.startswith("https://")
    user = _with_flags(user, overrides)
    check_cluster(str(overrides.cluster or context.get("cluster") or ""), cluster)
    who = str(overrides.user or context.get("user") or "")
    check_user(who, user)
    if secure:
        check_identity(who, user)
    return ClusterConfig(
        server=server,
        namespace=overrides.namespace
        or str(context.get("namespace") or "")
        or in_cluster_namespace
        or "default",
        context=name,
        tls=_tls(cluster, user, overrides) if secure else Tls(),
        # Credentials are never sent in clear (client-go IsConfigTransportTLS).
        auth=_auth(user) if secure else Auth(),
        impersonation=_impersonation(user, overrides),
        proxy=proxy,
        request_timeout=parse_timeout(overrides.request_timeout),
        compression=not (overrides.disable_compression or cluster.get("disable-compression")),
        cluster_info=dict(cluster),
    )


def _base(server: str) -> str:
    """What paths are added to: no query and no fragment (client-go `DefaultServerURL`)."""
    scheme, _, rest = server.partition("://")
    return f"{scheme.lower()}://{re.split('[?#]', rest)[0]}".rstrip("/")


def _context(merged: Config, overrides: Overrides, name: str) -> Mapping[str, Any]:
    if not name:
        return {}
    context = merged["contexts"].get(name)
    if context is None:
        raise ClusterError(
            f'context "{name}" does not exist' + did_you_mean(name, merged["contexts"]),
            next="kubectl config get-contexts",
        )
    if not (context.get("cluster") or overrides.cluster or overrides.server):
        raise ClusterError(f'cluster was not specified for context "{name}"')
    found: Mapping[str, Any] = context
    return found


def _entry(merged: Config, kind: str, name: Any, word: str) -> Mapping[str, Any]:
    if not name:
        return {}
    entry = merged[kind].get(name)
    if entry is None:
        raise ClusterError(f'{word} "{name}" does not exist', next="kubectl config view")
    found: Mapping[str, Any] = entry
    return found


def _tls(cluster: Config, user: Config, flags: Overrides) -> Tls:
    """A flag for one way of trusting the server clears what the file says of the others."""
    insecure = bool(cluster.get("insecure-skip-tls-verify"))
    ca_file, ca_data = (
        _text(cluster, "certificate-authority"),
        _data(cluster, "certificate-authority-data"),
    )
    if flags.insecure or flags.certificate_authority:
        insecure = bool(flags.insecure)
        ca_file, ca_data = flags.certificate_authority, None
    if insecure and (ca_file or ca_data):
        raise ClusterError(
            "specifying a root certificates file with the insecure flag is not allowed"
        )
    name = _text(cluster, "tls-server-name")
    if flags.tls_server_name or flags.server:  # another server: the file's name is not its
        name = flags.tls_server_name
    cert, cert_data = _text(user, "client-certificate"), _data(user, "client-certificate-data")
    key, key_data = _text(user, "client-key"), _data(user, "client-key-data")
    return Tls(
        verify=not insecure,
        server_name=name,
        ca_file=ca_file,
        ca_data=ca_data,
        cert_file=cert,
        cert_data=cert_data,
        key_file=key,
        key_data=key_data,
    )


def _with_flags(user: Config, flags: Overrides) -> Config:
    given = {
        "client-certificate": flags.client_certificate,
        "client-key": flags.client_key,
        "token": flags.token,
        "username": flags.username,
        "password": flags.password,
    }
    return {**user, **{key: value for key, value in given.items() if value}}


def _auth(user: Config) -> Auth:
    """A plugin is for those who are not known otherwise (client-go `exec.go`)."""
    known = any(user.get(key) for key in ("token", "tokenFile", "username")) or bool(
        user.get("client-certificate") or user.get("client-certificate-data")
    )
    return Auth(
        token=_text(user, "token"),
        token_file=_text(user, "tokenFile"),
        username=_text(user, "username"),
        password=_text(user, "password"),
        exec=None if known else user.get("exec"),
        provider=None if known else user.get("auth-provider"),
    )


def _impersonation(user: Config, flags: Overrides) -> Impersonation:
    extra: list[tuple[str, str]] = []
    if flags.as_user_extra:
        for pair in flags.as_user_extra:
            key, mark, value = pair.partition("=")
            if not (key and mark):
                raise UsageError(f"--as-user-extra must be KEY=VALUE, not {pair!r}")
            extra.append((key.lower(), value))
    else:
        for key, values in (user.get("as-user-extra") or {}).items():
            extra += [(str(key).lower(), str(value)) for value in values or ()]
    found = Impersonation(
        user=flags.as_user or _text(user, "as"),
        uid=flags.as_uid or _text(user, "as-uid"),
        groups=flags.as_groups or tuple(map(str, user.get("as-groups") or ())),
        extra=tuple(extra),
    )
    if found.headers() and not found.user:
        raise ClusterError("requesting uid, groups or user-extra without impersonating a user")
    if any(re.search(r"[\r\n\x00]", word) for pair in found.headers() for word in pair):
        raise UsageError("a line feed in a name to impersonate")
    return found


def _text(config: Config, key: str) -> str | None:
    value = config.get(key)
    return str(value) if value not in (None, "") else None


def _data(config: Config, key: str) -> bytes | None:
    value = config.get(key)
    if not value:
        return None
    try:
        return base64.b64decode(str(value), validate=False)
    except (binascii.Error, ValueError):
        raise ClusterError(f"invalid kubeconfig: {key} is not base64") from None


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_timeout(text: str | None) -> float | None:
    """kubectl's --request-timeout: Go durations or whole seconds; "0" is none at all."""
    if text is None or text == "":
        return None
    if re.fullmatch(r"[0-9]+", text):
        return float(text) or None
    if not re.fullmatch(r"(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|ms|s|m|h))+", text):
        raise UsageError(
            f'invalid argument "{text}" for "--request-timeout" flag: write 10s, 2m or 1m30s'
        )
    parts = re.findall(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)", text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts) or None


def paths_to_read(overrides: Overrides, environment: Mapping[str, str]) -> tuple[list[str], bool]:
    """The kubeconfig files, and whether a missing one is an error."""
    if overrides.kubeconfig:
        return [overrides.kubeconfig], True
    listed = [p for p in environment.get("KUBECONFIG", "").split(os.pathsep) if p]
    if listed:
        return list(dict.fromkeys(listed)), False
    home = environment.get("HOME") or os.path.expanduser("~")
    return [os.path.join(home, ".kube", "config")], False


def load_config(
    overrides: Overrides | None = None,
    environment: Mapping[str, str] = os.environ,
    *,
    service_account: Path = SERVICE_ACCOUNT,
) -> ClusterConfig:
    """Reads what kubectl would read. Raises ClusterError (exit 3) or UsageError (exit 2)."""
    overrides = overrides or Overrides()
    configs = _configs(overrides, environment)
    account = _in_cluster(environment, service_account)
    merged = merge(configs)
    if not configs and account is not None and not overrides.kubeconfig:
        return resolve([account], overrides, environment=environment)
    named = overrides.context or merged["current-context"]
    if account is not None and not (named and merged["contexts"].get(named, {}).get("namespace")):
        namespace = account["contexts"][0]["context"]["namespace"]
    else:
        namespace = ""
    return resolve(configs, overrides, environment=environment, in_cluster_namespace=namespace)


def names_of(
    kind: str, overrides: Overrides, environment: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """Of the `contexts`, `clusters` or `users` that there are. Raises as `load_config`."""
    return tuple(merge(_configs(overrides, environment))[kind])


def _configs(overrides: Overrides, environment: Mapping[str, str]) -> list[dict[str, Any]]:
    paths, must_exist = paths_to_read(overrides, environment)
    return [config for config in (_read(path, must_exist) for path in paths) if config]


def _read(path: str, must_exist: bool) -> dict[str, Any] | None:
    """One file, paths made absolute; None for a missing or empty one."""
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            config = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except FileNotFoundError:
        if must_exist:
            raise ClusterError(f"stat {path}: no such file or directory") from None
        return None
    except OSError as error:
        raise ClusterError(f"cannot read kubeconfig {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where is not None else ""
        # The text of the error quotes the file, which may hold a token.
        raise ClusterError(f"kubeconfig {path} is not YAML{line}") from None
    if config is None:
        return None
    if not isinstance(config, dict):
        raise ClusterError(f"kubeconfig {path} is not a mapping")
    check_file(config)
    return with_absolute_paths(config, os.path.dirname(os.path.abspath(path)))


def _in_cluster(environment: Mapping[str, str], account: Path) -> dict[str, Any] | None:
    """The pod's service account as a kubeconfig; None outside a pod."""
    host, port = (environment.get(f"KUBERNETES_SERVICE_{k}", "") for k in ("HOST", "PORT"))
    if not (host and port and (account / "token").is_file()):
        return None
    namespace = environment.get("POD_NAMESPACE", "")
    if not namespace:
        try:
            namespace = (account / "namespace").read_text(encoding="utf-8").strip()
        except OSError:
            namespace = ""
    host = f"[{host}]" if ":" in host else host
    cluster = {
        "server": f"https://{host}:{port}",
        "certificate-authority": str(account / "ca.crt"),
    }
    return {
        "clusters": [{"name": "in-cluster", "cluster": cluster}],
        "users": [{"name": "in-cluster", "user": {"tokenFile": str(account / "token")}}],
        "contexts": [
            {
                "name": "in-cluster",
                "context": {
                    "cluster": "in-cluster",
                    "user": "in-cluster",
                    "namespace": namespace or "default",
                },
            }
        ],
        "current-context": "in-cluster",
    }
