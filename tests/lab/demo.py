"""Records the bundle that the package ships: `python3 -m tests.lab.demo FILE`.

Three nodes; on the last one kube-proxy is stopped (SIGSTOP) while a db pod is replaced, so that
its rules still lead to the pod that is gone and miss the new one. Undone afterwards.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from .client import Lab
from .shell import wait_until

NODE = "n3"


def record(lab: Lab, file: Path) -> None:
    stopped = lab.processes(NODE, "kube-proxy")
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        _replace_pod(lab)
        executable = Path(sys.executable).with_name("kubectl-svcnet")
        command = [executable, "snapshot", file, "--kubeconfig", lab.kubeconfig]
        subprocess.run([str(word) for word in command], check=True)
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def _replace_pod(lab: Lab) -> None:
    pods = lab.kubectl(
        "get", "pods", "-l", "app=db", "--field-selector", f"spec.nodeName={NODE}", "-o", "name"
    ).split()
    lab.kubectl("delete", "--wait=true", *pods)
    wait_until(
        "db is ready again",
        lambda: lab.kubectl("rollout", "status", "deployment/db", "--timeout=60s") != "",
        timeout=70,
    )


if __name__ == "__main__":
    record(Lab(), Path(sys.argv[1]))
