"""The lab's container images: which files of this Debian machine, and which built programs.

kube-proxy's image holds what upstream's image for 1.36 holds and no tool more, so that a tool
which works here does not secretly lean on `ls`, `sed`, `awk`, `head` or `ip`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from . import paths
from .archive import Recipe, write_archive
from .build import build_labsrv
from .shell import run, step

# In the image as in Debian: /bin, /lib and so on are links into /usr.
MERGED_USR = {name: f"usr/{name}" for name in ("bin", "sbin", "lib", "lib64")}
ACCOUNTS = {"etc/passwd": paths.SOURCE / "rootfs/passwd"}

# kubernetes/release images/build/distroless-iptables: the shell and seven small programs.
PROXY_PROGRAMS = (
    *(f"/usr/bin/{name}" for name in ("cat", "chmod", "grep", "ln", "rm", "sleep", "wc")),
    "/usr/sbin/nft",
    "/usr/sbin/ipset",
    "/usr/sbin/xtables-nft-multi",
    "/usr/sbin/xtables-legacy-multi",
)
XTABLES_PLUGINS = re.compile(r"lib(xt|ipt|ip6t)_\w+\.so")
BUSYBOX_NAMES = ("cat", "ls", "nc", "rm", "sh", "sleep", "test", "touch")


def reference(name: str) -> str:
    return f"lab.local/{name}:{paths.KUBERNETES}"


LABSRV = reference("labsrv")
CONTROL_PLANE_NAMES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


def labsrv() -> Recipe:
    """Also the sandbox image of every pod, hence the entrypoint that only waits."""
    return Recipe(
        reference=LABSRV,
        files={
            "usr/local/bin/labsrv": build_labsrv(),
            "usr/bin/busybox": Path("/bin/busybox"),
            **ACCOUNTS,
        },
        links={**{f"usr/bin/{name}": "busybox" for name in BUSYBOX_NAMES}, **MERGED_USR},
        entrypoint=("/usr/local/bin/labsrv", "pause"),
    )


def control_plane(name: str) -> Recipe:
    program = Path("/usr/bin/etcd") if name == "etcd" else paths.BIN / name
    libraries = shared_libraries([program]) if name == "etcd" else {}
    return Recipe(
        reference=reference(name),
        files={f"usr/local/bin/{name}": program, **libraries, **ACCOUNTS},
        links=MERGED_USR,
    )


def kube_proxy() -> Recipe:
    programs = [Path(name) for name in PROXY_PROGRAMS]
    plugins = xtables_plugins()
    dash = Path("/usr/bin/dash")
    return Recipe(
        reference=reference("kube-proxy"),
        files={
            **{in_image(program): program for program in programs},
            **{in_image(plugin): plugin for plugin in plugins},
            **shared_libraries([dash, *programs, *plugins]),
            "usr/bin/sh": dash,
            "usr/local/bin/kube-proxy": paths.BIN / "kube-proxy",
            "usr/sbin/iptables-wrapper": paths.SOURCE / "rootfs/iptables-wrapper",
            "etc/protocols": Path("/etc/protocols"),
            "etc/services": Path("/etc/services"),
            **ACCOUNTS,
        },
        links={**iptables_links(), **MERGED_USR, "var/run": "/run"},
        folders=("tmp", "run", "var/lib"),
    )


def iptables_links() -> dict[str, str]:
    links = {}
    for family in ("iptables", "ip6tables"):
        for suffix in ("", "-save", "-restore"):
            links[f"usr/sbin/{family}{suffix}"] = "iptables-wrapper"
            for backend in ("nft", "legacy"):
                links[f"usr/sbin/{family}-{backend}{suffix}"] = f"xtables-{backend}-multi"
    return links


def xtables_plugins() -> list[Path]:
    [folder] = Path("/usr/lib").glob("*-linux-gnu/xtables")
    return sorted(file for file in folder.iterdir() if XTABLES_PLUGINS.fullmatch(file.name))


def shared_libraries(programs: Iterable[Path]) -> dict[str, Path]:
    answer = run(["ldd", *(str(program.resolve()) for program in programs)])
    return {in_image(file): file for file in map(Path, library_paths(answer))}


def library_paths(ldd: str) -> list[str]:
    """`libc.so.6 => /lib/…/libc.so.6 (0x…)` and `/lib64/ld-linux-x86-64.so.2 (0x…)`."""
    return sorted(set(re.findall(r"^\t(?:\S+ => )?(/\S+) \(0x", ldd, re.MULTILINE)))


def in_image(file: Path) -> str:
    name = str(file).lstrip("/")
    return f"usr/{name}" if name.split("/")[0] in MERGED_USR else name


def build_images() -> dict[str, Path]:
    """Reference of every image -> its archive in the cache, made when its inputs are new."""
    recipes = [labsrv(), kube_proxy(), *(control_plane(name) for name in CONTROL_PLANE_NAMES)]
    return {recipe.reference: cached_archive(recipe) for recipe in recipes}


def cached_archive(recipe: Recipe) -> Path:
    name = recipe.reference.split("/")[1].split(":")[0]
    archive = paths.IMAGES / f"{name}-{recipe.key}.tar"
    if not archive.exists():
        paths.IMAGES.mkdir(parents=True, exist_ok=True)
        with step(f"made image {recipe.reference}"):
            write_archive(recipe, archive)
        for other in paths.IMAGES.glob(f"{name}-*.tar"):
            if other != archive and re.fullmatch(rf"{name}-[0-9a-f]{{12}}\.tar", other.name):
                other.unlink()
    return archive
