"""Writes container images as docker-archive files, which `ctr images import` reads.

One layer per image, sorted and without times or owners: the same recipe gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import stat
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FORMAT = "1"  # goes into the key: raise it when this file writes something else
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is in an image. Paths inside the image have no leading slash."""

    reference: str
    files: Mapping[str, Path]
    links: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ("tmp",)
    entrypoint: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Changes whenever a byte in the image would."""
        digest = hashlib.sha256()
        rest = [FORMAT, self.reference, sorted(self.links.items()), self.folders, self.entrypoint]
        digest.update(json.dumps(rest).encode())
        for name, source in sorted(self.files.items()):
            digest.update(f"{name}\0{mode_of(source)}\0{file_digest(source)}\0".encode())
        return digest.hexdigest()[:12]


def mode_of(source: Path) -> int:
    return 0o755 if source.stat().st_mode & stat.S_IXUSR else 0o644


def file_digest(source: Path) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_archive(recipe: Recipe, target: Path) -> None:
    unfinished = target.with_suffix(".unfinished")
    layer = target.with_suffix(".layer")
    write_layer(recipe, layer)
    config = json.dumps(image_config(recipe, file_digest(layer))).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = [{"Config": name, "RepoTags": [recipe.reference], "Layers": ["layer.tar"]}]
    with tarfile.open(unfinished, "w") as archive:
        add_bytes(archive, name, config)
        add_bytes(archive, "manifest.json", json.dumps(manifest).encode())
        archive.add(layer, "layer.tar")
    layer.unlink()
    unfinished.rename(target)


def image_config(recipe: Recipe, layer_digest: str) -> dict[str, object]:
    return {
        "architecture": "amd64",
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {
            "Entrypoint": list(recipe.entrypoint) or None,
            "Env": [f"PATH={SEARCH_PATH}"],
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
        "history": [{"created_by": "tests.lab"}],
    }


def write_layer(recipe: Recipe, target: Path) -> None:
    with tarfile.open(target, "w") as layer:
        for name in all_folders(recipe):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            layer.addfile(entry)
        for name, source in sorted(recipe.files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = source.stat().st_size, mode_of(source)
            with source.open("rb") as stream:
                layer.addfile(entry, stream)
        for name, goal in sorted(recipe.links.items()):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, goal
            layer.addfile(entry)


def all_folders(recipe: Recipe) -> list[str]:
    """The wanted ones and every parent, parents first."""
    names = [*recipe.folders, *(str(Path(name).parent) for name in (*recipe.files, *recipe.links))]
    parents = {str(parent) for name in names for parent in (Path(name), *Path(name).parents)}
    return sorted(parents - {"."})


def add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))
