"""Exec credential plugins, run as client-go runs them (`plugin/pkg/client/auth/exec/exec.go`).

A plugin's stdout is never shown, for it holds the token; its stderr is the user's. There is no
deadline: it may ask for a login.
"""

from __future__ import annotations

import base64
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..errors import ClusterError
from .config import ClusterConfig
from .validity import interactive_mode

_GROUP = "client.authentication.k8s.io/"
_VERSIONS = (f"{_GROUP}v1", f"{_GROUP}v1beta1")
_EXTENSION = f"{_GROUP}exec"
#: RFC 3339, as Go reads metav1.Time.
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def run_plugin(config: ClusterConfig, plugin: Mapping[str, Any]) -> Mapping[str, Any]:
    """The status of its answer, with a token, or a certificate and its key. Raises ClusterError."""
    version = str(plugin.get("apiVersion"))
    if version not in _VERSIONS:
        raise _failed(f'invalid apiVersion "{version}"')
    return _status_of(_output(config, plugin), version)


def expiry_of(status: Mapping[str, Any]) -> float:
    """Seconds since the epoch. Raises ClusterError for what is no time."""
    said = status.get("expirationTimestamp")
    if said is None:
        return math.inf
    found = _TIME.fullmatch(str(said))
    try:
        if found is not None:
            return datetime.fromisoformat(found[1] + found[2].replace("Z", "+00:00")).timestamp()
    except ValueError:
        pass  # a day that no calendar has
    raise _failed("its expirationTimestamp is no time")


def _failed(why: str) -> ClusterError:
    return ClusterError(f"getting credentials: exec plugin: {why}")


def _output(config: ClusterConfig, plugin: Mapping[str, Any]) -> bytes:
    name = str(plugin.get("command"))
    interactive = _may_ask(plugin)
    environment = {**os.environ, **_environment(plugin)}
    environment["KUBERNETES_EXEC_INFO"] = json.dumps(_told(config, plugin, interactive))
    try:
        ran = subprocess.run(
            [name, *map(str, plugin.get("args") or ())],
            env=environment,
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=False,
        )
    except (OSError, ValueError) as error:  # the latter: a NUL in an argument
        hint = str(plugin.get("installHint") or "").strip()
        cause = getattr(error, "strerror", None) or str(error)
        message = f"getting credentials: exec: executable {name} failed: {cause}"
        raise ClusterError(f"{message}\n{hint}" if hint else message) from None
    if ran.returncode:
        raise ClusterError(
            f"getting credentials: exec: executable {name} failed with exit code {ran.returncode}"
        )
    return ran.stdout


def _environment(plugin: Mapping[str, Any]) -> dict[str, str]:
    return {str(pair["name"]): str(pair.get("value") or "") for pair in plugin.get("env") or ()}


def _may_ask(plugin: Mapping[str, Any]) -> bool:
    mode = interactive_mode(plugin)
    terminal = sys.stdin is not None and sys.stdin.isatty()
    if mode == "Always" and not terminal:
        raise _failed("cannot support interactive mode: standard input is not a terminal")
    return terminal and mode != "Never"


def _told(config: ClusterConfig, plugin: Mapping[str, Any], interactive: bool) -> dict[str, Any]:
    cluster = {"cluster": _cluster(config)} if plugin.get("provideClusterInfo") else {}
    spec = {**cluster, "interactive": interactive}
    return {"kind": "ExecCredential", "apiVersion": plugin.get("apiVersion"), "spec": spec}


def _cluster(config: ClusterConfig) -> dict[str, Any]:
    """What was chosen, flags and all, in the words of ExecCredential."""
    known, tls = config.cluster_info, config.tls
    ca = tls.ca_data
    if ca is None and tls.ca_file:
        ca = _certificates(tls.ca_file)
    told = {
        "server": config.server,
        "tls-server-name": tls.server_name,
        "insecure-skip-tls-verify": not tls.verify,
        "certificate-authority-data": base64.b64encode(ca).decode() if ca else None,
        "proxy-url": known.get("proxy-url"),
        "disable-compression": not config.compression,
    }
    extensions = known.get("extensions") or ()
    own = [one for one in extensions if isinstance(one, Mapping) and one.get("name") == _EXTENSION]
    told = {key: value for key, value in told.items() if value}
    return {**told, "config": own[0].get("extension") if own else None}


def _certificates(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(1 << 20)
    except OSError as error:
        raise ClusterError(f"cannot read {path}: {error.strerror}") from None


def _status_of(output: bytes, version: str) -> Mapping[str, Any]:
    try:
        answer = json.loads(output)
    except ValueError:
        raise _failed("its answer is not JSON") from None
    answer = answer if isinstance(answer, Mapping) else {}
    if answer.get("kind") != "ExecCredential":
        raise _failed("its answer is not of kind ExecCredential")
    if answer.get("apiVersion") != version:
        raise _failed(f"configured to use API version {version}, but it answers in another")
    status = answer.get("status")
    if not isinstance(status, Mapping):
        raise _failed("did not return a status field")
    expiry_of(status)
    cert, key = status.get("clientCertificateData"), status.get("clientKeyData")
    if bool(cert) is not bool(key):
        raise _failed("returned only certificate or key, not both")
    if not (status.get("token") or cert):
        raise _failed("did not return a token or cert/key pair")
    return status
