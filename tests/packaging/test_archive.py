"""The krew archive: nothing that krew refuses, the same bytes twice, and it starts."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.packager import ROOT, build

LAUNCHER = ROOT / "packaging" / "launcher.sh"


def test_the_built_manifest_differs_in_version_uri_and_hash_only() -> None:
    template = (ROOT / "krew-manifest.yaml").read_text(encoding="utf-8")
    made = build.manifest(template, "12.34.5", "ab" * 32)
    old, new = (yaml.safe_load(text)["spec"] for text in (template, made))
    (platform,) = new["platforms"]
    assert new["version"] == "v12.34.5"
    assert platform["sha256"] == "ab" * 32
    assert platform["uri"].endswith("/download/v12.34.5/kubectl-svcnet_v12.34.5.tar.gz")
    new["version"] = old["version"]
    platform |= {key: old["platforms"][0][key] for key in ("sha256", "uri")}
    assert new == old


def test_the_committed_manifest_is_of_this_version_or_an_older_one() -> None:
    spec = yaml.safe_load((ROOT / "krew-manifest.yaml").read_text(encoding="utf-8"))["spec"]
    numbers = [tuple(map(int, text.split("."))) for text in (spec["version"][1:], build.version())]
    assert numbers[0] <= numbers[1]


def test_packing_is_reproducible_whatever_the_order_and_the_python() -> None:
    files = {"svcnet": b"#!/bin/sh\n", "LICENSE": b"", "lib/a.py": b"a"}
    packed = build.pack(files)
    assert packed == build.pack(dict(reversed(files.items())))
    assert packed[:10] == b"\x1f\x8b\x08" + b"\0" * 5 + b"\x02\xff", "no name, no time, any system"


def test_every_wheel_is_locked_by_one_hash() -> None:
    text = (ROOT / "packaging" / "requirements.lock").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==\S+ --hash=sha256:[a-f0-9]{64}", row) for row in rows)
    names = [row.split("==")[0] for row in rows]
    assert names == sorted(set(names))


@pytest.fixture
def launcher(tmp_path: Path) -> Path:
    """The launcher in a folder with a space, with a program that shows how it was started."""
    home = tmp_path / "krew store"
    (home / "lib").mkdir(parents=True)
    shutil.copy(LAUNCHER, home / "svcnet")
    program = "import sys; print(sys.flags.isolated, *sys.argv[1:])"
    (home / "lib" / "__main__.py").write_text(program)
    return home / "svcnet"


def start(path: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [str(path), *words]
    environment = {"PATH": os.environ["PATH"], "SVCNET_PYTHON": sys.executable, **env}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_launcher_follows_links(launcher: Path, tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to(launcher)
    (tmp_path / "bin").mkdir()
    two = tmp_path / "bin" / "kubectl-svcnet"
    two.symlink_to(Path("..") / "one")
    assert start(two, "trace", "a b").stdout == "1 trace a b\n"


def test_the_launcher_keeps_the_exit_status(launcher: Path) -> None:
    (launcher.parent / "lib" / "__main__.py").write_text("import sys; sys.exit(4)")
    assert start(launcher).returncode == 4


def test_without_a_new_python_it_says_so(launcher: Path, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "dirname", "readlink"):
        (programs / name).symlink_to(str(shutil.which(name)))
    (programs / "python3").write_text("#!/bin/sh\necho 'too old'\n")
    (programs / "python3").chmod(0o755)
    answer = start(launcher, PATH=str(programs), SVCNET_PYTHON="")
    assert answer.returncode == 3
    assert answer.stderr.startswith("error: kubectl svcnet needs Python 3.10 or newer")
    assert answer.stderr.count("\n") == 1


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real archive; pip fetches the locked wheels."""
    built = build.build(tmp_path_factory.mktemp("dist"))
    assert isinstance(built, Path)
    return built


@pytest.mark.e2e
def test_krew_can_unpack_it(archive: Path) -> None:
    """krew `internal/download/downloader.go`, and the licence that krew-index asks for."""
    with tarfile.open(archive) as opened:
        members = opened.getmembers()
    assert all(member.isreg() for member in members), "links are refused"
    names = [member.name for member in members]
    assert not [name for name in names if ".." in name or name.startswith("/")]
    assert names == sorted(names)
    assert {"LICENSE", "THIRD_PARTY_NOTICES", "svcnet"} <= set(names)
    assert {(m.mtime, m.uid, m.gid, m.uname) for m in members} == {(build.MTIME, 0, 0, "")}
    assert [m.name for m in members if m.mode & 0o111] == ["svcnet"]
    compiled = (".so", ".pyd", ".dylib", ".pyc")
    assert not [name for name in names if name.endswith(compiled)]


@pytest.mark.e2e
def test_its_manifest_has_its_hash_and_its_program(archive: Path) -> None:
    text = (archive.parent / "krew-manifest.yaml").read_text(encoding="utf-8")
    (platform,) = yaml.safe_load(text)["spec"]["platforms"]
    assert platform["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert platform["bin"] == "svcnet"
    assert platform["uri"].endswith(f"/{archive.name}")


@pytest.mark.e2e
def test_built_twice_it_is_the_same(archive: Path, tmp_path: Path) -> None:
    assert build.build(tmp_path).read_bytes() == archive.read_bytes()


@pytest.mark.e2e
def test_it_answers_from_its_bundle(archive: Path, tmp_path: Path) -> None:
    subprocess.run(["tar", "-xzf", str(archive), "-C", str(tmp_path)], check=True)
    answer = start(tmp_path / "svcnet", "trace", "db-service", "--bundle", "demo")
    assert answer.returncode == 1, answer.stderr
    assert "db-service" in answer.stdout
