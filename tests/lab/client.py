"""What tests import: the running lab, its nodes, and connections from everywhere.

lab = Lab()
lab.pod_client("client-n1", lab.cluster_ip("db-service"), 3306, 300).answers
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import (
    backend,
    cluster,
    fabric,
    flannel,
    guest,
    kube,
    namespaces,
    node,
    paths,
    proxy,
    rules,
    small,
)
from .build import build_labsrv
from .shell import LabError, run, wait_until
from .topology import EXTERNAL, node_named


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a client saw: answers are counted by "HOSTNAME CLIENT-IP", errors by their kind."""

    answers: dict[str, int]
    errors: dict[str, int]

    @property
    def hosts(self) -> dict[str, int]:
        """How often each server answered."""
        counts: dict[str, int] = {}
        for answer, count in self.answers.items():
            host = answer.split()[0]
            counts[host] = counts.get(host, 0) + count
        return counts


class Lab:
    def __init__(self) -> None:
        if not cluster.is_up():
            raise LabError("The lab is not up: python3 -m tests.lab up")

    kubeconfig: Path = paths.ADMIN_KUBECONFIG
    viewer_kubeconfig: Path = paths.VIEWER_KUBECONFIG
    audit_log: Path = paths.AUDIT_LOG
    kubectl_path: Path = paths.BIN / "kubectl"

    def kubectl(self, *argv: str, stdin: str | None = None) -> str:
        return kube.kubectl(*argv, stdin=stdin)

    def cluster_ip(self, service: str) -> str:
        return str(kube.get("service", service)["spec"]["clusterIP"])

    def node_exec(self, name: str, argv: Sequence[str], *, stdin: str | None = None) -> str:
        """Runs a program of this machine inside the node: its network, files and processes."""
        return run([*namespaces.prefix(node_named(name)), *argv], stdin=stdin)

    def pod_client(
        self, pod: str, ip: str, port: int, n: int = 1, proto: str = "tcp", *flags: str
    ) -> Traffic:
        argv = client_arguments(ip, port, n, proto, flags)
        return traffic(kube.kubectl("exec", pod, "--", "labsrv", *argv))

    def node_client(
        self, name: str, ip: str, port: int, n: int = 1, proto: str = "tcp", *flags: str
    ) -> Traffic:
        argv = client_arguments(ip, port, n, proto, flags)
        return traffic(self.node_exec(name, [str(build_labsrv()), *argv]))

    def external_client(
        self, ip: str, port: int, n: int = 1, proto: str = "tcp", *flags: str
    ) -> Traffic:
        """From 172.18.0.9, outside the cluster."""
        argv = client_arguments(ip, port, n, proto, flags)
        return traffic(run([*fabric.inside(EXTERNAL), str(build_labsrv()), *argv]))

    def proxy_pod(self, name: str) -> str:
        [pod] = proxy.pods(node_named(name))
        return pod.removeprefix("pod/")

    def proxy_mode(self, name: str) -> str:
        return proxy.current_mode(node_named(name))

    def backend(self, name: str) -> str:
        return node.backend(node_named(name))

    def rules(self, name: str) -> str:
        """What kube-proxy wrote there, read without the tool under test."""
        return rules.listing(node_named(name), self.proxy_mode(name))

    def stop_kubelet(self, name: str) -> None:
        node.stop_kubelet(node_named(name))

    def start_kubelet(self, name: str) -> None:
        """Returns when exec and logs work again."""
        node.start_kubelet(node_named(name))
        pods = f"/api/v1/nodes/{name}/proxy/pods"
        wait_until(
            f"{name}: the kubelet knows its pods",
            lambda: f"client-{name}" in kube.answer("get", "--raw", pods),
            timeout=60,
        )

    def processes(self, name: str, command: str) -> list[int]:
        """PIDs, as the machine sees them, of kube-proxy, kubelet or the like on that node."""
        return [process.pid for process in node.processes(node_named(name), command)]

    def switch_mode(self, name: str, mode: str) -> None:
        proxy.switch_mode(node_named(name), mode)

    def has_guest(self) -> bool:
        return guest.is_there()

    def add_guest(self, mode: str) -> None:
        guest.add(mode)

    def remove_guest(self) -> None:
        guest.remove()

    def add_small(self) -> None:
        small.add()

    def remove_small(self) -> None:
        small.remove()

    def switch_cni(self, name: str) -> None:
        flannel.SWITCH[name]()

    def switch_backend(self, name: str, to: str) -> None:
        backend.switch(node_named(name), to)


def client_arguments(
    ip: str, port: int, n: int, proto: str, flags: Sequence[str]
) -> tuple[str, ...]:
    return ("client", *flags, ip, str(port), str(n), proto)


def traffic(output: str) -> Traffic:
    counts = json.loads(output)
    return Traffic(counts["answers"], counts["errors"])
