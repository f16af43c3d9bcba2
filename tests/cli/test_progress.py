from __future__ import annotations

import io
import sys
import time

import pytest

from kubectl_svcnet.cli.progress import AFTER, EVERY, Progress
from kubectl_svcnet.model.capture import ApiRequest

REQUEST = ApiRequest(path="/api/v1/nodes")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(monkeypatch: pytest.MonkeyPatch, stderr: io.StringIO, *times: float) -> str:
    clock = iter((0.0, *times))
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    bar = Progress()
    for _ in times:
        bar.tell(REQUEST)
    return stderr.getvalue()


def test_short_work_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, Terminal(), 0.1, AFTER - 0.01) == ""


def test_long_work_counts_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    text = told(monkeypatch, Terminal(), 0.5, AFTER + 0.01, AFTER + 0.02, AFTER + 0.02 + EVERY)
    assert text == "\r\x1b[K2 answers …\r\r\x1b[K4 answers …\r"


def test_a_file_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, io.StringIO(), AFTER + 5) == ""
