"""Settings of the whole machine that a kubelet changes at every start; the lab puts them back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

# kubelet pkg/kubelet/cm/container_manager_linux.go, setupKernelTunables
CHANGED_BY_KUBELET = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
ROOT = Path("/proc/sys")


def read() -> dict[str, str]:
    return {name: (ROOT / name).read_text().strip() for name in CHANGED_BY_KUBELET}


def restore(saved: Mapping[str, str]) -> None:
    for name, value in saved.items():
        if (ROOT / name).read_text().strip() != value:
            (ROOT / name).write_text(value)
