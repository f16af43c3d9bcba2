"""Running programs, waiting, and saying what takes how long. Failures become one `LabError`."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager


class LabError(Exception):
    """Something the person at the keyboard must know, in words for them."""


def run(
    argv: Sequence[str],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 300,
) -> str:
    """The program's standard output; anything but exit status 0 is an error."""
    done = attempt(argv, stdin=stdin, env=env, timeout=timeout)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise LabError(f"`{shlex.join(argv)}` ended with status {done.returncode}: {said}")
    return done.stdout


def attempt(
    argv: Sequence[str],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 300,
) -> subprocess.CompletedProcess[str]:
    """Like `run`, for callers to whom failure is an answer."""
    try:
        return subprocess.run(
            argv,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            env=env,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise LabError(f"`{argv[0]}` is not installed.") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"`{shlex.join(argv)}` did not end within {timeout:g} s.") from error


def wait_until(
    what: str, holds: Callable[[], bool], *, timeout: float, every: float = 0.25
) -> None:
    deadline = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > deadline:
            raise LabError(f"Waited {timeout:g} s in vain: {what}.")
        time.sleep(every)


@contextmanager
def step(what: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    print(f"{time.monotonic() - start:6.1f} s  {what}", flush=True)
