"""Streams that are closed, full, or of few letters."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = [sys.executable, "-m", "kubectl_svcnet"]
BUNDLE = ["--bundle", "demo"]


def ended(shell: str, *words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """With streams as `shell` redirects them."""
    return subprocess.run(
        ["sh", "-c", f'"$@" {shell}', "sh", *PROGRAM, *words],
        env={**os.environ, **environment},
        capture_output=True,
    )


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("ranges --ip -", 2),  # there is no address in it
        ("packet tcp 10.0.0.1 10.0.0.2:3 --rules -", 3),  # no rules in it
        ("trace db-service", 1),
    ],
)
def test_a_stdin_that_is_closed_is_empty(words: str, status: int) -> None:
    bundle = [] if words.startswith("packet") else BUNDLE
    found = ended("<&-", *words.split(), *bundle)
    assert found.returncode == status
    assert b"Traceback" not in found.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize("words", ["trace nope", "trace db-service", "ranges", "bogus"])
def test_a_full_stderr_is_no_finding(words: str) -> None:
    assert ended("2>/dev/full", *words.split(), *BUNDLE).returncode in (2, 3)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
@pytest.mark.parametrize("words", ["logs db-service", "trace db-service", "proxy -o json"])
def test_what_an_encoding_has_no_sign_for(words: str, encoding: str) -> None:
    found = ended("", *words.split(), *BUNDLE, PYTHONIOENCODING=encoding)
    assert found.returncode in (0, 1)
    assert b"Traceback" not in found.stderr
    found.stdout.decode("ascii")
