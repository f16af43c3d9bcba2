"""Finding and ending the lab's own processes, never one that merely has the same number.

A recorded process counts only with its start time. Daemons inside a node are found by the node's
network namespace, which nothing outside the lab shares.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    started: int  # clock ticks since boot: field 22 of /proc/PID/stat, see proc(5)

    def alive(self) -> bool:
        return start_time(self.pid) == self.started

    def signal(self, number: signal.Signals) -> None:
        # The descriptor pins the process: between the check and the signal its number may pass on.
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if self.alive():
                signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(descriptor)

    def end(self, *, grace: float) -> None:
        """SIGTERM, then after `grace` seconds SIGKILL; returns when the process is gone."""
        for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 10.0)):
            self.signal(number)
            deadline = time.monotonic() + patience
            while self.alive() and time.monotonic() < deadline:
                time.sleep(0.05)
            if not self.alive():
                return


def start_time(pid: int) -> int | None:
    """None when there is no such process or when it is a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *fields = text[text.rindex(")") + 2 :].split()
    return None if state in "ZX" else int(fields[18])


def recorded(pid: int) -> Process | None:
    started = start_time(pid)
    return None if started is None else Process(pid, started)


def in_network_namespace(namespace: Path, command: str | None = None) -> list[Process]:
    """Processes in that namespace; `command` is the name as in /proc/PID/comm."""
    try:
        inode = namespace.stat().st_ino
    except OSError:
        return []
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "ns/net").stat().st_ino != inode:
                continue
            if command is not None and (folder / "comm").read_text().strip() != command[:15]:
                continue
        except OSError:
            continue
        if process := recorded(int(folder.name)):
            found.append(process)
    return found
