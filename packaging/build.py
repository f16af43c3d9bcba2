"""Builds the krew archive: one for Linux and macOS, every CPU and every Python from 3.10.

    python packaging/build.py     # or: make dist

Pure Python only: the wheels of requirements.lock without their compiled parts. The same sources
give the same bytes: fixed order, times, owners and modes, no byte code, and the wheels are those
of one Python version whatever runs this. krew refuses archives with links, and its index refuses
those without a LICENSE. Beside the archive stands krew-manifest.yaml with its real sha256.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MTIME = 315532800  # 1980-01-01, the oldest time that zip tools can hold as well
WHEELS_OF = ("--implementation", "cp", "--python-version", "3.10")
COMPILED = (".so", ".pyd", ".dylib", ".pyx", ".pxd", ".c")
LEFT_OUT = re.compile(r"kubernetes/aio/|yaml/_yaml|_yaml/|bin/|websocket/tests/")
LICENCE = re.compile(r"(^|/)(LICEN[CS]E|NOTICE|COPYING)[^/]*$", re.IGNORECASE)

Files = dict[str, bytes]


def download(folder: Path) -> list[Path]:
    """The locked wheels; pip refuses any whose hash is another."""
    platforms = ("--platform", "any", "--platform", "manylinux2014_x86_64")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
            *("--require-hashes", "--only-binary", ":all:", *platforms, *WHEELS_OF),
            *("--requirement", str(HERE / "requirements.lock"), "--dest", str(folder)),
        ],
        check=True,
    )
    return sorted(folder.glob("*.whl"))


def unpack(wheel: Path) -> tuple[Files, str]:
    """A wheel's pure Python files, and its part of the notices."""
    files: Files = {}
    licences = []
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if ".dist-info/" in name:
                if LICENCE.search(name):
                    licences.append(archive.read(name).decode())
            elif not (name.endswith(("/", *COMPILED)) or LEFT_OUT.match(name)):
                files[f"lib/{name}"] = archive.read(name)
    if not licences:
        raise SystemExit(f"error: no licence text in {wheel.name}")
    name, version = wheel.name.split("-")[:2]
    rule = "=" * 78
    return files, "\n".join((rule, f"{name} {version}", rule, "", *licences))


def own_files() -> Iterator[tuple[str, bytes]]:
    package = ROOT / "kubectl_svcnet"
    for path in sorted(package.rglob("*")):
        if path.is_file() and (path.suffix == ".py" or path.name.endswith(".tar.gz")):
            yield f"lib/{path.relative_to(ROOT).as_posix()}", path.read_bytes()


def contents(wheels: list[Path]) -> Files:
    files = dict(own_files())
    notices = ["kubectl svcnet carries these packages; their licences follow.\n"]
    for wheel in wheels:
        unpacked, notice = unpack(wheel)
        if twice := files.keys() & unpacked.keys():
            raise SystemExit(f"error: in two packages: {sorted(twice)}")
        files |= unpacked
        notices.append(notice)
    files["lib/__main__.py"] = (HERE / "archive_main.py").read_bytes()
    files["LICENSE"] = (ROOT / "LICENSE").read_bytes()
    files["THIRD_PARTY_NOTICES"] = "\n".join(notices).encode()
    files["svcnet"] = (HERE / "launcher.sh").read_bytes()
    return files


def pack(files: Files) -> bytes:
    """A .tar.gz of regular files only, the same bytes for the same files."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            member.mtime = MTIME
            member.mode = 0o755 if name == "svcnet" else 0o644
            archive.addfile(member, io.BytesIO(files[name]))
    packed = io.BytesIO()
    # Not gzip.compress: its header differs between Python versions.
    with gzip.GzipFile(fileobj=packed, filename="", mode="wb", compresslevel=9, mtime=0) as file:
        file.write(raw.getvalue())
    return packed.getvalue()


def manifest(template: str, version: str, sha256: str) -> str:
    """The committed manifest with another version and hash; nothing else may differ."""
    text = re.sub(r"v\d+\.\d+\.\d+(?=[\n/_]|\.tar)", f"v{version}", template)
    return re.sub(r"(?<=sha256: )\S+", f'"{sha256}"', text)


def version() -> str:
    text = (ROOT / "kubectl_svcnet" / "__init__.py").read_text()
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    if not found:
        raise SystemExit("error: kubectl_svcnet/__init__.py states no __version__")
    return found.group(1)


def build(dist: Path) -> Path:
    """Writes the archive and its manifest into `dist` and returns the archive's path."""
    with tempfile.TemporaryDirectory() as folder:
        archive = pack(contents(download(Path(folder))))
    dist.mkdir(exist_ok=True)
    target = dist / f"kubectl-svcnet_v{version()}.tar.gz"
    target.write_bytes(archive)
    template = (ROOT / "krew-manifest.yaml").read_text()
    sha256 = hashlib.sha256(archive).hexdigest()
    (dist / "krew-manifest.yaml").write_text(manifest(template, version(), sha256))
    return target


if __name__ == "__main__":
    built = build(ROOT / "dist")
    sys.stdout.write(f"{built.relative_to(ROOT)}  {built.stat().st_size / 2**20:.1f} MiB\n")
