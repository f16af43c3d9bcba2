"""Both end at the same server, as the same user, in the same namespace; or both refuse.

Each row is a kubeconfig situation. A loopback API server notes what `kubectl get services` and
`kubectl svcnet trace` ask it: path, host, TLS name, Authorization, client certificate,
impersonation, compression, and what the proxy on the way was asked.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from kubectl_svcnet.cli.main import build_parser, main
from kubectl_svcnet.cli.options import to_overrides
from kubectl_svcnet.cluster.kubeconfig import load_config
from kubectl_svcnet.cluster.limits import Limits
from kubectl_svcnet.cluster.live import LiveSource
from kubectl_svcnet.model.capture import ExecRequest
from kubectl_svcnet.model.commands import Command
from tests.cluster.issuer import id_token, issue
from tests.cluster.relays import Relay, http, socks, straight
from tests.kubectl import KUBECTL, LACKING

STATUS = Command("cat", ("/proc/1/status",))
ROOT = Path(__file__).resolve().parents[2]
VERSION = "client.authentication.k8s.io/v1"
File: TypeAlias = "dict[str, Any] | str | None"  # None: it is missing


def one(
    name: str = "a", *, cluster: Any = None, user: Any = None, **context: Any
) -> dict[str, Any]:
    """A kubeconfig with one cluster, user and context of this name, which is the current one.

    @WORDS stand for what the place of the test gives: see `Place`.
    """
    trust = {"server": f"@URL/{name}", "certificate-authority-data": "@CA64"}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": trust if cluster is None else cluster}],
        "users": [{"name": name, "user": {"token": f"t-{name}"} if user is None else user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, **context}}],
        "current-context": name,
    }


def at(**more: Any) -> dict[str, Any]:
    """A cluster entry: that of `one`, and more; None takes a key out."""
    found = {"server": "@URL/a", "certificate-authority-data": "@CA64"}
    found.update({key.replace("_", "-"): value for key, value in more.items()})
    return {key: value for key, value in found.items() if value is not None}


def plugin(script: str, **more: Any) -> dict[str, Any]:
    """A user with an exec plugin that is a line of shell."""
    told = {"apiVersion": VERSION, "command": "sh", "args": ["-c", script]}
    given = {**told, "interactiveMode": "Never", **more}
    return {"exec": {key: value for key, value in given.items() if value is not None}}


def says(text: str) -> str:
    return f"cat <<'E_O_F'\n{text}\nE_O_F\n"


def credential(version: str = VERSION, **status: Any) -> str:
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})


@dataclass(frozen=True)
class Case:
    files: Sequence[File] = field(default_factory=lambda: [one()])
    flags: str = ""
    env: dict[str, str] = field(default_factory=dict)
    refused: bool = False
    proxy: Any = None
    proxy_tls: str = ""  # whose certificate it has: @CA or @CERT


def of(*files: File, **more: Any) -> Case:
    return Case(files or [one()], **more)


def of_user(user: dict[str, Any], **more: Any) -> Case:
    return Case([one(user=user)], **more)


def of_cluster(cluster: dict[str, Any], **more: Any) -> Case:
    return Case([one(cluster=cluster)], **more)


def oidc(**changes: str | None) -> dict[str, Any]:
    """A user whose issuer is at a path of the API server; None takes a key out."""
    given = {
        "idp-issuer-url": "@URL/issuer",
        "client-id": "c",
        "id-token": id_token(),
        "idp-certificate-authority-data": "@CA64",
        **{key.replace("_", "-"): value for key, value in changes.items()},
    }
    config = {key: value for key, value in given.items() if value is not None}
    return {"auth-provider": {"name": "oidc", "config": config}}


OLD = id_token(1)


CERT = {"client-certificate-data": "@CERT64", "client-key-data": "@CERT64"}
TOKEN = credential(token="from-plugin")
#: The environment reaches the plugin, its own variables above all.
ECHO = f"printf '%s' '{TOKEN}' | sed \"s/from-plugin/$WHO-$OUTER/\""
#: What the plugin is told travels on as its token.
TOLD = (
    "t=$(printf '%s' \"$KUBERNETES_EXEC_INFO\" | tr -dc 'a-zA-Z0-9:/.{}_-');"
    f" printf '%s' '{TOKEN}' | sed \"s|from-plugin|$t|\""
)
PAST = credential(token="old", expirationTimestamp="2020-01-01T00:00:00Z")

CASES: dict[str, Case] = {
    # Which file
    "one file": of(),
    "the first file's current-context": of(one(), one("b")),
    "the first file's current-context, turned round": of(one("b"), one()),
    "an empty current-context first": of({**one("b"), "current-context": ""}, one()),
    "the first file has each name": of(one(), one(cluster=at(server="@URL/other"), user={})),
    "a missing file in the list": of(None, one()),
    "an empty file in the list": of("", one()),
    "a file of comments in the list": of("# nothing\n", one()),
    "the same file twice": of(env={"KUBECONFIG": "@FILE0:@FILE0"}),
    "an empty name in the list": of(env={"KUBECONFIG": ":@FILE0:"}),
    "KUBECONFIG is empty": of(env={"KUBECONFIG": ""}, refused=True),
    "the file of the home": of(env={"KUBECONFIG": "", "HOME": "@HOME"}),
    "no file at all": of(None, refused=True),
    "a folder": of(env={"KUBECONFIG": "@FOLDER"}, refused=True),
    "--kubeconfig": of(one(), one("b"), flags="--kubeconfig @FILE1"),
    "--kubeconfig is missing": of(flags="--kubeconfig @FOLDER/none", refused=True),
    "JSON with tabs": of(json.dumps(one(), indent="\t")),
    "broken YAML": of("a: [", refused=True),
    "broken YAML in the second file": of(one(), "a: [", refused=True),
    "a list": of("- a\n", refused=True),
    "bytes that are no text": of("\x00\x01", refused=True),
    "a scalar": of("hello", refused=True),
    "a key twice": of("current-context: a\ncurrent-context: a\n", refused=True),
    "no apiVersion": of({k: v for k, v in one().items() if k not in ("kind", "apiVersion")}),
    "another apiVersion": of({**one(), "apiVersion": "v2"}, refused=True),
    "another kind": of({**one(), "kind": "Pod"}, refused=True),
    "an unknown key": of({**one(), "what": {"is": "this"}}),
    "preferences": of({**one(), "preferences": {}}),
    # Wrong types
    "clusters is a mapping": of({**one(), "clusters": {"a": {}}}, refused=True),
    "clusters is null": of({**one(), "clusters": None}, flags="-s @URL/x", refused=True),
    "a cluster is a word": of({**one(), "clusters": ["a"]}, refused=True),
    "the server is a number": of_cluster(at(server=7), refused=True),
    "the token is a number": of_user({"token": 12345}, refused=True),
    "insecure is a word": of_cluster(at(insecure_skip_tls_verify="yes"), refused=True),
    "as-groups is a word": of_user({"as": "x", "as-groups": "g"}, refused=True),
    "the namespace is a number": of(one(namespace=7), refused=True),
    "exec is a word": of_user({"exec": "login"}, refused=True),
    "data that is not base64": of_cluster(at(certificate_authority_data="%%"), refused=True),
    "an entry without a name": of({**one(), "users": [{"user": {"token": "x"}}]}, refused=True),
    "an entry without a body": of({**one(), "users": [{"name": "a"}]}, refused=True),
    "a name twice, the same": of({**one(), "users": one()["users"] * 2}, refused=True),
    "a name twice, another": of(
        {**one(), "users": [*one()["users"], *one(user={"token": "x"})["users"]]}, refused=True
    ),
    "keys in capitals": of(
        {**one(), "Current-Context": "nowhere", "users": [{"name": "a", "user": {"Token": "T"}}]},
        refused=True,
    ),
    # Which context, cluster, user, namespace
    "--context": of(one(), one("b"), flags="--context b"),
    "--context of nowhere": of(flags="--context x", refused=True),
    "current-context of nowhere": of({**one(), "current-context": "x"}, refused=True),
    "no current-context": of({**one(), "current-context": ""}, refused=True),
    "no current-context, --server": of(
        {**one(), "current-context": ""},
        flags="-s @URL/x --certificate-authority @CA",
        refused=True,
    ),
    "no current-context, --server and --token": of(
        {**one(), "current-context": ""},
        flags="-s @URL/x --certificate-authority @CA --token T",
    ),
    "no current-context, --cluster": of(
        {**one(), "current-context": ""}, flags="--cluster a", refused=True
    ),
    "--cluster": of(one(), one("b"), flags="--cluster b"),
    "--cluster of nowhere": of(flags="--cluster x", refused=True),
    "a context's cluster of nowhere": of(one(cluster={}) | {"clusters": []}, refused=True),
    "a context without a cluster": of(
        {**one(), "contexts": [{"name": "a", "context": {"user": "a"}}]}, refused=True
    ),
    "a context without a cluster, --cluster": of(
        {**one(), "contexts": [{"name": "a", "context": {"user": "a"}}]}, flags="--cluster a"
    ),
    "a context without a user": of(
        {**one(), "contexts": [{"name": "a", "context": {"cluster": "a"}}]}, refused=True
    ),
    "a context that is null": of({**one(), "contexts": [{"name": "a"}]}, refused=True),
    "a cluster without a server": of_cluster(at(server=None), refused=True),
    "a cluster that is null": of({**one(), "clusters": [{"name": "a"}]}, refused=True),
    "a cluster that is null, --server": of(
        {**one(), "clusters": [{"name": "a"}]},
        flags="-s @URL/x --insecure-skip-tls-verify",
    ),
    "--user": of(one(), one("b"), flags="--user b"),
    "--user of nowhere": of(flags="--user x", refused=True),
    "a context's user of nowhere": of({**one(), "users": []}, refused=True),
    "a namespace": of(one(namespace="shop")),
    "-n": of(one(namespace="shop"), flags="-n other"),
    "--namespace=": of(one(namespace="shop"), flags="--namespace="),
    "a namespace and --context": of(one(namespace="shop"), one("b"), flags="--context b"),
    "a namespace and --cluster": of(
        one(namespace="shop"), one("b", namespace="x"), flags="--cluster b"
    ),
    "-A": of(one(namespace="shop"), flags="-A"),
    # Which server
    "--server": of(flags="--server @URL/x"),
    "--server, no scheme": of(flags="--server @HOSTPORT", refused=True),
    "--server of nobody": of(flags="--server https://127.0.0.1:1", refused=True),
    "--server that is none": of(flags="--server https://", refused=True),
    "--server, another scheme": of(flags="--server ftp://127.0.0.1:1", refused=True),
    "a path with a slash at its end": of_cluster(at(server="@URL/k8s/clusters/c-1/")),
    "a server without a path": of_cluster(at(server="@URL")),
    "a server with a query": of_cluster(at(server="@URL/a?x=y#z")),
    "a server in capitals": of_cluster(at(server="HTTPS://@HOSTPORT/a")),
    "IPv6": of_cluster(at(server="https://[::1]:@PORT6/six")),
    "a name that does not resolve": of_cluster(at(server="https://no.invalid:1"), refused=True),
    "plain HTTP where TLS is": of_cluster(at(server="http://@HOSTPORT"), refused=True),
    "TLS where plain HTTP is": of_cluster(at(server="https://127.0.0.1:@PLAIN"), refused=True),
    "no credentials in clear": of_cluster({"server": "http://127.0.0.1:@PLAIN/clear"}),
    "impersonation in clear": of_cluster(
        {"server": "http://127.0.0.1:@PLAIN/clear"}, flags="--as jane"
    ),
    "disable-compression": of_cluster(at(disable_compression=True)),
    "--disable-compression": of(flags="--disable-compression"),
    # Trust
    "a CA file": of_cluster(at(certificate_authority_data=None, certificate_authority="@CA")),
    "a CA file, relative": of_cluster(
        at(certificate_authority_data=None, certificate_authority="pki/ca.pem")
    ),
    "a CA file that is missing": of_cluster(
        at(certificate_authority_data=None, certificate_authority="none"), refused=True
    ),
    "a CA file that is none": of_cluster(
        at(certificate_authority_data=None, certificate_authority="@FILE0"), refused=True
    ),
    "a CA file and data": of_cluster(at(certificate_authority="@CA"), refused=True),
    "CA data that is none": of_cluster(at(certificate_authority_data="aGVsbG8="), refused=True),
    "no CA": of_cluster(at(certificate_authority_data=None), refused=True),
    "another CA": of_cluster(at(certificate_authority_data="@CERT64"), refused=True),
    "insecure": of_cluster(at(certificate_authority_data=None, insecure_skip_tls_verify=True)),
    "insecure and a CA": of_cluster(at(insecure_skip_tls_verify=True), refused=True),
    "--insecure-skip-tls-verify over a CA": of(flags="--insecure-skip-tls-verify"),
    "--insecure-skip-tls-verify=true": of(flags="--insecure-skip-tls-verify=true"),
    "--insecure-skip-tls-verify=false": of_cluster(
        at(certificate_authority_data=None, insecure_skip_tls_verify=True),
        flags="--insecure-skip-tls-verify=false",
    ),
    "--certificate-authority over insecure": of_cluster(
        at(certificate_authority_data=None, insecure_skip_tls_verify=True),
        flags="--certificate-authority @CA",
    ),
    "--certificate-authority over data": of(flags="--certificate-authority @CERT", refused=True),
    "tls-server-name": of_cluster(at(tls_server_name="api.test")),
    "tls-server-name of another": of_cluster(at(tls_server_name="other.test"), refused=True),
    "--tls-server-name": of_cluster(
        at(tls_server_name="other.test"), flags="--tls-server-name api.test"
    ),
    "--server clears tls-server-name": of_cluster(
        at(tls_server_name="other.test"), flags="--server @URL/x"
    ),
    # As whom
    "no user at all": of_user({}, refused=True),
    "--token": of(flags="--token T"),
    "--token over a plugin": of_user(plugin("exit 1"), flags="--token T"),
    "--token over a token file": of_user({"tokenFile": "@TOKEN"}, flags="--token T"),
    "--token over a certificate": of_user(CERT, flags="--token T"),
    "--token over a name and password": of_user(
        {"username": "u", "password": "p"}, flags="--token T", refused=True
    ),
    "a token file": of_user({"tokenFile": "@TOKEN"}),
    "a token file, relative": of_user({"tokenFile": "pki/token"}),
    "a token file that is missing": of_user({"tokenFile": "none"}, refused=True),
    "a token and a token file": of_user({"token": "T", "tokenFile": "@TOKEN"}),
    "a token and a missing token file": of_user({"token": "T", "tokenFile": "none"}),
    "an empty token file": of_user({"tokenFile": "@EMPTY"}, refused=True),
    "a token with a line feed": of_user({"token": "T\n"}, refused=True),
    "a token that no header may hold": of_user({"token": "a\nb"}, refused=True),
    "a name and a password": of_user({"username": "u", "password": "p:ä"}),
    "a name alone": of_user({"username": "u"}),
    "a password alone": of_user({"password": "p"}, refused=True),
    "--username and --password": of_user({}, flags="--username u --password p"),
    "two ways at once": of_user({"token": "T", "username": "u"}, refused=True),
    "a certificate": of_user(CERT),
    "a certificate and a token": of_user({**CERT, "token": "T"}),
    "a certificate's file": of_user({"client-certificate": "@CERT", "client-key": "@CERT"}),
    "a certificate's file, relative": of_user(
        {"client-certificate": "pki/cert.pem", "client-key": "pki/cert.pem"}
    ),
    "a certificate's file and key data": of_user(
        {"client-certificate": "@CERT", "client-key-data": "@CERT64"}
    ),
    "a certificate without a key": of_user({"client-certificate": "@CERT"}, refused=True),
    "a key without a certificate": of_user({"client-key": "@CERT"}, refused=True),
    "a certificate's file and data": of_user({**CERT, "client-certificate": "@CERT"}, refused=True),
    "a certificate's file that is missing": of_user(
        {"client-certificate": "none", "client-key": "@CERT"}, refused=True
    ),
    "a certificate that is none": of_user(
        {"client-certificate": "@FILE0", "client-key": "@FILE0"}, refused=True
    ),
    "another certificate's key": of_user(
        {"client-certificate": "@CERT", "client-key": "@CA"}, refused=True
    ),
    "--client-certificate": of_user({}, flags="--client-certificate @CERT --client-key @CERT"),
    # No row for --client-certificate over data that is none: kubectl reads the file in the
    # background (client-go transport, dynamicClientCert), and is refused or not as that goes.
    # As whom, by a plugin
    "a plugin": of_user(plugin(says(TOKEN))),
    "a plugin of v1beta1": of_user(
        plugin(
            says(credential("client.authentication.k8s.io/v1beta1", token="B")),
            apiVersion="client.authentication.k8s.io/v1beta1",
            interactiveMode=None,
        )
    ),
    "a plugin of v1alpha1": of_user(
        plugin(
            says(credential("client.authentication.k8s.io/v1alpha1", token="B")),
            apiVersion="client.authentication.k8s.io/v1alpha1",
        ),
        refused=True,
    ),
    "a plugin without a version": of_user(plugin(says(TOKEN), apiVersion=None), refused=True),
    "a plugin that answers in another version": of_user(
        plugin(says(credential("client.authentication.k8s.io/v1beta1", token="B"))), refused=True
    ),
    "a plugin's environment": of_user(
        plugin(ECHO, env=[{"name": "WHO", "value": "me"}]), env={"OUTER": "out", "WHO": "you"}
    ),
    "a plugin's nameless variable": of_user(
        plugin(says(TOKEN), env=[{"name": "", "value": "x"}]), refused=True
    ),
    "what a plugin is told": of_user(plugin(TOLD)),
    "what a plugin is told of the cluster": Case(
        [
            one(
                cluster=at(
                    tls_server_name="api.test",
                    extensions=[
                        {"name": "client.authentication.k8s.io/exec", "extension": {"k": "v"}}
                    ],
                ),
                user=plugin(TOLD, provideClusterInfo=True),
            )
        ]
    ),
    "what a plugin is told of an insecure cluster": Case(
        [
            one(
                cluster=at(certificate_authority_data=None, insecure_skip_tls_verify=True),
                user=plugin(TOLD, provideClusterInfo=True),
            )
        ]
    ),
    "what a plugin is told of a CA file": Case(
        [
            one(
                cluster=at(certificate_authority_data=None, certificate_authority="@CA"),
                user=plugin(TOLD, provideClusterInfo=True),
            )
        ]
    ),
    "a plugin of the folder": of_user(plugin("", command="./pki/login", args=None)),
    "a plugin that is not there": of_user(plugin("", command="no-such-login"), refused=True),
    "a plugin without a command": of_user(plugin("", command=None), refused=True),
    "a plugin with a certificate": of_user(
        plugin(says('{"apiVersion":"' + VERSION + '","kind":"ExecCredential","status":@PAIR}'))
    ),
    "a plugin with half a certificate": of_user(
        plugin(says(credential(clientCertificateData="x"))), refused=True
    ),
    "a plugin with a certificate that is none": of_user(
        plugin(says(credential(clientCertificateData="x", clientKeyData="y"))), refused=True
    ),
    "a plugin that fails": of_user(plugin("echo no session >&2; exit 3"), refused=True),
    "a plugin that says nothing": of_user(plugin("true"), refused=True),
    "a plugin that says no JSON": of_user(plugin("echo hello"), refused=True),
    "a plugin of another kind": of_user(
        plugin(says(TOKEN.replace("ExecCredential", "Pod"))), refused=True
    ),
    "a plugin without a status": of_user(
        plugin(says(TOKEN.replace("status", "spec"))), refused=True
    ),
    "a plugin with an empty status": of_user(plugin(says(credential())), refused=True),
    "a plugin's token has expired": of_user(plugin(says(PAST))),
    "a plugin's expiry is no time": of_user(
        plugin(says(credential(token="T", expirationTimestamp="soon"))), refused=True
    ),
    "a plugin that may ask": of_user(plugin(TOLD, interactiveMode="IfAvailable")),
    "a plugin that must ask": of_user(plugin(says(TOKEN), interactiveMode="Always"), refused=True),
    "a plugin that may sometimes ask": of_user(
        plugin(says(TOKEN), interactiveMode="Sometimes"), refused=True
    ),
    "a plugin of v1 without a mode": of_user(
        plugin(says(TOKEN), interactiveMode=None), refused=True
    ),
    "a plugin reads nothing": of_user(plugin("cat; " + says(TOKEN))),
    "a token and a plugin": of_user({"token": "T", **plugin("exit 1")}),
    "a certificate and a plugin": of_user({**CERT, **plugin("exit 1")}),
    "a name and a plugin": of_user({"username": "u", "password": "p", **plugin("exit 1")}),
    "a plugin and a provider": of_user(
        {**plugin(says(TOKEN)), "auth-provider": {"name": "oidc"}}, refused=True
    ),
    "a provider that nobody has": of_user({"auth-provider": {"name": "x"}}, refused=True),
    "a provider that was taken out": of_user({"auth-provider": {"name": "gcp"}}, refused=True),
    # As whom, by OpenID Connect
    "OIDC": of_user(oidc()),
    "OIDC, expired": of_user(oidc(id_token=OLD), refused=True),
    "OIDC, refreshed": of_user(oidc(id_token=OLD, refresh_token="r")),
    "OIDC, refreshed with a secret": of_user(
        oidc(id_token=OLD, refresh_token="r", client_id="c d", client_secret="s/:é")
    ),
    "OIDC, refreshed by a form": of_user(
        oidc(id_token=OLD, refresh_token="form", client_secret="s/:é")
    ),
    "OIDC, refreshed at its last moment": of_user(
        oidc(id_token=id_token(time.time() + 5), refresh_token="r")
    ),
    "OIDC without an id-token": of_user(oidc(id_token=None, refresh_token="r")),
    "OIDC without an expiry": of_user(oidc(id_token=id_token(None), refresh_token="r")),
    "OIDC, a CA file": of_user(
        oidc(
            id_token=OLD,
            refresh_token="r",
            idp_certificate_authority_data=None,
            idp_certificate_authority="@CA",
        )
    ),
    "OIDC, an issuer that is not trusted": of_user(
        oidc(id_token=OLD, refresh_token="r", idp_certificate_authority_data=None), refused=True
    ),
    "OIDC, an issuer with a slash at its end": of_user(
        oidc(id_token=OLD, refresh_token="r", idp_issuer_url="@URL/issuer/")
    ),
    "OIDC, an issuer that is not there": of_user(
        oidc(id_token=OLD, refresh_token="r", idp_issuer_url="https://127.0.0.1:1"), refused=True
    ),
    "OIDC, no issuer at that path": of_user(
        oidc(id_token=OLD, refresh_token="r", idp_issuer_url="@URL/none"), refused=True
    ),
    "OIDC, an issuer in clear": of_user(
        oidc(id_token=OLD, refresh_token="r", idp_issuer_url="http://127.0.0.1:@PLAIN/issuer")
    ),
    "OIDC, a refresh that is refused": of_user(
        oidc(id_token=OLD, refresh_token="refused"), refused=True
    ),
    "OIDC, a refresh without an id-token": of_user(
        oidc(id_token=OLD, refresh_token="empty"), refused=True
    ),
    "OIDC, an id-token that is none": of_user(oidc(id_token="x", refresh_token="r"), refused=True),
    "OIDC, an id-token whose claims are none": of_user(
        oidc(id_token="a.%.b", refresh_token="r"), refused=True
    ),
    "OIDC with a number": of_user(oidc(client_secret=7), refused=True),  # type: ignore[arg-type]
    "OIDC without an issuer": of_user(oidc(idp_issuer_url=None), refused=True),
    "OIDC without a client": of_user(oidc(client_id=None), refused=True),
    "OIDC and --token": of_user(oidc(), flags="--token T"),
    # In whose name
    "--as without permission": of(flags="--as mallory", refused=True),
    "as": of_user({"token": "T", "as": "jane", "as-uid": "7", "as-groups": ["g1", "g2"]}),
    "as-user-extra": of_user(
        {"token": "T", "as": "jane", "as-user-extra": {"Scopes": ["view", "edit"]}}
    ),
    "as-user-extra with other signs": of_user(
        {"token": "T", "as": "jane", "as-user-extra": {"example.org/a b%é": ["view"]}}
    ),
    "--as": of(flags="--as jane --as-uid 7 --as-group g1 --as-group g2"),
    "--as with other signs": of(flags="--as jürgen-日 --as-group ä"),
    "--as over as": of_user({"token": "T", "as": "joe", "as-groups": ["g"]}, flags="--as jane"),
    "--as-group over as-groups": of_user(
        {"token": "T", "as": "joe", "as-groups": ["g"]}, flags="--as-group h --as-group i"
    ),
    "--as-group with a comma": of(flags="--as jane --as-group a,b"),
    "--as-group alone": of(flags="--as-group g", refused=True),
    "--as-uid alone": of(flags="--as-uid 7", refused=True),
    "as-groups alone": of_user({"as-groups": ["g"]}, refused=True),
    # By which way
    "a proxy": of_cluster(at(proxy_url="http://127.0.0.1:@PROXY"), proxy=http()),
    "a proxy with a password": of_cluster(
        at(proxy_url="http://me:p%40ss@127.0.0.1:@PROXY"), proxy=http()
    ),
    "a proxy that refuses": of_cluster(
        at(proxy_url="http://127.0.0.1:@PROXY"),
        proxy=http(b"HTTP/1.1 403 No\r\n\r\n"),
        refused=True,
    ),
    "a proxy that is not there": of_cluster(at(proxy_url="http://127.0.0.1:1"), refused=True),
    "a proxy without a scheme": of_cluster(at(proxy_url="127.0.0.1:@PROXY"), refused=True),
    "a proxy of another scheme": of_cluster(at(proxy_url="ftp://127.0.0.1:1"), refused=True),
    "a proxy with TLS": of_cluster(
        at(proxy_url="https://127.0.0.1:@PROXY"), proxy=http(), proxy_tls="@CA"
    ),
    "a proxy with TLS and a password": of_cluster(
        at(proxy_url="https://me:p%40ss@127.0.0.1:@PROXY"), proxy=http(), proxy_tls="@CA"
    ),
    "a proxy with TLS, insecure": of_cluster(
        at(
            proxy_url="https://127.0.0.1:@PROXY",
            certificate_authority_data=None,
            insecure_skip_tls_verify=True,
        ),
        proxy=http(),
        proxy_tls="@CERT",
    ),
    "a proxy with TLS that is not trusted": of_cluster(
        at(proxy_url="https://127.0.0.1:@PROXY"), proxy=http(), proxy_tls="@CERT", refused=True
    ),
    "a proxy with TLS and tls-server-name": of_cluster(
        at(proxy_url="https://127.0.0.1:@PROXY", tls_server_name="api.test"),
        proxy=http(),
        proxy_tls="@CA",
    ),
    "a proxy with TLS and a certificate": Case(
        [one(cluster=at(proxy_url="https://127.0.0.1:@PROXY"), user=CERT)],
        proxy=http(),
        proxy_tls="@CA",
    ),
    "a proxy of IPv6": of_cluster(
        at(server="https://[::1]:@PORT6/six", proxy_url="http://127.0.0.1:@PROXY"), proxy=http()
    ),
    "a SOCKS proxy": of_cluster(at(proxy_url="socks5://127.0.0.1:@PROXY"), proxy=socks()),
    "a SOCKS proxy resolves names": of_cluster(
        at(server="https://api.test:@PORT/a", proxy_url="socks5://127.0.0.1:@PROXY"), proxy=socks()
    ),
    "a SOCKS proxy with a password": of_cluster(
        at(proxy_url="socks5://me:p%40ss@127.0.0.1:@PROXY"), proxy=socks(password=True)
    ),
    "a SOCKS proxy that refuses": of_cluster(
        at(proxy_url="socks5://127.0.0.1:@PROXY"), proxy=socks(refuse=5), refused=True
    ),
    "HTTPS_PROXY": of_cluster(
        at(server="https://api.test:@PORT/a"),
        env={"HTTPS_PROXY": "http://127.0.0.1:@PROXY"},
        proxy=http(),
    ),
    "https_proxy, no scheme": of_cluster(
        at(server="https://api.test:@PORT/a"),
        env={"https_proxy": "127.0.0.1:@PROXY"},
        proxy=http(),
    ),
    "HTTPS_PROXY is SOCKS": of_cluster(
        at(server="https://api.test:@PORT/a"),
        env={"HTTPS_PROXY": "socks5://127.0.0.1:@PROXY"},
        proxy=socks(),
    ),
    "HTTPS_PROXY and the loopback": of(
        env={"HTTPS_PROXY": "http://127.0.0.1:@PROXY"}, proxy=http()
    ),
    "proxy-url over HTTPS_PROXY": of_cluster(
        at(proxy_url="http://127.0.0.1:@PROXY"),
        env={"HTTPS_PROXY": "http://127.0.0.1:1"},
        proxy=http(),
    ),
    "proxy-url over NO_PROXY": of_cluster(
        at(proxy_url="http://127.0.0.1:@PROXY"), env={"NO_PROXY": "*"}, proxy=http()
    ),
    "NO_PROXY": of_cluster(
        at(server="https://api.test:1/a"),
        env={"HTTPS_PROXY": "http://127.0.0.1:@PROXY", "NO_PROXY": ".test"},
        proxy=http(),
        refused=True,
    ),
    "NO_PROXY of another": of_cluster(
        at(server="https://api.test:@PORT/a"),
        env={"HTTPS_PROXY": "http://127.0.0.1:@PROXY", "NO_PROXY": "i.test,10.0.0.0/8"},
        proxy=http(),
    ),
    "HTTP_PROXY is not for TLS": of(env={"HTTP_PROXY": "http://127.0.0.1:1"}),
    "--server keeps proxy-url": of_cluster(
        at(proxy_url="http://127.0.0.1:@PROXY"), flags="--server @URL/x", proxy=http()
    ),
    # How long
    "--request-timeout": of(flags="--request-timeout 30"),
    "--request-timeout 0": of(flags="--request-timeout 0"),
    "--request-timeout that is none": of(flags="--request-timeout soon", refused=True),
}


class Place:
    """The servers, files and words of one case."""

    def __init__(self, folder: Path, api: Any, plain: Any, six: Relay, pems: tuple[Path, Path]):
        self.folder, self.api, self.plain = folder, api, plain
        ca, cert = pems
        (folder / "pki").mkdir()
        for name, text in (
            ("ca.pem", ca.read_text()),
            ("cert.pem", cert.read_text()),
            ("token", "from-file\n"),
            ("empty", "\n"),
            ("login", f"#!/bin/sh\n{says(TOKEN)}"),
        ):
            (folder / "pki" / name).write_text(text)
        (folder / "pki" / "login").chmod(0o755)
        pair = {"clientCertificateData": cert.read_text(), "clientKeyData": cert.read_text()}
        self.words = {
            "@URL": api.url,
            "@HOSTPORT": f"127.0.0.1:{api.port}",
            "@PORT6": str(six.port),
            "@PORT": str(api.port),
            "@PLAIN": str(plain.port),
            "@CA64": base64.b64encode(ca.read_bytes()).decode(),
            "@CERT64": base64.b64encode(cert.read_bytes()).decode(),
            "@CA": str(folder / "pki" / "ca.pem"),
            "@CERT": str(folder / "pki" / "cert.pem"),
            "@TOKEN": str(folder / "pki" / "token"),
            "@EMPTY": str(folder / "pki" / "empty"),
            "@FILE": str(folder / "config"),
            "@FOLDER": str(folder),
            "@HOME": str(folder / "home"),
        }
        self.pair = json.dumps(pair)

    def filled(self, text: str) -> str:
        for word, value in self.words.items():
            text = text.replace(word, value)
        return text

    def relay(self, case: Case) -> Relay:
        """What stands before the server; @PROXY is its port."""
        certificate = Path(self.filled(case.proxy_tls)) if case.proxy_tls else None
        relay = Relay(self.api.port, case.proxy or straight, certificate=certificate)
        self.words = {"@PROXY": str(relay.port), **self.words}
        return relay

    def write(self, case: Case) -> str:
        """The files; what KUBECONFIG is."""
        paths = [self.folder / f"config{number}" for number, _ in enumerate(case.files)]
        for path, content in zip(paths, case.files, strict=True):
            if content is None:
                continue
            text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
            text = text.replace("@PAIR", json.dumps(self.pair)[1:-1])
            path.write_text(self.filled(text), encoding="utf-8")
            (self.folder / "home" / ".kube").mkdir(parents=True, exist_ok=True)
            shutil.copy(path, self.folder / "home" / ".kube" / "config")
        return os.pathsep.join(map(str, paths))


NAMESPACES = ("default", "shop", "other", "x")


def answer(exchange: Any) -> None:
    """Enough of the API for both to ask for Services: there are none."""
    if exchange.asked.path.startswith("/issuer/"):
        issue(exchange)
        return
    if exchange.asked.path.startswith("/none/"):
        exchange.refuse(404, "not found")
        return
    last = exchange.asked.path.rpartition("/")[2]
    kinds: dict[str, Any] = {
        "api": {"kind": "APIVersions", "versions": ["v1"]},
        "apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
        "v1": {
            "kind": "APIResourceList",
            "groupVersion": "v1",
            "resources": [
                {"name": name, "namespaced": True, "kind": kind, "verbs": ["list", "get"]}
                for name, kind in (("services", "Service"), ("pods", "Pod"))
            ],
        },
        "version": {"major": "1", "minor": "36", "gitVersion": "v1.36.3"},
        "services": {"kind": "ServiceList", "apiVersion": "v1", "metadata": {}, "items": []},
    }
    items = [{"metadata": {"name": name}} for name in NAMESPACES if last == "namespaces"]
    nothing = {"kind": "List", "apiVersion": "v1", "metadata": {}, "items": items}
    if exchange.asked.header("Impersonate-User") == ["mallory"]:
        exchange.refuse(403, 'users "mallory" is forbidden: cannot impersonate')
        return
    exchange.json(kinds.get(last, nothing), headers={"Content-Type": "application/json"})


@pytest.fixture
def place(
    tmp_path: Path, tls_api: Any, api: Any, certificate: Path, client_certificate: Path
) -> Iterator[Place]:
    tls_api.otherwise = api.otherwise = answer
    six = Relay(tls_api.port, straight, host="::1")
    yield Place(tmp_path, tls_api, api, six, (certificate, client_certificate))
    six.close()


def seen(place: Place, path: str = "/services") -> set[tuple[Any, ...]]:
    """How what ends so was asked for, since the last time."""
    found = set()
    for api in (place.api, place.plain):
        for asked in api.asked:
            if asked.path.endswith(path):
                who = sorted(
                    (key.lower(), value)
                    for key, value in asked.headers
                    if key.lower().startswith(("impersonate-", "authorization"))
                )
                found.add(
                    (
                        asked.path,
                        asked.header("Host")[0],
                        asked.server_name,
                        asked.subject,
                        tuple(who),
                        path == "/services" and "gzip" in asked.header("Accept-Encoding"),
                    )
                )
        api.asked.clear()
    return found


def by_kubectl(flags: Sequence[str], env: dict[str, str]) -> tuple[int, str]:
    ran = subprocess.run(
        [KUBECTL, "get", "services", *flags],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return ran.returncode, ran.stderr


def by_svcnet(flags: Sequence[str], capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    try:
        ended = main(["trace", *flags])
    except SystemExit as stopped:
        ended = int(stopped.code or 0)
    return ended, capfd.readouterr().err


@pytest.mark.tools("openssl")
@pytest.mark.parametrize("name", CASES)
def test_as_kubectl(
    name: str,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    if not KUBECTL:
        pytest.skip(LACKING)
    case = CASES[name]
    relay = place.relay(case)
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(place.folder / "nobody"),
        "KUBECONFIG": place.write(case),
        **{key: place.filled(value) for key, value in case.env.items()},
    }
    flags = place.filled(case.flags).split()
    status, said = by_kubectl(flags, env)
    theirs, by_their_way = seen(place), set(relay.asked)
    relay.asked.clear()
    assert bool(status) is case.refused, f"kubectl: {said}"
    place.write(case)  # kubectl saves what an issuer gives

    for key in set(os.environ) - set(env):
        monkeypatch.delenv(key)
    for key, value in env.items():
        monkeypatch.setenv(key, value)
    ended, err = by_svcnet(flags, capfd)
    if "_ALERT_DECODE_ERROR" in err:  # of the loopback server, seen once in some 10,000
        seen(place)
        relay.asked.clear()
        ended, err = by_svcnet(flags, capfd)
    relay.close()
    both = f"kubectl: {said}\nsvcnet: {err}\nserver: {place.api.faults}"
    assert "Traceback" not in err
    assert ended == (0 if not case.refused else ended or 3), both
    if case.refused:
        assert ended in (2, 3), both
    else:
        assert (seen(place), set(relay.asked)) == (theirs, by_their_way), both
        assert theirs


#: By which way an exec goes too, which is a connection of its own to both.
WAYS = {name: case for name, case in CASES.items() if case.proxy and not case.refused} | {
    name: CASES[name] for name in ("one file", "IPv6", "tls-server-name", "a certificate", "--as")
}


def in_a_pod(exchange: Any) -> None:
    """A pod, and an exec in it that prints a line."""
    if exchange.asked.path.endswith("/exec"):
        wire = exchange.upgrade()
        wire.message(b"\x01done\n")
        wire.exit(0)
    elif exchange.asked.path.endswith("/pods/x"):
        spec = {"containers": [{"name": "c"}]}
        named = {"name": "x", "namespace": "default"}
        pod = {"kind": "Pod", "apiVersion": "v1", "metadata": named, "spec": spec}
        exchange.json({**pod, "status": {"phase": "Running"}})
    else:
        answer(exchange)


@pytest.mark.tools("openssl")
@pytest.mark.parametrize("name", WAYS)
def test_an_exec_as_kubectl(name: str, place: Place) -> None:
    if not KUBECTL:
        pytest.skip(LACKING)
    case = WAYS[name]
    relay = place.relay(case)
    place.api.otherwise = place.plain.otherwise = in_a_pod
    env = {"PATH": os.environ["PATH"], "HOME": str(place.folder / "nobody")}
    env |= {"KUBECONFIG": place.write(case)}
    env |= {key: place.filled(value) for key, value in case.env.items()}
    flags = place.filled(case.flags).split()
    ran = subprocess.run(
        [KUBECTL, "exec", "x", *flags, "--", "true"],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if not case.proxy_tls:  # through which kubectl speaks SPDY, as the server here does not
        assert (ran.returncode, ran.stdout) == (0, "done\n"), ran.stderr
    theirs, by_their_way = seen(place, "/exec"), set(relay.asked)
    relay.asked.clear()

    given = build_parser().parse_args(["version", *flags])
    source = LiveSource(load_config(to_overrides(given), env), Limits())
    request = ExecRequest(
        node="n", namespace="default", pod="x", container="c", commands=(STATUS,), shell=False
    )
    [capture] = source.fetch(request)
    relay.close()
    assert (capture.failure, capture.data) == (None, b"done\n")
    assert (seen(place, "/exec"), set(relay.asked)) == (theirs, by_their_way)


#: Where a pod has its ServiceAccount, in a mount namespace of its own.
IN_A_POD = (
    "mount -t tmpfs none /run && mkdir -p /run/secrets/kubernetes.io &&"
    ' ln -s "$ACCOUNT" /run/secrets/kubernetes.io/serviceaccount && exec "$@"'
)
PODS: dict[str, tuple[dict[str, str], str]] = {
    "alone": ({}, ""),
    "by IPv6": ({"KUBERNETES_SERVICE_HOST": "::1", "KUBERNETES_SERVICE_PORT": "@PORT6"}, ""),
    "with POD_NAMESPACE": ({"POD_NAMESPACE": "other"}, ""),
    "-n": ({}, "-n other"),
    "-A": ({}, "-A"),
    # No row for --as: kubectl forgets that it is in a pod then, and asks localhost:8080.
    "beside a kubeconfig": ({"KUBECONFIG": "@FILE0"}, ""),
    "a kubeconfig that is missing": ({"KUBECONFIG": "@FOLDER/none"}, ""),
}


@pytest.mark.kernel
@pytest.mark.tools("openssl", "unshare")
@pytest.mark.parametrize("name", PODS)
def test_in_a_pod_as_kubectl(name: str, place: Place) -> None:
    if not KUBECTL:
        pytest.skip(LACKING)
    more, flags = PODS[name]
    place.write(Case())
    account = place.folder / "account"
    account.mkdir()
    shutil.copy(place.folder / "pki" / "ca.pem", account / "ca.crt")
    (account / "token").write_text("of-the-pod")
    (account / "namespace").write_text("shop")
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(place.folder / "nobody"),
        "ACCOUNT": str(account),
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": "@PORT",
        **more,
    }
    env = {key: place.filled(value) for key, value in env.items()}
    asked = []
    for words in ((KUBECTL, "get", "services"), (sys.executable, "-m", "kubectl_svcnet", "trace")):
        ran = subprocess.run(
            ["unshare", "-m", "sh", "-c", IN_A_POD, "sh", *words, *flags.split()],
            env=env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ran.returncode == 0, (words, ran.stderr)
        asked.append(seen(place))
    assert asked[0] == asked[1]
    assert asked[0]
