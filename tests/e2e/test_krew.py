"""The real krew: install, list, upgrade through an index, uninstall; and every command from the
link that it makes, with each Python that is there. No network but loopback."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import os
import re
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from kubectl_svcnet.cli.shell import COMPLETER
from tests.e2e.tool import ONLY, Svcnet, output_of
from tests.lab import paths
from tests.lab.build import build_krew
from tests.lab.client import Lab
from tests.packager import ROOT, build

pytestmark = pytest.mark.e2e

#: Run with the first Python only: each reads everything, or waits between two readings.
SLOW = ("check", "logs", "snapshot")
VERSIONS = ("python3.10", "python3.11", "python3.12", "python3.13")


@dataclass(frozen=True)
class Krew:
    """A krew with a home of its own. A proxy that nobody runs is all there is beyond loopback."""

    program: Path
    home: Path

    @property
    def link(self) -> Path:
        return self.home / "bin" / "kubectl-svcnet"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "KREW_ROOT": str(self.home),
            "KREW_NO_UPGRADE_CHECK": "1",
            "HOME": str(self.home),
            "PATH": f"{self.home / 'bin'}:{paths.BIN}:{os.environ['PATH']}",
            "HTTP_PROXY": "http://127.0.0.1:1",
            "HTTPS_PROXY": "http://127.0.0.1:1",
            "NO_PROXY": "127.0.0.1",
        }

    def __call__(self, *words: str) -> str:
        return output_of([str(self.program), *words], self.environment)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of this version, with its manifest."""
    folder = tmp_path_factory.mktemp("dist")
    build.build(folder)
    return folder


@pytest.fixture
def krew(tmp_path: Path) -> Krew:
    return Krew(build_krew(), tmp_path / "home")


def test_by_manifest_and_archive(krew: Krew, dist: Path) -> None:
    [archive] = dist.glob("*.tar.gz")
    manifest = dist / "krew-manifest.yaml"
    krew("install", f"--manifest={manifest}", f"--archive={archive}")
    said = output_of(["kubectl", "svcnet", "version"], krew.environment)
    assert said.startswith(f"kubectl svcnet {build.version()} ")
    assert krew.link.is_symlink()
    # krew links one file; the plugin writes the other one, by which kubectl completes.
    assert f"wrote {krew.link.with_name(COMPLETER)};" in output_of(
        ["kubectl", "svcnet", "completion", "--install"], krew.environment
    )
    offered = output_of(["kubectl", "__complete", "svcnet", "tra"], krew.environment)
    assert offered.startswith("trace\t")
    changed = manifest.read_text(encoding="utf-8").replace('sha256: "', 'sha256: "0', 1)
    other = dist / "other.yaml"
    other.write_text(re.sub(r'(sha256: "[0-9a-f]{64})[0-9a-f]', r"\1", changed), encoding="utf-8")
    fresh = Krew(krew.program, krew.home.with_name("other"))
    with pytest.raises(AssertionError, match="checksum does not match"):
        fresh("install", f"--manifest={other}", f"--archive={archive}")


