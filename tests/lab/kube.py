"""The cluster through its API, with the kubectl that the lab built."""

from __future__ import annotations

import json
from string import Template
from typing import Any

from . import paths
from .shell import attempt, run

KUBECTL = (
    str(paths.BIN / "kubectl"),
    f"--kubeconfig={paths.ADMIN_KUBECONFIG}",
    # The default lies in the home folder and would outlive the lab.
    f"--cache-dir={paths.RUN / 'kubectl-cache'}",
)


def kubectl(*argv: str, stdin: str | None = None, timeout: float = 120) -> str:
    return run([*KUBECTL, *argv], stdin=stdin, timeout=timeout)


def works(*argv: str) -> bool:
    return attempt([*KUBECTL, "--request-timeout=5s", *argv]).returncode == 0


def answer(*argv: str) -> str:
    """Like `kubectl`, but empty where that fails."""
    return attempt([*KUBECTL, "--request-timeout=5s", *argv]).stdout


def get(*argv: str) -> Any:
    return json.loads(kubectl("get", *argv, "-o", "json"))


def apply(manifests: str) -> None:
    """Server-side, because some objects may have been made by a kubelet before us."""
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifests)


def manifest(name: str, /, **values: str) -> str:
    return Template((paths.MANIFESTS / f"{name}.yaml").read_text()).substitute(values)


def documents(*manifests: str) -> str:
    return "\n---\n".join(manifests)


def is_ready(pod: Any) -> bool:
    conditions = pod["status"].get("conditions", ())
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]
