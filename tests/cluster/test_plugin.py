"""What a plugin is told and what it may answer; test_as_kubectl asks kubectl the same."""

from __future__ import annotations

import json
import os
import pty
import sys
from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet.cluster.config import ClusterConfig, Tls
from kubectl_svcnet.cluster.plugin import run_plugin
from kubectl_svcnet.errors import ClusterError

V1 = "client.authentication.k8s.io/v1"
CONFIG = ClusterConfig(server="https://api", tls=Tls(ca_data=b"CA", server_name="n"))


def answer(version: str = V1, kind: str = "ExecCredential", **status: Any) -> str:
    return json.dumps({"apiVersion": version, "kind": kind, "status": status})


def saying(text: str, code: int = 0, **more: Any) -> dict[str, Any]:
    script = f"cat <<'E_O_F'\n{text}\nE_O_F\nexit {code}"
    told = {"apiVersion": V1, "command": "sh", "args": ["-c", script], "interactiveMode": "Never"}
    return {**told, **more}


def test_a_token() -> None:
    assert run_plugin(CONFIG, saying(answer(token="T"))) == {"token": "T"}
    until = "2030-01-01T00:00:00Z"
    assert run_plugin(CONFIG, saying(answer(token="T", expirationTimestamp=until)))["token"] == "T"


FAILING: dict[str, tuple[dict[str, Any], str]] = {
    "exit code": (saying("x", 3), "executable sh failed with exit code 3"),
    "no JSON": (saying("hello"), "its answer is not JSON"),
    "a list": (saying("[]"), "not of kind ExecCredential"),
    "another kind": (saying(answer(kind="Pod")), "not of kind ExecCredential"),
    "another version": (saying(answer(f"{V1}beta1", token="T")), "it answers in another"),
    "no status": (saying(answer().replace("status", "x")), "did not return a status field"),
    "nothing": (saying(answer()), "did not return a token or cert/key pair"),
    "half a pair": (saying(answer(clientKeyData="K")), "returned only certificate or key"),
    "no time": (saying(answer(token="T", expirationTimestamp="soon")), "is no time"),
    "v1alpha1": (saying("", apiVersion=f"{V1}alpha1"), "invalid apiVersion"),
    "no terminal": (saying(answer(token="T"), interactiveMode="Always"), "not a terminal"),
    "missing": (
        saying("", command="no-such-login", installHint="get it at x"),
        "executable no-such-login failed: No such file or directory\nget it at x",
    ),
    "NUL": (saying("", args=["a\0b"]), "executable sh failed: embedded null byte"),
}


@pytest.mark.parametrize("name", FAILING)
def test_failures(name: str) -> None:
    plugin, words = FAILING[name]
    with open(os.devnull) as nothing, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", nothing)
        with pytest.raises(ClusterError, match=words) as caught:
            run_plugin(CONFIG, plugin)
    assert str(caught.value).startswith("getting credentials: exec")


def told(plugin: dict[str, Any], file: Path) -> dict[str, Any]:
    script = f"printf '%s' \"$KUBERNETES_EXEC_INFO\" >'{file}'; printf '%s' '{answer(token='T')}'"
    run_plugin(CONFIG, {**plugin, "args": ["-c", script]})
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def test_what_it_is_told(tmp_path: Path) -> None:
    plain = saying("")
    assert told(plain, tmp_path / "info")["spec"] == {"interactive": False}
    assert told({**plain, "provideClusterInfo": True}, tmp_path / "info")["spec"]["cluster"] == {
        "server": "https://api",
        "tls-server-name": "n",
        "certificate-authority-data": "Q0E=",
        "config": None,
    }


def test_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    with open(slave) as terminal, open(master):
        monkeypatch.setattr(sys, "stdin", terminal)
        for mode, expected in (("Always", True), ("IfAvailable", True), ("Never", False)):
            plugin = saying("", interactiveMode=mode)
            assert told(plugin, tmp_path / "info")["spec"]["interactive"] is expected
