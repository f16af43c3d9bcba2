"""A progress line on stderr: only on a terminal, and only once the work has lasted a second."""

from __future__ import annotations

import sys
import threading
import time

from ..model.capture import Request
from ..model.counted import counted

AFTER, EVERY = 1.0, 0.1


class Progress:
    def __init__(self) -> None:
        self._started = time.monotonic()
        self._told = 0.0
        self._done = 0
        self._lock = threading.Lock()
        self._on = sys.stderr.isatty()

    def tell(self, request: Request) -> None:
        """Called after each fetch, from any thread."""
        with self._lock:
            self._done += 1
            now = time.monotonic()
            if not self._on or now - self._started < AFTER or now - self._told < EVERY:
                return
            self._told = now
            sys.stderr.write(f"\r\x1b[K{counted(self._done, 'answer')} …\r")
            sys.stderr.flush()
