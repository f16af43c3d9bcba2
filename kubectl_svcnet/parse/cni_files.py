"""`grep -rl` in a node's CNI directory: which configurations lie there, in the order that counts.

The container runtime takes the first by name of *.conf, *.conflist and *.json (libcni's ConfFiles,
ocicni and go-cni alike); what has another ending, as Cilium's *.cilium_bak, is asleep. Left out are
those that are there beside any plugin: loopback, the runtimes' own bridges, and what hands on to
the others (Multus, chained meshes).
"""

from __future__ import annotations

import re

_ENDINGS = (".conf", ".conflist", ".json")
_BESIDE = re.compile(r"loopback|podman|crio|containerd|multus|istio|linkerd")


def parse_cni_files(text: str, directory: str) -> tuple[str, ...]:
    names = {
        line.removeprefix(f"{directory}/")
        for line in text.splitlines()
        if line.startswith(f"{directory}/")
    }
    return tuple(
        sorted(
            name
            for name in names
            if "/" not in name and name.endswith(_ENDINGS) and not _BESIDE.search(name)
        )
    )
