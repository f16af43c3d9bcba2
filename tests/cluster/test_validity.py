"""The sentences; that kubectl refuses the same is in test_as_kubectl."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kubectl_svcnet.cluster.validity import (
    check_cluster,
    check_file,
    check_identity,
    check_user,
    interactive_mode,
)
from kubectl_svcnet.errors import ClusterError

SECRET = "hunter2"
PLUGIN = {
    "command": "x",
    "apiVersion": "client.authentication.k8s.io/v1",
    "interactiveMode": "Never",
}

FILES: dict[str, tuple[dict[str, Any], str]] = {
    "another kind": ({"kind": "Pod"}, 'no kind "Pod" is registered for version "v1"'),
    "another version": ({"apiVersion": "v2"}, 'no kind "Config" is registered for version "v2"'),
    "no text": ({"current-context": 7}, "current-context must be a string"),
    "no list": ({"clusters": {}}, "clusters must be a list"),
    "no entry": ({"users": [SECRET]}, "an entry of users must be a mapping"),
    "no body": ({"users": [{"user": SECRET}]}, "user of an entry of users must be a mapping"),
    "a number": ({"users": [{"user": {"token": 7}}]}, "user.token must be a string"),
    "a word": (
        {"clusters": [{"cluster": {"insecure-skip-tls-verify": SECRET}}]},
        "cluster.insecure-skip-tls-verify must be true or false",
    ),
}
USERS: dict[str, tuple[dict[str, Any], str]] = {
    "two certificates": (
        {"client-certificate": "f", "client-certificate-data": SECRET},
        "client-cert-data and client-cert are both specified for jane",
    ),
    "two keys": (
        {"client-certificate": "f", "client-key": "f", "client-key-data": SECRET},
        "client-key-data and client-key are both specified for jane",
    ),
    "no key": ({"client-certificate": "f"}, "client-key-data or client-key must be specified"),
    "two ways": ({"token": SECRET, "password": SECRET}, "more than one authentication method"),
    "no command": ({"exec": {**PLUGIN, "command": ""}}, "command must be specified for jane"),
    "no version": ({"exec": {**PLUGIN, "apiVersion": ""}}, "apiVersion must be specified"),
    "no mode": ({"exec": {**PLUGIN, "interactiveMode": None}}, "interactiveMode must be"),
    "another mode": (
        {"exec": {**PLUGIN, "interactiveMode": "No"}},
        'invalid interactiveMode.*"No"',
    ),
    "no name": ({"exec": {**PLUGIN, "env": [{"value": SECRET}]}}, "env variable name must be"),
    "another provider": (
        {"auth-provider": {"name": "gcp"}},
        'no Auth Provider found for name "gcp"',
    ),
    "no issuer": ({"auth-provider": {"name": "oidc"}}, "Must provide idp-issuer-url"),
    "a provider too": ({"exec": PLUGIN, "auth-provider": {"name": "x"}}, "authProvider cannot be"),
}
CLUSTERS: dict[str, tuple[dict[str, Any], str]] = {
    "two authorities": (
        {"certificate-authority": "f", "certificate-authority-data": SECRET},
        "certificate-authority-data and certificate-authority are both specified for jane",
    ),
    "another proxy": ({"proxy-url": f"ftp://u:{SECRET}@x"}, "must be http, https, or socks5"),
    "a proxy without a scheme": ({"proxy-url": "x:1"}, "must be http, https, or socks5"),
}


def refused(check: Callable[[], None], words: str) -> None:
    with pytest.raises(ClusterError, match=words) as caught:
        check()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", FILES)
def test_files(name: str) -> None:
    refused(lambda: check_file(FILES[name][0]), FILES[name][1])


@pytest.mark.parametrize("name", USERS)
def test_users(name: str) -> None:
    refused(lambda: check_user("jane", USERS[name][0]), USERS[name][1])


@pytest.mark.parametrize("name", CLUSTERS)
def test_clusters(name: str) -> None:
    refused(lambda: check_cluster("jane", CLUSTERS[name][0]), CLUSTERS[name][1])


def test_what_is_right() -> None:
    check_file({})
    check_file({"kind": "Config", "apiVersion": "v1", "clusters": None, "users": [{"name": "x"}]})
    check_cluster("", {"proxy-url": "socks5://x:1", "certificate-authority": "f"})
    check_user("", {"exec": PLUGIN})
    check_user("", {"token": "x", "client-certificate": "f", "client-key-data": "x"})


def test_nobody() -> None:
    refused(lambda: check_identity("jane", {"password": SECRET}), 'user "jane" has no credentials')
    refused(lambda: check_identity("", {}), "no user: no context names one")
    check_identity("jane", {"tokenFile": "f"})


def test_modes() -> None:
    assert interactive_mode({"apiVersion": "client.authentication.k8s.io/v1beta1"}) == "IfAvailable"
    assert interactive_mode({"apiVersion": "client.authentication.k8s.io/v1"}) == ""
