"""`completion`: the script of a shell for the bare executable, or the file for kubectl's own.

krew links one file of a plugin, and kubectl looks for a second one, `kubectl_complete-svcnet`.
`--install` writes it beside the first one that is on PATH, or else to a directory of PATH that is
the user's own. It replaces what it has written itself, and nothing else.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import UsageError

PLUGIN = "kubectl-svcnet"
COMPLETER = "kubectl_complete-svcnet"

_MARK = "# Written by `kubectl svcnet completion --install`, which may write it again."
#: In the console script that pip makes.
_OURS_BY_PIP = "kubectl_svcnet.cli.completion"


def completion(given: argparse.Namespace) -> int:
    """Raises UsageError where nothing can be installed, or another's file is in the way."""
    if given.install:
        print(install(os.environ.get("PATH", "")))
        return 0
    from argcomplete.shell_integration import shellcode

    print(shellcode([PLUGIN], shell=given.shell))
    return 0


def install(search: str) -> str:
    """What was written where, in a sentence; `search` is PATH."""
    plugin = shutil.which(PLUGIN, path=search)
    if plugin is None:
        raise UsageError(
            f"{PLUGIN} is not on PATH, so kubectl cannot run it either",
            next="kubectl plugin list",
        )
    plugin = os.path.abspath(plugin)
    there = shutil.which(COMPLETER, path=search)
    folder = Path(there or plugin).parent if there or _is_own(Path(plugin).parent) else None
    file = Path(os.path.abspath(folder or _own_folder(search))) / COMPLETER
    text = f'#!/bin/sh\n{_MARK}\nexec {shlex.quote(plugin)} __complete "$@"\n'
    before = _read(file)
    if before is not None and _OURS_BY_PIP in before:
        return f"{file} is there already, with this plugin: nothing written"
    if before is not None and _MARK not in before:
        raise UsageError(f"{file} is there and not of svcnet: not overwritten", next=f"rm {file}")
    if before != text:
        _write(file, text)
    done = "wrote" if before is None else "is up to date:" if before == text else "wrote again"
    return (
        f"{done} {file}; kubectl 1.26 or newer completes svcnet by it, in a shell that has\n"
        "loaded kubectl's own completion: kubectl completion --help"
    )


def _own_folder(search: str) -> Path:
    for folder in _folders(search):
        if _is_own(folder):
            return folder
    raise UsageError(
        f"neither the directory of {PLUGIN} nor another one of PATH is yours to write to",
        next="mkdir -p ~/.local/bin && export PATH=~/.local/bin:$PATH",
    )


def _folders(search: str) -> Iterator[Path]:
    """Not those relative to the working directory, which is another one next time."""
    return (Path(name) for name in search.split(os.pathsep) if os.path.isabs(name))


def _is_own(folder: Path) -> bool:
    try:
        return folder.stat().st_uid == os.geteuid() and os.access(folder, os.W_OK | os.X_OK)
    except OSError:
        return False


def _read(file: Path) -> str | None:
    """None where there is nothing; a link is somebody's, wherever it leads."""
    if not os.path.lexists(file):
        return None
    if not file.is_file():
        return ""
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            head = opened.read(4096)
    except OSError:
        return ""
    return "" if file.is_symlink() and _OURS_BY_PIP not in head else head


def _write(file: Path, text: str) -> None:
    """Whole or not at all."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{COMPLETER}-", dir=file.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as opened:
                opened.write(text)
            os.chmod(name, 0o755)
            os.replace(name, file)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from error
