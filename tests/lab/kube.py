"""The cluster through its API, with the kubectl that the lab built."""

from __future__ import annotations

import json
from string import Template
from typing import Any

from tests.lab import paths
from tests.lab.shell import attempt, run

KUBECTL = (str(paths.BIN / "kubectl"), f"--kubeconfig={paths.ADMIN_KUBECONFIG}")


def kubectl(*argv: str, stdin: str | None = None, timeout: float = 120) -> str:
    return run([*KUBECTL, *argv], stdin=stdin, timeout=timeout)


def works(*argv: str) -> bool:
    return attempt([*KUBECTL, "--request-timeout=5s", *argv]).returncode == 0


def get(*argv: str) -> Any:
    return json.loads(kubectl("get", *argv, "-o", "json"))


def apply(manifests: str) -> None:
    """Server-side, because some objects may have been made by a kubelet before us."""
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifests)


def manifest(name: str, /, **values: str) -> str:
    return Template((paths.MANIFESTS / f"{name}.yaml").read_text()).substitute(values)


def documents(*manifests: str) -> str:
    return "\n---\n".join(manifests)


def pods_not_ready() -> list[str]:
    """Names of pods that are not Ready, in every namespace."""
    return [pod["metadata"]["name"] for pod in get("pods", "-A")["items"] if not is_ready(pod)]


def is_ready(pod: Any) -> bool:
    conditions = pod["status"].get("conditions", ())
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]
