"""One cgroup per node in every hierarchy: two kubelets under one root delete each other's pods."""

from __future__ import annotations

import os
from pathlib import Path

from .shell import wait_until
from .topology import ON_THIS_KERNEL, Node

TYPES = ("cgroup", "cgroup2")


def hierarchies() -> list[Path]:
    """Mount points of cgroup v1, and the unified one beside them, where runc makes folders too."""
    lines = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    return sorted(Path(fields[1]) for fields in lines if fields[2] in TYPES)


def make(node: Node) -> None:
    for hierarchy in hierarchies():
        folder = hierarchy / node.cgroup
        folder.mkdir(exist_ok=True)
        # A new cpuset is empty and takes no process until it has been given something.
        for name in ("cpuset.cpus", "cpuset.mems"):
            if (hierarchy / name).exists():
                (folder / name).write_text((hierarchy / name).read_text())


def remove() -> None:
    for node in ON_THIS_KERNEL:
        remove_of(node)


def remove_of(node: Node) -> None:
    folders = [hierarchy / node.cgroup for hierarchy in hierarchies()]
    # Killed processes leave their cgroup a moment later.
    wait_until(
        f"the cgroups of {node.name} are empty", lambda: all(map(removed, folders)), timeout=20
    )


def removed(folder: Path) -> bool:
    for name, _, _ in os.walk(folder, topdown=False):
        try:
            os.rmdir(name)
        except OSError:
            return False
    return not folder.exists()
