"""Every way to a credential, and that a failing way is an error, never an anonymous request."""

from __future__ import annotations

import base64
import json
import os
import ssl
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet.cluster import credentials
from kubectl_svcnet.cluster.config import Auth, ClusterConfig, Tls
from kubectl_svcnet.cluster.credentials import load_credentials, tls_context
from kubectl_svcnet.errors import ClusterError
from tests.cluster.issuer import id_token

VERSION = "client.authentication.k8s.io/v1"


def config(**auth: Any) -> ClusterConfig:
    return ClusterConfig(server="https://api", auth=Auth(**auth))


def header(**auth: Any) -> str | None:
    return load_credentials(config(**auth)).authorization


def plugin(stdout: str) -> dict[str, Any]:
    """An exec plugin that prints this."""
    return {
        "command": "sh",
        "args": ["-c", f"cat <<'E_O_F'\n{stdout}\nE_O_F\n"],
        "apiVersion": VERSION,
        "interactiveMode": "Never",
    }


def status(**fields: str) -> str:
    return json.dumps({"apiVersion": VERSION, "kind": "ExecCredential", "status": fields})


def test_tokens(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")
    assert header(token="T") == "Bearer T"
    assert header(token="T", token_file=str(file)) == "Bearer from-file"
    assert header(token="T", token_file=str(tmp_path / "none")) == "Bearer T"
    assert header() is None
    assert header(username="u", password="p") == f"Basic {base64.b64encode(b'u:p').decode()}"
    file.write_text("\n")
    with pytest.raises(ClusterError, match="token is empty"):
        header(token_file=str(file))
    with pytest.raises(ClusterError, match="getting credentials: cannot read"):
        header(token_file=str(tmp_path / "none"))


@pytest.mark.parametrize("token", ["a\nb", "a\n", "a\x00b", "tökén"])
def test_a_token_that_no_header_may_hold(token: str) -> None:
    with pytest.raises(ClusterError, match="characters") as caught:
        header(token=token)
    assert token not in str(caught.value)


def test_a_plugin_with_a_token() -> None:
    assert header(exec=plugin(status(token="PT"))) == "Bearer PT"


def test_a_plugin_with_a_certificate() -> None:
    answer = status(clientCertificateData="CERT", clientKeyData="KEY")
    found = load_credentials(config(exec=plugin(answer)))
    assert (found.authorization, found.tls.cert_data, found.tls.key_data) == (None, b"CERT", b"KEY")
    assert "KEY" not in repr(found)


def test_oidc() -> None:
    settings = {"id-token": id_token(), "idp-issuer-url": "https://i", "client-id": "c"}
    found = load_credentials(config(provider={"name": "oidc", "config": settings}))
    assert found.authorization == f"Bearer {settings['id-token']}"
    assert (found.expires, found.oidc) == (4102444800, settings)
    assert settings["id-token"] not in repr(found)


# TLS


@pytest.mark.tools("openssl")
@pytest.mark.parametrize("anonymous", [True, False])
def test_certificates_from_memory(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anonymous: bool
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    if not anonymous:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    both = certificate.read_bytes()
    tls_context(Tls(ca_data=both, cert_data=both, key_data=both))
    tls_context(Tls(ca_file=str(certificate), cert_file=str(certificate), key_data=both))
    assert not list(tmp_path.iterdir())


def test_key_files_are_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with credentials._as_file(b"KEY", None) as name:
        assert stat.S_IMODE(os.stat(name).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(Path(name).parent).st_mode) == 0o700
    assert not list(tmp_path.iterdir())


def test_trust() -> None:
    assert tls_context(Tls()).verify_mode is ssl.CERT_REQUIRED
    insecure = tls_context(Tls(verify=False))
    assert (insecure.verify_mode, insecure.check_hostname) == (ssl.CERT_NONE, False)


@pytest.mark.parametrize(
    "tls", [Tls(ca_data=b"no PEM"), Tls(ca_file="/none"), Tls(cert_data=b"x", key_data=b"y")]
)
def test_broken_certificates(tls: Tls) -> None:
    with pytest.raises(ClusterError, match="certificates of the kubeconfig"):
        tls_context(tls)
