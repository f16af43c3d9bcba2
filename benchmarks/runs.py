"""One run of each way to ask for a Service, timed as a person waits for it.

By hand: `kubectl exec POD -- iptables-save | grep SERVICE` for each kube-proxy pod in turn; the
list of pods is taken as known. Ours: `kubectl svcnet trace SERVICE`, kubectl's own start included.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sysconfig
import time
from collections.abc import Sequence
from typing import Any

from tests.lab import paths, proxy
from tests.lab.shell import LabError
from tests.lab.topology import NODES, Node

from .figures import Run
from .sizes import NAMESPACE

TIMEOUT = 600
ENDED_WELL = (0, 1, 4)  # it answered; the caller looks at what


def environment() -> dict[str, str]:
    """A person's: the installed plugin on PATH, and Python free to keep what it has compiled."""
    scripts = sysconfig.get_path("scripts")
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {
        **kept,
        "PATH": os.pathsep.join((scripts, str(paths.BIN), kept.get("PATH", ""))),
        "KUBECONFIG": str(paths.ADMIN_KUBECONFIG),
        "KUBECACHEDIR": str(paths.RUN / "kubectl-cache"),
    }


def execution(pod: str) -> str:
    words = ("kubectl", "-n", "kube-system", "exec", pod, "-c", "kube-proxy", "--", "iptables-save")
    return shlex.join(words)


class ByHand:
    """The loop over these nodes for one Service."""

    def __init__(self, nodes: Sequence[Node], service: str) -> None:
        self._commands = [execution(proxy.pods(node)[0]) for node in nodes]
        self._service = service
        self.bytes = sum(map(self._size, self._commands))

    def _size(self, command: str) -> int:
        """Outside the measured time: what grep will be given."""
        done = shell(f"{command} | wc -c")
        return int(done.stdout)

    def run(self) -> Run:
        loop = "; ".join(f"{command} | grep {self._service}" for command in self._commands)
        started = time.monotonic()
        done = shell(loop)
        seconds = time.monotonic() - started
        if self._service not in done.stdout:
            raise LabError(f"The loop by hand found no rule of {self._service}: {done.stderr}")
        return Run(seconds, self.bytes, len(self._commands), len(self._commands))


def shell(script: str) -> subprocess.CompletedProcess[str]:
    return _ended(("sh", "-c", script))


def _ended(argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=TIMEOUT,
        check=False,
    )


class Ours:
    """`trace` over these nodes for one Service."""

    def __init__(self, nodes: Sequence[Node], service: str) -> None:
        chosen = [] if len(nodes) == len(NODES) else [f"--node={node.name}" for node in nodes]
        self.argv = ("kubectl", "svcnet", "trace", service, "-n", NAMESPACE, *chosen, "-o", "json")

    def run(self) -> Run:
        started = time.monotonic()
        done = _ended(self.argv)
        seconds = time.monotonic() - started
        document = answered(done)
        collected = document["collected"]
        return Run(seconds, collected["bytes"], 1, collected["execs"])


def answered(done: subprocess.CompletedProcess[str]) -> Any:
    """Its document, if every node says `ok`: an answer about less would be no comparison."""
    if done.returncode not in ENDED_WELL:
        raise LabError(f"trace ended with status {done.returncode}: {done.stderr[-2000:]}")
    document = json.loads(done.stdout)
    places = [n for i in document["items"] for f in i["frontends"] for n in f["nodes"]]
    if not places or any(place["verdict"] != "ok" for place in places):
        said = {place["node"]: (place["verdict"], place.get("reason")) for place in places}
        raise LabError(f"trace does not say ok everywhere: {said}, {document['gaps']}")
    return document
