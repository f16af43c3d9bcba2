"""A cluster of rules only as a Source: lists from its API server, commands on the node itself.

There is no kubelet to exec through, so the script of `cluster.batch` runs where kube-proxy does:
in its network, mount and process namespaces. All else is as on any cluster.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from kubectl_svcnet.cluster.exec import Ran, run_batch
from kubectl_svcnet.cluster.limits import Limits
from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.model.capture import (
    ApiRequest,
    Capture,
    ExecRequest,
    ForwardRequest,
    LogRequest,
    Request,
)

from .control_plane import ControlPlane

#: Whole lists, from which whatever is asked for is picked.
LISTS = (
    "/api/v1/configmaps",
    "/api/v1/nodes",
    "/api/v1/pods",
    "/api/v1/services",
    "/apis/discovery.k8s.io/v1/endpointslices",
    "/apis/networking.k8s.io/v1/servicecidrs",
)


class NodeSource:
    """`prefix` goes before what is run on the node, `log` is kube-proxy's. The API is read once:
    nobody writes there but the test."""

    def __init__(self, plane: ControlPlane, prefix: Sequence[str], log: Path) -> None:
        self._api = ReplaySource.of(
            Capture(request=ApiRequest(path=path), objects=tuple(plane.read(path)["items"]))
            for path in LISTS
        )
        self._prefix, self.log = prefix, log

    context = "rules-only"

    def now(self) -> float:
        return time.time()

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        match request:
            case ExecRequest():
                return run_batch(request, Limits(), self._run)
            case LogRequest():
                data = self.log.read_bytes()[: request.limit_bytes]
                return (Capture(request=request, started=time.time(), data=data, size=len(data)),)
            case ForwardRequest():
                # Of either family, as containerd dials.
                url = f"http://localhost:{request.port}{request.path}"
                data = self._run(request, ("curl", "-s", "--max-time", "20", url), 0).stdout
                return (Capture(request=request, started=time.time(), data=data, size=len(data)),)
            case _:
                return self._api.fetch(request)

    def _run(self, request: Request, argv: Sequence[str], limit: int) -> Ran:
        started = time.time()
        words = [*self._prefix, *argv]
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=600, check=False
        )
        return Ran(
            started=started,
            seconds=time.time() - started,
            stdout=done.stdout,
            stderr=done.stderr,
            exit_code=done.returncode,
        )
