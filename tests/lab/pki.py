"""Certificates and kubeconfigs, made anew for every run under an authority of its own."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from string import Template

from . import paths
from .shell import run
from .topology import API_SERVER, API_URL, NODES, SERVICE_API_ADDRESSES, Node

EC_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
# Without a configuration of its own, openssl would add the extensions of Debian's.
OPENSSL_CONFIG = "[req]\ndistinguished_name=dn\n[dn]\n"
API_NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


def make_all() -> None:
    authority = the_lab()
    authority.make()
    with ThreadPoolExecutor() as pool:
        jobs = [pool.submit(authority.serving, *job) for job in serving_jobs()]
        jobs += [pool.submit(authority.client, *job) for job in client_jobs()]
        jobs += [pool.submit(authority.kubeconfig, *job) for job in kubeconfig_jobs()]
        for made in jobs:
            made.result()


def make_for(node: Node) -> None:
    """What a node needs that joins later."""
    the_lab().serving(*kubelet_serving(node))
    the_lab().kubeconfig(*kubelet_client(node))


def the_lab() -> Authority:
    return Authority(paths.PKI, API_URL)


def serving_jobs() -> list[tuple[Path, str, list[str]]]:
    api = api_names(["127.0.0.1", "::1", API_SERVER, *SERVICE_API_ADDRESSES])
    jobs = [(paths.PKI / "apiserver", "/CN=kube-apiserver", api)]
    return [*jobs, *map(kubelet_serving, NODES)]


def kubelet_serving(node: Node) -> tuple[Path, str, list[str]]:
    names = [f"IP:{node.ipv4}", f"IP:{node.ipv6}", f"DNS:{node.name}"]
    return (node.folder / "kubelet-serving", node_subject(node), names)


def api_names(addresses: Iterable[str]) -> list[str]:
    return [*(f"IP:{ip}" for ip in addresses), *(f"DNS:{name}" for name in API_NAMES)]


def client_jobs() -> list[tuple[Path, str]]:
    return [
        (
            paths.PKI / "apiserver-kubelet-client",
            "/O=system:masters/CN=kube-apiserver-kubelet-client",
        ),
        (paths.PKI / "front-proxy-client", "/CN=front-proxy-client"),
    ]


def kubeconfig_jobs() -> list[tuple[Path, str]]:
    folder = paths.KUBERNETES_FOLDER
    return [
        (paths.ADMIN_KUBECONFIG, "/O=system:masters/CN=admin"),
        (paths.VIEWER_KUBECONFIG, "/O=lab:viewers/CN=viewer"),
        (folder / "controller-manager.conf", "/CN=system:kube-controller-manager"),
        (folder / "scheduler.conf", "/CN=system:kube-scheduler"),
        *map(kubelet_client, NODES),
    ]


def kubelet_client(node: Node) -> tuple[Path, str]:
    return (node.folder / "kubelet.conf", node_subject(node))


def node_subject(node: Node) -> str:
    return f"/O=system:nodes/CN=system:node:{node.name}"


@dataclass(frozen=True, slots=True)
class Authority:
    """One certificate authority, the service account keys beside it, and whom it vouches for."""

    folder: Path
    server: str  # which the kubeconfigs name

    def make(self) -> None:
        self.folder.mkdir(parents=True)
        openssl(
            "req",
            "-x509",
            *EC_KEY,
            "-subj",
            "/CN=lab",
            "-days",
            "3650",
            "-addext",
            "basicConstraints=critical,CA:TRUE",
            "-addext",
            "keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign",
            "-keyout",
            self.folder / "ca.key",
            "-out",
            self.folder / "ca.crt",
        )
        key, public = self.folder / "sa.key", self.folder / "sa.pub"
        run(["openssl", "genrsa", "-out", str(key), "2048"])
        run(["openssl", "rsa", "-in", str(key), "-pubout", "-out", str(public)])

    def serving(self, stem: Path, subject: str, names: list[str]) -> None:
        self._signed(
            stem,
            subject,
            "-addext",
            "extendedKeyUsage=serverAuth",
            "-addext",
            "subjectAltName=" + ",".join(names),
        )

    def client(self, stem: Path, subject: str) -> None:
        self._signed(stem, subject, "-addext", "extendedKeyUsage=clientAuth")

    def _signed(self, stem: Path, subject: str, *extensions: str) -> None:
        stem.parent.mkdir(parents=True, exist_ok=True)
        openssl(
            "req",
            "-x509",
            *EC_KEY,
            "-subj",
            subject,
            "-days",
            "3650",
            "-CA",
            self.folder / "ca.crt",
            "-CAkey",
            self.folder / "ca.key",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-addext",
            "keyUsage=critical,digitalSignature,keyEncipherment",
            *extensions,
            "-keyout",
            stem.with_suffix(".key"),
            "-out",
            stem.with_suffix(".crt"),
        )

    def kubeconfig(self, target: Path, subject: str) -> None:
        """Everything embedded: the file can be copied anywhere."""
        stem = target.with_name(target.stem + "-client")
        self.client(stem, subject)
        text = Template((paths.TEMPLATES / "kubeconfig.yaml").read_text()).substitute(
            user=subject.rpartition("=")[2],
            server=self.server,
            authority=encoded(self.folder / "ca.crt"),
            certificate=encoded(stem.with_suffix(".crt")),
            key=encoded(stem.with_suffix(".key")),
        )
        target.write_text(text)
        target.chmod(0o600)


def encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


def openssl(*argv: str | Path) -> None:
    run(["openssl", *map(str, argv), "-config", "/dev/stdin"], stdin=OPENSSL_CONFIG)
