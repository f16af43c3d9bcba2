"""The fifth node: like the first three, with a podCIDR so small that five pods fill it.

`add` lets it join the running lab, `remove` takes it out again; so a test may spoil it.
"""

from __future__ import annotations

import shutil

from . import cgroups, controlplane, fabric, images, kube, namespaces, node, pki, proxy
from .processes import in_network_namespace
from .shell import step, wait_until
from .topology import SMALL

MODE = "iptables"
BACKEND = "nft"
PODS_HERE = ("pods", "-A", "--field-selector", f"spec.nodeName={SMALL.name}")


def add() -> None:
    remove()
    with step("certificates and network"):
        pki.make_for(SMALL)
        fabric.join(SMALL)
    with step("containerd and images"):
        node.prepare(SMALL, BACKEND)
        archives = images.build_images()
        node.import_images(
            SMALL, (archives[images.reference(name)] for name in ("labsrv", "kube-proxy"))
        )
    with step("kubelet"):
        kube.apply(controlplane.node_objects({SMALL.name: MODE}))
        node.start_kubelet(SMALL)
        wait_until(
            f"{SMALL.name} is ready",
            lambda: kube.is_ready(kube.get("node", SMALL.name)),
            timeout=120,
        )
    with step("kube-proxy"):
        proxy.wait_for_mode(SMALL, MODE)


def remove() -> None:
    """Also what a broken-off `add` has left."""
    with step(f"{SMALL.name} removed"):
        if holder := namespaces.holder_of(SMALL):
            holder.end(grace=0)
            wait_until(f"the processes of {SMALL.name} have ended", is_empty, timeout=20)
        kube.kubectl("delete", "--ignore-not-found", "node", SMALL.name)
        # Nobody is there to end them.
        kube.kubectl("delete", "--ignore-not-found", *PODS_HERE, "--force")
        fabric.leave(SMALL)
        fabric.remove_namespace(SMALL.netns)
        cgroups.remove_of(SMALL)
        if SMALL.folder.exists():
            shutil.rmtree(SMALL.folder)


def is_empty() -> bool:
    return not in_network_namespace(fabric.NETNS_FOLDER / SMALL.netns)
