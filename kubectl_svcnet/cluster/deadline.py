"""Deadlines that hold whatever the other side does, and waits that an interrupt ends soon.

A socket timeout counts anew with each byte, name resolution has none, and a thread blocked in
the kernel cannot be stopped. So blocking work runs in a thread of its own and whoever waits for
it leaves on time; the thread ends later by its own socket timeout and is never waited for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from ..model.capture import Failure, Reason
from .faults import Fault

T = TypeVar("T")

_SLICE = 0.1  # how long an interrupt may go unnoticed


class Deadline:
    """A point in time by the monotonic clock; `seconds=None` never comes."""

    __slots__ = ("at", "seconds")

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.at = None if seconds is None else time.monotonic() + seconds

    def remaining(self) -> float | None:
        return None if self.at is None else max(0.0, self.at - time.monotonic())

    def expired(self) -> bool:
        return self.at is not None and time.monotonic() >= self.at

    def capped(self, seconds: float | None) -> Deadline:
        """The earlier of this one and `seconds` from now."""
        rest = self.remaining()
        if seconds is None or (rest is not None and rest <= seconds):
            return self
        return Deadline(seconds)

    def socket_timeout(self) -> float | None:
        """For `settimeout`, where 0 would mean something else. Raises TimeoutError when over."""
        rest = self.remaining()
        if rest is not None and rest <= 0:
            raise TimeoutError("timed out")
        return rest

    def fault(self, doing: str) -> Fault:
        within = "" if self.seconds is None else f" within {self.seconds:.3g}s"
        return Fault(Failure(reason=Reason.TIMEOUT, message=f"{doing}: no answer{within}"))


class Stop:
    """Set once, by `interrupt()`: every wait ends soon."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleeps; True if it was interrupted. Sliced, so that Ctrl-C is seen at once."""
        deadline = Deadline(seconds)
        while not self._event.is_set() and not deadline.expired():
            self._event.wait(min(_SLICE, deadline.remaining() or 0.0))
        return self._event.is_set()

    def check(self, doing: str) -> None:
        if self._event.is_set():
            message = f"{doing}: interrupted"
            raise Fault(Failure(reason=Reason.INTERRUPTED, message=message))


class Gate:
    """At most so many at a time; those who wait leave at their deadline or on an interrupt."""

    def __init__(self, places: int, stop: Stop) -> None:
        self._places = threading.BoundedSemaphore(places)
        self._stop = stop

    def enter(self, deadline: Deadline, doing: str) -> None:
        while True:
            self._stop.check(doing)
            rest = deadline.remaining()
            if self._places.acquire(timeout=_SLICE if rest is None else min(_SLICE, rest)):
                return
            if deadline.expired():
                raise deadline.fault(doing)

    def leave(self) -> None:
        self._places.release()


def run_bounded(work: Callable[[], T], deadline: Deadline, stop: Stop, doing: str) -> T:
    """What `work` returns or raises; a Fault at the deadline or on an interrupt."""
    done = threading.Event()
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    threading.Thread(target=run, name=f"svcnet: {doing}", daemon=True).start()
    while not done.is_set():
        stop.check(doing)
        if deadline.expired():
            raise deadline.fault(doing)
        rest = deadline.remaining()
        done.wait(_SLICE if rest is None else min(_SLICE, rest))
    if errors:
        raise errors[0]
    return results[0]
