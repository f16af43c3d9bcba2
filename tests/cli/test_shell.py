"""`completion`: scripts of shells, and the file that krew does not link, in directories of ours."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from kubectl_svcnet.cli import shell
from kubectl_svcnet.cli.main import main
from kubectl_svcnet.errors import UsageError


def program(folder: Path, name: str = shell.PLUGIN, text: str = "#!/bin/sh\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)
    return file


@pytest.fixture
def krew(tmp_path: Path) -> Path:
    """krew's bin: a link to what it has unpacked elsewhere."""
    stored = program(
        tmp_path / "store" / "svcnet" / "v1",
        "svcnet",
        f'#!/bin/sh\nexec {sys.executable} -m kubectl_svcnet.cli.main "$@"\n',
    )
    folder = tmp_path / "krew root" / "bin"
    folder.mkdir(parents=True)
    (folder / shell.PLUGIN).symlink_to(stored)
    return folder


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_scripts(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", name]) == 0
    assert shell.PLUGIN in capsys.readouterr().out


def test_beside_the_link_of_krew(
    krew: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(krew))
    assert main(["completion", "--install"]) == 0
    file = krew / shell.COMPLETER
    assert capsys.readouterr().out.startswith(f"wrote {file}; ")
    assert file.stat().st_mode & 0o777 == 0o755
    assert sorted(each.name for each in krew.iterdir()) == sorted((shell.PLUGIN, shell.COMPLETER))


def test_what_is_written_answers(krew: Path) -> None:
    shell.install(str(krew))
    answer = subprocess.run(
        [krew / shell.COMPLETER, "tra"], capture_output=True, text=True, timeout=60, check=True
    )
    first, last = answer.stdout.splitlines()
    assert (first.partition("\t")[0], last, answer.stderr) == ("trace", ":4", "")


def test_its_own_file_is_written_again(krew: Path, tmp_path: Path) -> None:
    shell.install(str(krew))
    assert shell.install(str(krew)).startswith("is up to date: ")
    (krew / shell.PLUGIN).unlink()
    moved = program(tmp_path / "moved")
    search = os.pathsep.join(map(str, (moved.parent, krew)))
    assert shell.install(search).startswith(f"wrote again {krew / shell.COMPLETER}; ")
    text = (krew / shell.COMPLETER).read_text(encoding="utf-8")
    assert f"exec {shlex.quote(str(moved))} __complete" in text


def test_a_foreign_file_is_left(krew: Path) -> None:
    foreign = program(krew, shell.COMPLETER, "#!/bin/sh\necho mine\n")
    with pytest.raises(UsageError, match="not of svcnet: not overwritten") as caught:
        shell.install(str(krew))
    assert caught.value.exit_code == 2
    assert foreign.read_text(encoding="utf-8") == "#!/bin/sh\necho mine\n"


def test_a_foreign_file_that_cannot_be_run_is_left_too(krew: Path) -> None:
    foreign = program(krew, shell.COMPLETER, "notes")
    foreign.chmod(0o644)
    with pytest.raises(UsageError, match="not overwritten"):
        shell.install(str(krew))
    assert foreign.read_text(encoding="utf-8") == "notes"


@pytest.mark.parametrize("leads", ["somewhere", "nowhere"])
def test_a_link_is_left(krew: Path, tmp_path: Path, leads: str) -> None:
    shell.install(str(krew))
    target = tmp_path / "target"
    (krew / shell.COMPLETER).rename(target)  # of our own making, and yet another's link
    if leads == "nowhere":
        target.unlink()
    (krew / shell.COMPLETER).symlink_to(target)
    with pytest.raises(UsageError, match="not overwritten"):
        shell.install(str(krew))
    assert (krew / shell.COMPLETER).is_symlink()


def test_a_foreign_file_before_it_on_path_is_found(krew: Path, tmp_path: Path) -> None:
    program(tmp_path / "first", shell.COMPLETER)
    with pytest.raises(UsageError, match="first"):
        shell.install(os.pathsep.join(map(str, (tmp_path / "first", krew))))
    assert not (krew / shell.COMPLETER).exists()


def test_what_pip_has_installed_is_enough(krew: Path) -> None:
    text = "#!/usr/bin/python3\nfrom kubectl_svcnet.cli.completion import run\n"
    file = program(krew, shell.COMPLETER, text)
    assert shell.install(str(krew)).endswith("nothing written")
    assert file.read_text(encoding="utf-8") == text


def test_another_directory_of_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin's belongs to somebody else; a relative one is another one tomorrow."""
    plugin = program(tmp_path / "theirs")
    (tmp_path / "mine").mkdir()
    monkeypatch.setattr(shell, "_is_own", lambda folder: folder.name == "mine")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "relative").mkdir()
    search = os.pathsep.join(("relative", str(plugin.parent), str(tmp_path / "mine")))
    assert shell.install(search).startswith(f"wrote {tmp_path / 'mine' / shell.COMPLETER}; ")


def test_no_directory_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path)
    monkeypatch.setattr(shell, "_is_own", lambda folder: False)
    with pytest.raises(UsageError, match="yours to write to") as caught:
        shell.install(str(tmp_path))
    assert caught.value.next is not None
    assert "export PATH" in caught.value.next
    assert [each.name for each in tmp_path.iterdir()] == [shell.PLUGIN]


def test_whose_a_directory_is(tmp_path: Path) -> None:
    assert shell._is_own(tmp_path)
    assert not shell._is_own(tmp_path / "missing")


def test_a_plugin_that_is_not_on_path(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not on PATH"):
        shell.install(str(tmp_path))


def test_a_disk_that_is_full(krew: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(UsageError, match="No space left"):
        shell.install(str(krew))
    assert [each.name for each in krew.iterdir()] == [shell.PLUGIN]
