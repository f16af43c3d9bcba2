"""Does a test notice when a match or target means something else? `make mutants`

Each change of `tests.mutants` is made in a copy of the tree, and the unit tests must fail: those
of the changed file first, all of the simulator's where these do not. Ends with status 1 if one
change survives. With words it tries only mutants that hold them all: `sets.py`, `negated`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.mutants import ROOT, Mutant, mutants

TESTS = "tests/engine/simulate"
DEADLINE = 300.0  # of one run of the tests; a change that makes a walk endless is noticed, too


def is_caught(mutant: Mutant, tree: Path) -> bool:
    path = tree / mutant.path
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: mutant.start] + mutant.new + text[mutant.end :], encoding="utf-8")
    own = f"{TESTS}/test_{path.name}"
    try:
        return ((tree / own).exists() and not _pass(own, tree)) or not _pass(TESTS, tree)
    finally:
        path.write_text(text, encoding="utf-8")


def _pass(tests: str, tree: Path) -> bool:
    run = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", tests]
    try:
        done = subprocess.run(run, cwd=tree, capture_output=True, check=False, timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        return False
    if done.returncode not in (0, 1, 2):  # 2: what was changed cannot even be imported
        raise RuntimeError(f"pytest ended with {done.returncode}: {done.stdout.decode()[-2000:]}")
    return done.returncode == 0


def copy_tree(folder: Path) -> Path:
    for name in ("kubectl_svcnet", "tests"):
        skip = shutil.ignore_patterns("__pycache__", "kernel", "lab")
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", folder)
    if not _pass(TESTS, folder):
        raise RuntimeError("The tests fail without any change.")
    return folder


def try_all(chosen: list[Mutant], workers: int) -> int:
    """How many survive. Each worker has a copy of the tree of its own."""
    trees: SimpleQueue[Path] = SimpleQueue()

    def attempt(mutant: Mutant) -> tuple[Mutant, bool]:
        tree = trees.get()
        try:
            return mutant, is_caught(mutant, tree)
        finally:
            trees.put(tree)

    survived = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        for number in range(workers):
            trees.put(copy_tree(Path(folder, str(number))))
        for number, (mutant, caught) in enumerate(pool.map(attempt, chosen), start=1):
            survived += not caught
            word = "caught" if caught else "SURVIVED"
            say(f"{number}/{len(chosen)} {word} {mutant}")
    return survived


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(words: list[str]) -> int:
    chosen = [one for one in mutants() if all(word in str(one) for word in words)]
    survived = try_all(chosen, workers=min(4, os.cpu_count() or 1))
    say(f"{len(chosen)} mutants, {survived} survived")
    return 1 if survived else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
