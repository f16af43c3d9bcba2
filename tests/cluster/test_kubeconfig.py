"""Kubeconfigs as kubectl reads them; where kubectl is present, both read the same files."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet.cluster.config import ClusterConfig, Impersonation, Overrides
from kubectl_svcnet.cluster.kubeconfig import (
    load_config,
    merge,
    parse_timeout,
    paths_to_read,
    resolve,
)
from kubectl_svcnet.errors import ClusterError, UsageError
from tests.kubectl import KUBECTL, LACKING


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def config(
    name: str, *, current: str | None = None, cluster: Any = None, user: Any = None, **context: Any
) -> dict[str, Any]:
    """One file with one cluster, user and context, all of this name."""
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": name, "cluster": {"server": f"https://{name}:6443", **(cluster or {})}}
        ],
        "users": [{"name": name, "user": {"token": f"t-{name}"} if user is None else user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, **context}}],
    }
    if current is not None:
        body["current-context"] = current
    return body


A, B = config("a", current="a", namespace="shop"), config("b", current="b")
#: The same names as in A with other values: of each key only the first file's counts.
A_AGAIN = config("a", current="a", cluster={"server": "https://other", "tls-server-name": "x"})

CASES: dict[str, tuple[list[dict[str, Any] | str], dict[str, Any]]] = {
    "one file": ([A], {}),
    "the first current-context": ([A, B], {}),
    "the first current-context, reversed": ([B, A], {}),
    "only the second has one": ([config("a"), B], {}),
    "an empty current-context": ([A, config("b", current="")], {}),
    "an empty current-context first": ([config("b", current=""), A], {}),
    "an empty file": (["", A], {}),
    "only comments": (["# nothing\n", A], {}),
    "a missing file": (["missing", A], {}),
    "the same key twice": ([A, A_AGAIN], {}),
    "another context": ([A, B], {"context": "b"}),
    "tls": (
        [
            config(
                "a",
                current="a",
                cluster={
                    "certificate-authority-data": encoded("CA"),
                    "tls-server-name": "api.test",
                    "proxy-url": "http://proxy:3128",
                },
                user={
                    "client-certificate-data": encoded("CERT"),
                    "client-key-data": encoded("KEY"),
                },
            )
        ],
        {},
    ),
    "insecure": ([config("a", current="a", cluster={"insecure-skip-tls-verify": True})], {}),
    "impersonation": (
        [
            config(
                "a",
                current="a",
                user={
                    "token": "t",
                    "as": "jane",
                    "as-uid": "7",
                    "as-groups": ["g1", "g2"],
                    "as-user-extra": {"scopes": ["view", "edit"]},
                },
            )
        ],
        {},
    ),
}


def write(folder: Path, files: list[dict[str, Any] | str]) -> str:
    paths = []
    for number, content in enumerate(files):
        path = folder / f"config{number}"
        if content != "missing":
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        paths.append(str(path))
    return os.pathsep.join(paths)


def seen_by_kubectl(paths: str, flags: Mapping[str, str]) -> dict[str, Any]:
    given = [f"--{name}={value}" for name, value in flags.items()]
    ran = subprocess.run(
        [KUBECTL, "config", "view", "--minify", "--raw", "--flatten", "-o", "json", *given],
        env={"KUBECONFIG": paths, "HOME": "/nonexistent", "PATH": os.environ["PATH"]},
        capture_output=True,
        timeout=30,
        check=True,
    )
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def data_of(text: str | None) -> bytes | None:
    return base64.b64decode(text) if text else None


@pytest.mark.parametrize("name", CASES)
def test_as_kubectl(tmp_path: Path, name: str) -> None:
    if not KUBECTL:
        pytest.skip(LACKING)
    files, flags = CASES[name]
    paths = write(tmp_path, files)
    ours = load_config(Overrides(**flags), {"KUBECONFIG": paths})
    theirs = seen_by_kubectl(paths, flags)
    cluster = theirs["clusters"][0]["cluster"]
    user = (theirs.get("users") or [{"user": {}}])[0]["user"]
    context = theirs["contexts"][0]["context"]
    assert ours.server == cluster["server"]
    assert ours.context == theirs["current-context"]
    assert ours.namespace == context.get("namespace", "default")
    assert ours.proxy == cluster.get("proxy-url")
    tls = ours.tls
    assert tls.verify is not cluster.get("insecure-skip-tls-verify", False)
    assert tls.server_name == cluster.get("tls-server-name")
    assert tls.ca_data == data_of(cluster.get("certificate-authority-data"))
    assert tls.cert_data == data_of(user.get("client-certificate-data"))
    assert tls.key_data == data_of(user.get("client-key-data"))
    assert ours.auth.token == user.get("token")
    extra = user.get("as-user-extra") or {}
    assert ours.impersonation == Impersonation(
        user=user.get("as"),
        uid=user.get("as-uid"),
        groups=tuple(user.get("as-groups") or ()),
        extra=tuple((key, value) for key, values in extra.items() for value in values),
    )


@pytest.mark.parametrize("name", CASES)
def test_cases_without_kubectl(tmp_path: Path, name: str) -> None:
    files, flags = CASES[name]
    ours = load_config(Overrides(**flags), {"KUBECONFIG": write(tmp_path, files)})
    assert ours.server.startswith("https://")
    assert "t-a" not in repr(ours)


def resolved(*configs: Mapping[str, Any], **flags: Any) -> ClusterConfig:
    return resolve(configs, Overrides(**flags), environment={})


def test_the_first_file_wins_whole_keys() -> None:
    merged = merge([A, A_AGAIN, B])
    assert merged["clusters"]["a"] == {"server": "https://a:6443"}
    assert sorted(merged["contexts"]) == ["a", "b"]


def test_flags_that_choose() -> None:
    assert resolved(A, B, cluster="b").server == "https://b:6443"
    assert resolved(A, B, user="b").auth.token == "t-b"
    assert resolved(A, B, namespace="other").namespace == "other"


def test_flags_over_the_file() -> None:
    file = config(
        "a",
        current="a",
        cluster={"certificate-authority-data": encoded("CA"), "tls-server-name": "file"},
        user={"exec": {"command": "x", "apiVersion": "v1", "interactiveMode": "Never"}},
    )
    assert resolved(file, server="https://b").tls.server_name is None
    assert resolved(file, server="b:1").server == "http://b:1"
    named = resolved(file, server="https://b", tls_server_name="flag")
    assert named.tls.server_name == "flag"
    insecure = resolved(file, insecure=True)
    assert (insecure.tls.verify, insecure.tls.ca_data) == (False, None)
    other = resolved(file, certificate_authority="/ca", client_certificate="/c", client_key="/k")
    assert (other.tls.ca_file, other.tls.ca_data) == ("/ca", None)
    assert (other.tls.cert_file, other.tls.cert_data) == ("/c", None)
    assert (other.tls.key_file, other.tls.key_data) == ("/k", None)
    token = resolved(file, token="T")
    assert (token.auth.token, token.auth.exec) == ("T", None)


def test_impersonation_by_flags() -> None:
    file = config("a", current="a", user={"token": "t", "as": "jane", "as-groups": ["g"]})
    found = resolved(file, as_user="joe", as_groups=("x", "y"), as_user_extra=("Scopes=a=b",))
    assert found.impersonation.headers() == (
        ("Impersonate-User", "joe"),
        ("Impersonate-Group", "x"),
        ("Impersonate-Group", "y"),
        ("Impersonate-Extra-scopes", "a=b"),
    )


def test_credentials_are_not_sent_in_clear() -> None:
    file = config("a", current="a", cluster={"server": "http://a:8080"})
    assert resolved(file).auth.token is None
    assert resolved(A, server="http://a:8080", token="T").auth.token is None


ERRORS: dict[str, tuple[tuple[Any, ...], dict[str, Any], str]] = {
    "no such context": ((A,), {"context": "x"}, 'context "x" does not exist'),
    "no such cluster": ((A,), {"cluster": "x"}, 'cluster "x" does not exist'),
    "no such user": ((A,), {"user": "x"}, 'auth info "x" does not exist'),
    "nothing at all": ((), {}, "no cluster"),
    "current-context of nowhere": (({"current-context": "x"},), {}, 'context "x" does not exist'),
    "both ways of trust": (
        (
            config(
                "a",
                current="a",
                cluster={"insecure-skip-tls-verify": True, "certificate-authority": "/ca"},
            ),
        ),
        {},
        "not allowed",
    ),
    "data that is none": (
        (config("a", current="a", cluster={"certificate-authority-data": "A"}),),
        {},
        "certificate-authority-data is not base64",
    ),
    "a name twice": (({**A, "users": A["users"] * 2},), {}, 'duplicate name "a"'),
    "nobody": ((config("a", current="a", user={}),), {}, 'user "a" has no credentials'),
    "groups without a user": ((A,), {"as_groups": ("g",)}, "without impersonating a user"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    configs, flags, words = ERRORS[name]
    with pytest.raises(ClusterError, match=words):
        resolved(*configs, **flags)


@pytest.mark.parametrize(
    "flags",
    [
        {"as_user_extra": ("novalue",), "as_user": "x"},
        {"as_user": "a\r\nX-Evil: 1"},
        {"request_timeout": "soon"},
    ],
)
def test_wrong_usage(flags: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        resolved(A, **flags)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", None),
        ("0s", None),
        ("1", 1.0),
        ("30", 30.0),
        ("1s", 1.0),
        ("2m", 120.0),
        ("3h", 10800.0),
        ("1m30s", 90.0),
        ("1.5s", 1.5),
        ("250ms", 0.25),
    ],
)
def test_timeouts(text: str | None, seconds: float | None) -> None:
    assert parse_timeout(text) == seconds


@pytest.mark.parametrize("text", ["-1", "1 s", "s", "1d", "1s2", "1e3", "٣"])
def test_timeouts_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="invalid argument"):
        parse_timeout(text)


@pytest.mark.parametrize(
    ("environment", "flag", "expected"),
    [
        ({"HOME": "/h"}, None, (["/h/.kube/config"], False)),
        ({"HOME": "/h", "KUBECONFIG": ""}, None, (["/h/.kube/config"], False)),
        ({"HOME": "/h", "KUBECONFIG": "/a:/b::/a"}, None, (["/a", "/b"], False)),
        ({"KUBECONFIG": "/a"}, "/x", (["/x"], True)),
    ],
)
def test_paths(environment: dict[str, str], flag: str | None, expected: Any) -> None:
    assert paths_to_read(Overrides(kubeconfig=flag), environment) == expected


def test_an_explicit_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="no such file or directory"):
        load_config(Overrides(kubeconfig=str(tmp_path / "none")), {})


@pytest.mark.parametrize("text", ["a: [", "- x", "\ttoken: hunter2", "\x00"])
def test_files_that_are_no_kubeconfig(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(ClusterError, match=str(path)) as caught:
        load_config(Overrides(kubeconfig=str(path)), {})
    assert "hunter2" not in str(caught.value)


def test_relative_paths_belong_to_their_file(tmp_path: Path) -> None:
    folder = tmp_path / "deep"
    folder.mkdir()
    user = {
        "client-certificate": "c.crt",
        "client-key": "/abs/c.key",
        "tokenFile": "token",
    }
    file = config("a", current="a", cluster={"certificate-authority": "pki/ca.crt"}, user=user)
    (folder / "config").write_text(json.dumps(file))
    found = load_config(Overrides(kubeconfig=str(folder / "config")), {})
    assert found.tls.ca_file == str(folder / "pki/ca.crt")
    assert found.tls.cert_file == str(folder / "c.crt")
    assert found.tls.key_file == "/abs/c.key"
    assert found.auth.token_file == str(folder / "token")


def test_a_plugin_beside_its_file(tmp_path: Path) -> None:
    plugin = {"command": "./bin/login", "apiVersion": "v1", "interactiveMode": "Never"}
    (tmp_path / "config").write_text(json.dumps(config("a", current="a", user={"exec": plugin})))
    found = load_config(Overrides(kubeconfig=str(tmp_path / "config")), {})
    assert found.auth.exec is not None
    assert found.auth.exec["command"] == str(tmp_path / "bin/login")


def test_a_plugin_on_the_path_stays_a_name() -> None:
    user = {"exec": {"command": "aws", "apiVersion": "v1", "interactiveMode": "Never"}}
    found = resolved(config("a", current="a", user=user))
    assert found.auth.exec is not None
    assert found.auth.exec["command"] == "aws"


@pytest.fixture
def account(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("in-cluster-token\n")
    (tmp_path / "ca.crt").write_text("CA")
    (tmp_path / "namespace").write_text("tools\n")
    return tmp_path


IN_POD = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443", "HOME": "/none"}


def test_in_a_pod(account: Path) -> None:
    found = load_config(None, IN_POD, service_account=account)
    assert found.server == "https://[fd00::1]:443"
    assert found.namespace == "tools"
    assert found.auth.token_file == str(account / "token")
    assert found.tls.ca_file == str(account / "ca.crt")
    named = load_config(None, {**IN_POD, "POD_NAMESPACE": "mine"}, service_account=account)
    assert named.namespace == "mine"
    with pytest.raises(ClusterError, match="no cluster"):
        load_config(None, {"HOME": "/none"}, service_account=account)


def test_a_kubeconfig_in_a_pod(tmp_path: Path, account: Path) -> None:
    environment = {**IN_POD, "KUBECONFIG": write(tmp_path, [B])}
    found = load_config(None, environment, service_account=account)
    assert (found.server, found.namespace) == ("https://b:6443", "tools")
    environment["KUBECONFIG"] = write(tmp_path, [A])
    assert load_config(None, environment, service_account=account).namespace == "shop"


def test_a_context_that_is_misspelt() -> None:
    contexts = [{"name": "staging", "context": {"cluster": "c"}}]
    with pytest.raises(ClusterError, match=r'context "stagin" does not exist; did you mean stag'):
        resolve([{"contexts": contexts}], Overrides(context="stagin"), environment={})
