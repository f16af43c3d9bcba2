"""A node's namespaces: network, mounts, host name and processes, held open by one process.

The holder's death ends every process inside, however it was started: that is how `down` can be
sure. Whoever enters goes through `prefix`. The guest has a kernel of its own, and its holder is
qemu.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import fabric, kube, paths
from .build import build_labsrv
from .processes import Process, in_network_namespace, recorded
from .shell import LabError, wait_until
from .topology import GUEST, NAMESPACES, ON_THIS_KERNEL, SMALL, Node

#: A privileged pod leads to the guest's process 1: see guest.yaml. Without `env` busybox would run
#: its own `ip` and `cat`.
WAY_IN = [
    *(*kube.KUBECTL, "-n", "kube-system", "exec", "-i", f"node-{GUEST.name}", "--"),
    *("busybox", "nsenter", "-t", "1", "-m", "-u", "-i", "-n", "-p", "--"),
    "/usr/bin/env",
]

#: They outlive us; an object that is dropped while its process runs is a ResourceWarning.
_DAEMONS: list[subprocess.Popen[bytes]] = []


def hold(node: Node) -> None:
    for name in ("var-lib", "var-log"):
        (node.folder / name).mkdir(parents=True)
    paths.AUDIT_LOG.parent.mkdir(exist_ok=True)
    unshare = [
        "unshare",
        "--mount",
        "--uts",
        "--pid",
        "--fork",
        "--kill-child",
        "--propagation",
        "private",
    ]
    init = [
        "sh",
        str(paths.TEMPLATES / "node-init.sh"),
        node.name,
        str(node.folder),
        str(build_labsrv()),
        str(paths.KUBERNETES_FOLDER),
        str(paths.AUDIT_LOG.parent),
    ]
    pid = daemon(f"{node.name}-init", [*fabric.inside(node.netns), *unshare, *init])
    holder = recorded(pid)
    if holder is None:
        raise LabError(f"{node.name} did not start: see {paths.LOGS}.")
    write_record(node, holder)
    wait_until(f"{node.name} has its namespaces", (node.folder / "ready").exists, timeout=60)


def record(node: Node) -> Path:
    return node.folder / "holder.json"


def write_record(node: Node, holder: Process) -> None:
    record(node).write_text(json.dumps({"pid": holder.pid, "started": holder.started}))


def holder_of(node: Node) -> Process | None:
    """None when there is none, or when what has its number now is somebody else."""
    try:
        saved = json.loads(record(node).read_text())
    except (OSError, ValueError):
        return None
    process = Process(saved["pid"], saved["started"])
    return process if process.alive() else None


def prefix(node: Node) -> list[str]:
    """What to put before a command to run it inside the node."""
    holder = holder_of(node)
    if holder is None:
        raise LabError(f"Node {node.name} is not running: python3 -m tests.lab up")
    return WAY_IN if node == GUEST else entering(holder.pid)


def entering(holder: int) -> list[str]:
    """What to put before a command to run it in the namespaces that a process holds open."""
    ns = f"/proc/{holder}/ns"
    return [
        "nsenter",
        f"--net={ns}/net",
        f"--mount={ns}/mnt",
        f"--uts={ns}/uts",
        f"--pid={ns}/pid_for_children",
        "--",
    ]


def inner_path(node: Node, path: str) -> Path:
    """A file of the node as it can be reached from outside."""
    holder = holder_of(node)
    return Path(f"/proc/{holder.pid if holder else 0}/root{path}")


def start_inside(
    node: Node, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None
) -> None:
    daemon(f"{node.name}-{name}", [*prefix(node), *argv], env)


def daemon(name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> int:
    paths.LOGS.mkdir(parents=True, exist_ok=True)
    with (paths.LOGS / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd="/",
            start_new_session=True,
        )
    _DAEMONS.append(process)
    return process.pid


def release_all() -> None:
    """Ends every process of every node, and whatever else runs in the lab's networks.

    That is a command which somebody left running there, and a holder that `up` started but was
    killed before it could write down.
    """
    victims = [holder for node in ON_THIS_KERNEL if (holder := holder_of(node))]
    for name in (*NAMESPACES, SMALL.netns):
        victims += in_network_namespace(fabric.NETNS_FOLDER / name)
    for process in victims:
        process.signal(signal.SIGKILL)
    wait_until(
        "the lab's processes have ended", lambda: not any(v.alive() for v in victims), timeout=20
    )
