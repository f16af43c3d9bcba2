"""stdin, stdout and stderr as a person or a program left them: closed, full, of few letters."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from io import TextIOWrapper

from ..errors import SvcnetError

#: Of a disk under `> FILE`.
FULL = (errno.ENOSPC, errno.EDQUOT)


def open_streams() -> None:
    """One that is closed (`>&-`) is an empty one; what the encoding of stdout has no sign for, as
    ISO 8859-1 for "…", is a question mark."""
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def unwritten(error: OSError) -> int:
    """Says that the output did not get where it should, if that can be said; the exit status."""
    failed = SvcnetError(f"the output cannot be written: {error.strerror or error}")
    with suppress(OSError):  # it may be stderr that is full
        sys.stderr.write(f"error: {failed}\n")
        sys.stderr.flush()
    return failed.exit_code
