"""A skip is a reason on a developer's machine, and a failure where CI=true."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CASES = """
import pytest

@pytest.mark.tools("no-such-program")
def test_tool(): pass

def test_skips(): pytest.skip("because")

@pytest.mark.xfail(strict=True)
def test_fails_as_expected(): assert False

@pytest.mark.e2e
def test_not_asked_for(): assert False

def test_passes(): pass
"""


@pytest.mark.parametrize(
    ("ci", "status", "counts"),
    [
        ("", 0, "1 passed, 2 skipped, 1 deselected, 1 xfailed"),
        ("true", 1, "1 failed, 1 passed, 1 deselected, 1 xfailed, 1 error"),
    ],
)
def test_skips(tmp_path: Path, ci: str, status: int, counts: str) -> None:
    here = Path(__file__).parent
    shutil.copy(here / "conftest.py", tmp_path)
    (tmp_path / "test_cases.py").write_text(CASES)
    settings = ["-c", str(here.parent / "pyproject.toml"), "-p", "no:cacheprovider"]
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", *settings, "--rootdir", str(tmp_path), str(tmp_path)],
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    assert counts in answer.stdout, answer.stdout + answer.stderr
    assert answer.returncode == status
    for reason in ("not installed: no-such-program", "because"):
        assert reason in answer.stdout