@pytest.fixture
def served(dist: Path, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the loopback address at which what it holds is downloaded."""
    folder = tmp_path / "served"
    shutil.copytree(dist, folder)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.test", "-c", "init.defaultBranch=main"]
    output_of(["git", "-C", str(folder), *who, *words], dict(os.environ))


def release(index: Path, folder: Path, address: str, version: str) -> None:
    """This version's archive under another number, and its manifest in the index."""
    [original] = folder.glob(f"kubectl-svcnet_v{build.version()}.tar.gz")
    with tarfile.open(original) as opened:
        files = {m.name: opened.extractfile(m) for m in opened.getmembers()}
        held = {name: (file or io.BytesIO()).read() for name, file in files.items()}
    where = "lib/kubectl_svcnet/__init__.py"
    held[where] = held[where].replace(build.version().encode(), version.encode())
    archive = build.pack(held)
    (folder / f"kubectl-svcnet_v{version}.tar.gz").write_bytes(archive)
    template = (ROOT / "krew-manifest.yaml").read_text(encoding="utf-8")
    made = build.manifest(template, version, hashlib.sha256(archive).hexdigest())
    made = re.sub(r"https://github\.com\S+/(?=kubectl-svcnet_v)", f"{address}/", made)
    (index / "plugins").mkdir(exist_ok=True)
    (index / "plugins" / "svcnet.yaml").write_text(made, encoding="utf-8")
    git(index, "add", ".")
    git(index, "commit", "-qm", f"svcnet v{version}")


@pytest.mark.tools("git")
def test_through_an_index(krew: Krew, served: tuple[Path, str], tmp_path: Path) -> None:
    folder, address = served
    index = tmp_path / "index"
    index.mkdir()
    git(index, "init", "-q")
    release(index, folder, address, "0.0.1")
    krew("index", "add", "own", str(index))
    krew("install", "own/svcnet")
    assert "own/svcnet" in krew("list")
    assert "kubectl svcnet 0.0.1 " in output_of([str(krew.link), "version"], krew.environment)
    release(index, folder, address, "0.0.2")
    krew("update")
    krew("upgrade", "svcnet")
    assert "kubectl svcnet 0.0.2 " in output_of([str(krew.link), "version"], krew.environment)
    krew("uninstall", "svcnet")
    assert not krew.link.exists()
    assert "svcnet" not in krew("list")
    assert not list((krew.home / "store").glob("svcnet*"))


def pythons() -> list[tuple[str, str]]:
    """Version and path of those that are there, in PATH or as pyenv keeps them."""
    kept = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found: dict[str, str] = {}
    for name in VERSIONS:
        for path in (shutil.which(name), *sorted(map(str, kept.glob(f"*/bin/{name}")))):
            if path and name not in found and answers(path) == name:
                found[name] = path
    return list(found.items())


def answers(path: str) -> str:
    """A shim of pyenv may be there without what it stands for."""
    check = "import sys; print('python%d.%d' % sys.version_info[:2])"
    command = [path, "-I", "-S", "-c", check]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def commands(bundle: Path) -> list[tuple[str, ...]]:
    return [
        ("version",),
        ("completion", "bash"),
        ("trace", "db-service", *ONLY),
        ("check", *ONLY),
        ("ranges", *ONLY),
        ("proxy", *ONLY),
        ("logs", "db-service", *ONLY),
        ("packet", "tcp", "default/client-n1", "10.96.0.1:443"),
        ("permissions",),
        ("snapshot", str(bundle), *ONLY),
        ("diff", "demo", "demo"),
    ]


def test_every_command_from_the_link(
    krew: Krew, dist: Path, lab: Lab, svcnet: Svcnet, tmp_path: Path
) -> None:
    svcnet.healthy(within=120)
    [archive] = dist.glob(f"kubectl-svcnet_v{build.version()}.tar.gz")
    krew("install", f"--manifest={dist / 'krew-manifest.yaml'}", f"--archive={archive}")
    found = pythons()
    assert found, "no Python from 3.10 to 3.13"

    def one(job: tuple[str, tuple[str, ...]]) -> str:
        python, words = job
        more = {"SVCNET_PYTHON": python, "KUBECONFIG": str(lab.kubeconfig), "HOME": "/"}
        return output_of([str(krew.link), *words], {**os.environ, **more})

    jobs = [
        (path, words)
        for name, path in found
        for words in commands(tmp_path / f"{name}.tar.gz")
        if words[0] not in SLOW or name == found[0][0]
    ]
    with ThreadPoolExecutor(max_workers=4) as pool:
        said = dict(zip(jobs, pool.map(one, jobs), strict=True))
    for name, path in found:
        assert f"(Python {name.removeprefix('python')}." in said[path, ("version",)]
    assert all(text for (_, words), text in said.items() if words[0] != "check")
