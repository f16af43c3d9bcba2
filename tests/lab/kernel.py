"""The guest's kernel, which has what the machine's may lack: Debian's, unpacked into the cache.

It is downloaded and never installed. What it needs before it has its root lies in an initramfs.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from . import paths
from .shell import LabError, run, step

FOLDER = paths.CACHE / "kernel"
#: Enough to reach the machine's files; all other modules come from there.
BOOT_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")


def fetch() -> None:
    """A kernel that is there already stays, whatever Debian has now."""
    if FOLDER.exists():
        return
    unfinished = FOLDER.with_name("kernel.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    with step("kernel"), tempfile.TemporaryDirectory(prefix="svcnet-lab-") as download:
        # Only root may read the folder, and apt would rather not be root.
        Path(download).chmod(0o755)
        command = f"cd {download} && apt-get -q download -o APT::Sandbox::User=root {package()}"
        run(["sh", "-c", command])
        [archive] = Path(download).glob("*.deb")
        run(["dpkg-deb", "-x", str(archive), str(unfinished)])
        run(["depmod", "-b", str(unfinished), version(unfinished)])
    unfinished.rename(FOLDER)


def package() -> str:
    """The newest linux-image-VERSION-amd64, of which linux-image-amd64 is only the name."""
    depends = run(["apt-cache", "depends", "linux-image-amd64"])
    found = re.search(r"Depends: (linux-image-\S+)", depends)
    if found is None:
        raise LabError("apt knows no linux-image-amd64: apt-get update")
    return found[1]


def version(folder: Path = FOLDER) -> str:
    [modules] = (folder / "lib/modules").iterdir()
    return modules.name


def image() -> Path:
    return FOLDER / f"boot/vmlinuz-{version()}"


def write_initramfs(init: Path, target: Path) -> None:
    modules = FOLDER / "lib/modules" / version()
    dependencies = modules / "modules.dep"
    with tempfile.TemporaryDirectory(prefix="svcnet-lab-") as root:
        copies = {
            "bin/busybox": Path("/bin/busybox"),
            "init": init,
            f"lib/modules/{version()}/modules.dep": dependencies,
        }
        for name in needed(dependencies.read_text(), BOOT_MODULES):
            copies[f"lib/modules/{version()}/{name}"] = modules / name
        for name, source in copies.items():
            copy = Path(root, name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
        Path(root, "init").chmod(0o755)
        run(["sh", "-c", f"cd {root} && find . | busybox cpio -o -H newc > {target}"])


def needed(dependencies: str, names: tuple[str, ...]) -> set[str]:
    """Files of these modules and of all that they depend on; `modules.dep` names them all."""
    found: set[str] = set()
    for line in dependencies.splitlines():
        file, _, others = line.partition(":")
        if Path(file).stem in names:
            found |= {file, *others.split()}
    return found
