"""A control plane for rules only: etcd and kube-apiserver, ready within seconds.

No kubelet and no controller: Nodes, Services and EndpointSlices are whatever a test writes, and
nothing writes them anew. It lives in a network namespace of its own, on a bridge to which nodes
are plugged; nothing of it is in the machine's network.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab import build, fabric, paths, pki
from tests.lab.shell import LabError, attempt, run, wait_until

from .topology import GATEWAY, SERVICE_API_ADDRESS, SERVICE_RANGE, node_objects

SERVER = f"https://{GATEWAY[0]}:6443"
ETCD = "http://127.0.0.1:2379"
BRIDGE = "br0"
Object = dict[str, Any]


@dataclass(slots=True)
class ControlPlane:
    """`folder` is for keys, data and logs; `stem` begins the names of its namespaces."""

    folder: Path
    stem: str
    made: list[Object] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        return f"{self.stem}-api"

    @property
    def proxy_kubeconfig(self) -> Path:
        return self.folder / "kube-proxy.conf"

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        return run([*self._kubectl(), *words], stdin=stdin)

    def _kubectl(self) -> list[str]:
        files = (f"--kubeconfig={self.folder / 'admin.conf'}", f"--cache-dir={self.folder}/cache")
        return [*fabric.inside(self.namespace), str(paths.BIN / "kubectl"), *files]

    def apply(self, objects: Iterable[Object]) -> None:
        """Makes or changes them, with their status where they have one."""
        objects = list(objects)
        apply = ("apply", "--server-side", "--force-conflicts", "-f", "-")
        self.kubectl(*apply, stdin=_list(_without_status(one) for one in objects))
        if with_status := [one for one in objects if "status" in one]:
            # `apply` refuses a node with two InternalIPs.
            self.kubectl("replace", "--subresource=status", "-f", "-", stdin=_list(with_status))

    def replace(self, objects: Iterable[Object]) -> None:
        """These instead of those that the last call made. Namespaces stay, empty: no controller is
        here to end one."""
        objects = list(objects)
        kept = set(map(_key, objects))
        gone = [one for one in self.made if _key(one) not in kept and one["kind"] != "Namespace"]
        if gone:
            self.kubectl("delete", "--wait", "--ignore-not-found", "-f", "-", stdin=_list(gone))
        self.apply(objects)
        self.made = objects

    def read(self, path: str) -> Any:
        return json.loads(self.kubectl("get", "--raw", path))

    def ready(self) -> bool:
        return attempt([*self._kubectl(), "get", "--raw=/readyz"]).returncode == 0


@contextmanager
def control_plane(folder: Path, stem: str) -> Iterator[ControlPlane]:
    """Up, with nodes and without Services; all of it is gone behind."""
    build.build_kubernetes(programs=("kube-apiserver", "kubectl"))
    made = ControlPlane(folder, stem)
    keys = _keys(made)
    run(["ip", "netns", "add", made.namespace])
    try:
        _bridge(made.namespace)
        inside = fabric.inside(made.namespace)
        data = f"--data-dir={folder / 'etcd'}"
        urls = (f"--listen-client-urls={ETCD}", f"--advertise-client-urls={ETCD}")
        with (
            running([*inside, "etcd", data, *urls], folder / "etcd.log"),
            running([*inside, *_api_server(keys)], folder / "kube-apiserver.log"),
        ):
            wait_until("the API server is ready", made.ready, timeout=600)
            made.apply([_namespace("kube-system"), *node_objects()])
            yield made
    finally:
        run(["ip", "netns", "delete", made.namespace])


@contextmanager
def running(argv: Sequence[str], log: Path, path: str = "") -> Iterator[int]:
    """A process for as long as the context lasts; `path` goes before PATH. Gives its number.

    It is killed at once: kube-apiserver would wait for its etcd, and nothing of it is kept.
    """
    programs = f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": programs},
            cwd="/",
        ) as process,
    ):
        try:
            yield process.pid
        except LabError as error:
            if (status := process.poll()) is None:
                raise
            said = log.read_text(encoding="utf-8", errors="replace")[-3000:]
            raise LabError(f"{log.stem} ended with status {status}: {said}") from error
        finally:
            process.kill()


def _keys(made: ControlPlane) -> Path:
    authority = pki.Authority(made.folder / "pki", SERVER)
    authority.make()
    names = pki.api_names(("127.0.0.1", GATEWAY[0], SERVICE_API_ADDRESS))
    authority.serving(authority.folder / "apiserver", "/CN=kube-apiserver", names)
    authority.kubeconfig(made.folder / "admin.conf", "/O=system:masters/CN=admin")
    authority.kubeconfig(made.proxy_kubeconfig, "/CN=system:kube-proxy")
    return authority.folder


def _bridge(namespace: str) -> None:
    fabric.set_sysctls(namespace, fabric.FABRIC_SYSCTLS)
    fabric.ip(namespace, "link", "set", "lo", "up")
    fabric.ip(namespace, "link", "add", BRIDGE, "type", "bridge")
    fabric.ip(namespace, "address", "add", f"{GATEWAY[0]}/24", "dev", BRIDGE)
    fabric.ip(namespace, "address", "add", f"{GATEWAY[1]}/64", "dev", BRIDGE, "nodad")
    fabric.ip(namespace, "link", "set", BRIDGE, "up")


def _api_server(keys: Path) -> list[str]:
    return [
        str(paths.BIN / "kube-apiserver"),
        f"--etcd-servers={ETCD}",
        f"--advertise-address={GATEWAY[0]}",
        "--secure-port=6443",
        "--authorization-mode=RBAC",
        "--disable-admission-plugins=ServiceAccount",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={keys / 'sa.pub'}",
        f"--service-account-signing-key-file={keys / 'sa.key'}",
        f"--client-ca-file={keys / 'ca.crt'}",
        f"--tls-cert-file={keys / 'apiserver.crt'}",
        f"--tls-private-key-file={keys / 'apiserver.key'}",
    ]


def _namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _list(objects: Iterable[Object]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


def _without_status(one: Object) -> Object:
    return {key: value for key, value in one.items() if key != "status"}


def _key(one: Object) -> tuple[str, str, str]:
    meta = one["metadata"]
    return one["kind"], meta.get("namespace", "default"), meta["name"]
