"""Deadlines, gates and stops; upper bounds of time only."""

from __future__ import annotations

import threading

import pytest

from kubectl_svcnet.cluster.deadline import Deadline, Gate, Stop, run_bounded
from kubectl_svcnet.cluster.faults import Fault
from kubectl_svcnet.model.capture import Reason


def test_a_deadline() -> None:
    never = Deadline(None)
    assert (never.remaining(), never.expired(), never.socket_timeout()) == (None, False, None)
    over = Deadline(0)
    assert (over.remaining(), over.expired()) == (0.0, True)
    with pytest.raises(TimeoutError):
        over.socket_timeout()
    assert over.fault("x").failure.message == "x: no answer within 0s"


def test_the_earlier_of_two() -> None:
    long = Deadline(100)
    assert long.capped(None) is long
    assert long.capped(1000) is long
    assert (long.capped(1).seconds, Deadline(None).capped(1).seconds) == (1, 1)


def test_bounded_work() -> None:
    stop = Stop()
    assert run_bounded(lambda: 42, Deadline(5), stop, "x") == 42
    assert run_bounded(lambda: 42, Deadline(None), stop, "x") == 42
    with pytest.raises(KeyError):
        run_bounded(lambda: dict[str, int]()["missing"], Deadline(5), stop, "x")


def test_work_that_does_not_end() -> None:
    release = threading.Event()
    with pytest.raises(Fault) as caught:
        run_bounded(release.wait, Deadline(0.05), Stop(), "x")
    assert caught.value.failure.reason is Reason.TIMEOUT
    stop = Stop()
    threading.Timer(0.05, stop.set).start()
    with pytest.raises(Fault) as caught:
        run_bounded(release.wait, Deadline(None), stop, "x")
    assert caught.value.failure.reason is Reason.INTERRUPTED
    release.set()


def test_a_gate() -> None:
    stop = Stop()
    gate = Gate(1, stop)
    gate.enter(Deadline(None), "x")
    with pytest.raises(Fault, match="no answer"):
        gate.enter(Deadline(0.05), "x")
    stop.set()
    with pytest.raises(Fault, match="interrupted"):
        gate.enter(Deadline(None), "x")
    gate.leave()
    with pytest.raises(ValueError, match="released"):
        gate.leave()


def test_a_stop() -> None:
    stop = Stop()
    assert not stop.wait(0)
    assert not stop.is_set()
    stop.check("x")
    stop.set()
    assert stop.wait(100)
    assert stop.is_set()
