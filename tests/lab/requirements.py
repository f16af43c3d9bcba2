"""What the machine must have, checked before anything is changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from . import paths
from .shell import LabError, run

# One file that tells whether the Debian package is there.
TOOLS = {
    "/bin/busybox": "busybox-static",
    "/usr/sbin/conntrack": "conntrack",
    "/usr/bin/containerd": "containerd",
    "/usr/bin/ctr": "containerd",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "/usr/lib/cni/portmap": "containernetworking-plugins",
    "/usr/bin/dash": "dash",
    "/usr/bin/etcd": "etcd-server",
    "/usr/bin/grep": "grep",
    "/usr/sbin/ip": "iproute2",
    "/usr/sbin/ipset": "ipset",
    "/usr/sbin/xtables-nft-multi": "iptables",
    "/usr/sbin/xtables-legacy-multi": "iptables",
    "/usr/bin/ldd": "libc-bin",
    "/usr/bin/mount": "mount",
    "/etc/protocols": "netbase",
    "/usr/sbin/nft": "nftables",
    "/usr/bin/openssl": "openssl",
    "/usr/sbin/runc": "runc",
    "/usr/bin/nsenter": "util-linux",
    "/usr/bin/unshare": "util-linux",
}

# … and the packages that only the guest needs: packages-full.txt
GUEST_TOOLS = {
    "/usr/sbin/ipvsadm": "ipvsadm",
    "/usr/sbin/depmod": "kmod",
    "/usr/bin/pkill": "procps",
    "/usr/bin/qemu-system-x86_64": "qemu-system-x86",
}

OVN_TOOLS = {
    "/usr/share/ovn/ovn-nb.ovsschema": "ovn-central",
    "/usr/bin/ovn-nbctl": "ovn-common",
    "/usr/sbin/ovsdb-server": "openvswitch-common",
}


def check() -> None:
    if os.geteuid() != 0:
        raise LabError("The lab makes namespaces and cgroups: run it as root.")
    check_packages(TOOLS)
    if not Path("/sys/fs/cgroup/memory").is_dir():
        raise LabError("The lab knows only machines with cgroup v1 so far (/sys/fs/cgroup/memory).")
    if any(paths.CACHE.is_relative_to(folder) for folder in paths.COVERED):
        raise LabError(
            f"The lab's cache cannot lie in {paths.CACHE}: set SVCNET_LAB_CACHE to a folder "
            f"outside {', '.join(paths.COVERED)}."
        )


def check_guest() -> None:
    check_packages(GUEST_TOOLS)
    if not Path("/dev/net/tun").exists():
        raise LabError("The guest needs a tap device, and this machine has no /dev/net/tun.")


def check_ovn() -> None:
    check_packages(OVN_TOOLS)


def check_packages(tools: Mapping[str, str]) -> None:
    missing = sorted({package for file, package in tools.items() if not Path(file).exists()})
    if missing:
        raise LabError(
            "Programs are missing: apt-get install -y --no-install-recommends " + " ".join(missing)
        )


def check_go() -> None:
    """Only needed when something has to be built."""
    if shutil.which("go") is None:
        raise LabError("Building the lab needs Go 1.26 or newer on PATH, and there is none.")
    version = run(["go", "env", "GOVERSION"], env={**os.environ, "GOTOOLCHAIN": "local"}).strip()
    major, minor = (int(part) for part in version.removeprefix("go").split(".")[:2])
    if (major, minor) < (1, 26):
        raise LabError(f"Building the lab needs Go 1.26 or newer, and this is {version}.")
