"""The fourth node: a virtual machine, for what the machine's own kernel cannot do, such as IPVS.

It runs the machine's programs like the other nodes: its root is the machine's, read-only, under a
layer in memory. It is emulated, so that no KVM is needed, and everything there takes its time.
`add` lets it join the running lab, `remove` takes it out again.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from string import Template

from . import controlplane, fabric, images, kernel, kube, namespaces, node, paths, pki, proxy
from .build import build_labsrv
from .processes import recorded
from .requirements import check_guest
from .shell import LabError, step, wait_until
from .topology import FABRIC, GUEST

MODES = ("ipvs", *proxy.MODES)
HERE = f"spec.nodeName={GUEST.name}"
MEMORY = "2048"  # MiB; images and all that is written lie there
MODULES = (
    # ip_vs asks for crc32c, and a kernel without it refuses the module.
    *("crc32c_generic", "ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_sh", "ip_vs_lc", "ip_vs_mh"),
    *("virtio_net", "br_netfilter", "nf_conntrack", "dummy", "veth", "overlay"),
)


def is_there() -> bool:
    return namespaces.holder_of(GUEST) is not None


def add(mode: str) -> None:
    check_guest()
    if is_there():
        raise LabError(f"{GUEST.name} is there already: python3 -m tests.lab remove {GUEST.name}")
    kernel.fetch()
    remove()
    with step("certificates and network"):
        pki.make_for(GUEST)
        node.write_configuration(GUEST)
        node.set_backend(GUEST, "nft")
        port = fabric.plug_guest(GUEST)
    kube.apply(controlplane.node_objects({GUEST.name: mode}))
    if mode not in proxy.MODES:
        kube.apply(proxy.daemon_set(mode))
    kube.apply(pods())
    with step("machine"):
        start(port)
        wait_until(f"{GUEST.name} is ready", is_ready, timeout=600, every=1)
    with step("pods"):
        wait_until(f"{GUEST.name}: every pod is ready", pods_are_ready, timeout=600, every=1)
    with step("kube-proxy"):
        proxy.wait_for_mode(GUEST, mode)


def remove() -> None:
    """Also what a broken-off `add` has left."""
    with step(f"{GUEST.name} removed"):
        if holder := namespaces.holder_of(GUEST):
            holder.end(grace=5)
        delete("node", GUEST.name)
        for mode in set(MODES) - set(proxy.MODES):
            delete("-f", "-", stdin=proxy.daemon_set(mode))
        # Nobody is there to end them.
        delete("pods", "-A", "--field-selector", HERE, "--force")
        fabric.leave(GUEST)
        if GUEST.folder.exists():
            shutil.rmtree(GUEST.folder)


def delete(*what: str, stdin: str | None = None) -> None:
    kube.kubectl("delete", "--ignore-not-found", *what, stdin=stdin)


def pods() -> str:
    names = ("client", "guest")
    return kube.documents(
        *(kube.manifest(name, node=GUEST.name, image=images.LABSRV) for name in names)
    )


def is_ready() -> bool:
    if not is_there():
        raise LabError(f"{GUEST.name} has ended: see {paths.LOGS / f'{GUEST.name}-qemu.log'}.")
    return kube.is_ready(kube.get("node", GUEST.name))


def pods_are_ready() -> bool:
    here = kube.get("pods", "-A", "--field-selector", HERE)["items"]
    # The client, the endpoint, the way in, and kube-proxy.
    return len(here) == 4 and all(map(kube.is_ready, here))


def start(port: str) -> None:
    initramfs = GUEST.folder / "initramfs"
    write_init()
    kernel.write_initramfs(paths.TEMPLATES / "guest-boot.sh", initramfs)
    arguments = f"console=ttyS0 loglevel=4 panic=-1 mitigations=off folder={GUEST.folder}"
    options = {
        "accel": "tcg",
        # With two processors it locks up when runc starts a container.
        "smp": "1",
        "m": MEMORY,
        "kernel": str(kernel.image()),
        "initrd": str(initramfs),
        "append": arguments,
        "virtfs": (
            "local,path=/,mount_tag=machine,security_model=none,readonly=on,multidevs=remap"
        ),
        "netdev": f"tap,id=fabric,ifname={port},script=no,downscript=no",
        "device": f"virtio-net-pci,netdev=fabric,mac=02:00:00:00:00:{GUEST.number:02x},romfile=",
    }
    words = [word for name, value in options.items() for word in (f"-{name}", value)]
    pid = namespaces.daemon(
        f"{GUEST.name}-qemu",
        [*fabric.inside(FABRIC), "qemu-system-x86_64", "-nographic", "-no-reboot", *words],
    )
    holder = recorded(pid)
    if holder is None:
        raise LabError(f"{GUEST.name} did not start: see {paths.LOGS}.")
    namespaces.write_record(GUEST, holder)


def write_init() -> None:
    """The guest sees the node's folder under the machine's name for it."""
    (GUEST.folder / "addresses").write_text(network())
    (GUEST.folder / "guest-init.sh").write_text(
        Template((paths.TEMPLATES / "guest-init.sh").read_text()).substitute(init_values())
    )


def network() -> str:
    lines = [
        "link set eth0 up",
        f"address add {GUEST.ipv4}/24 dev eth0",
        f"address add {GUEST.ipv6}/64 dev eth0 nodad",
        *(f"route add {to} via {gateway}" for to, gateway in fabric.node_routes(GUEST)),
    ]
    return "".join(f"{line}\n" for line in lines)


def init_values() -> Mapping[str, str]:
    archives = images.build_images()
    wanted = [archives[images.reference(name)] for name in ("labsrv", "kube-proxy")]
    return {
        "name": GUEST.name,
        "folder": str(GUEST.folder),
        "cgroup": GUEST.cgroup,
        "kernel": str(kernel.FOLDER),
        "modules": " ".join(MODULES),
        "sysctls": " ".join(fabric.NODE_SYSCTLS),
        "archives": shlex.join(map(str, wanted)),
        "iptables": str(GUEST.folder / "iptables" / node.backend(GUEST)),
        "path": node.SYSTEM_PATH,
        "kubelet": shlex.join(node.kubelet_command(GUEST)),
        "labsrv": str(build_labsrv()),
    }
