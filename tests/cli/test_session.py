"""One run: the source that is opened, what is recorded, how it looks, how it ends."""

from __future__ import annotations

import argparse
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kubectl_svcnet.cli import session
from kubectl_svcnet.cluster.config import ClusterConfig
from kubectl_svcnet.cluster.live import LiveSource
from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.errors import ClusterError, ParseError, UsageError
from kubectl_svcnet.model.capture import ApiRequest, Source
from kubectl_svcnet.model.finding import Gap
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import Collected, LogsReport, RangesReport
from tests.saved import HEALTHY

GAP = Gap(what="rules", why="no route", node="n2", blocking=True)


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def given(**flags: object) -> argparse.Namespace:
    return argparse.Namespace(bundle=str(HEALTHY), **flags)


def work(source: Source, options: Options) -> RangesReport:
    return RangesReport(collected=Collected(nodes=3), gaps=(GAP,))


def test_how_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    assert session.run(given(), lambda: work) == 4
    out, err = capsys.readouterr()
    assert "gap n2: rules: no route" in out
    assert err.startswith("read 0 of 3 nodes")


def test_an_accepted_gap_is_shown_and_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert session.run(given(accept_gaps=["n2"]), lambda: work) == 0
    assert "accepted gap n2: rules: no route" in capsys.readouterr().out


def test_names_alone_leave_the_gaps_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert session.run(given(output="name"), lambda: work) == 4
    assert capsys.readouterr() == ("", "gap n2: rules: no route\n")


def test_a_bundle_is_not_recorded_again() -> None:
    with pytest.raises(UsageError, match="--record"):
        session.run(given(record="x"), lambda: work)


def test_stdout_is_no_file_to_record_to() -> None:
    with pytest.raises(UsageError, match="--record writes a file"):
        session._recording(session.open_bundle(str(HEALTHY)), Options(record="-"))


def test_bundles(tmp_path: Path) -> None:
    assert isinstance(session.open_bundle(str(HEALTHY)), ReplaySource)
    with pytest.raises(ParseError):
        session.open_bundle(str(tmp_path / "none"))


def test_ctrl_c_on_a_bundle_ends_at_once() -> None:
    def interrupted(source: Source, options: Options) -> RangesReport:
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("it went on")

    with pytest.raises(KeyboardInterrupt):
        session.run(given(), lambda: interrupted)


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> LiveSource:
    source = LiveSource(ClusterConfig(server="http://127.0.0.1:1", context="x"))
    monkeypatch.setattr(session, "open_source", lambda given, timeout: (Options(), source, source))
    monkeypatch.setattr(source, "check", dict)
    return source


def press(source: Source, options: Options) -> RangesReport:
    os.kill(os.getpid(), signal.SIGINT)
    return work(source, options)


def test_ctrl_c_shows_what_was_read(live: LiveSource, capsys: pytest.CaptureFixture[str]) -> None:
    assert session.run(argparse.Namespace(), lambda: press) == 130
    assert "gap n2: rules: no route" in capsys.readouterr().out
    assert live.fetch(ApiRequest(path="/x"))[0].failure is not None


@pytest.mark.parametrize(
    "error", [ClusterError("interrupted"), UsageError("x"), RuntimeError("x")], ids=repr
)
def test_ctrl_c_before_anything_was_read(live: LiveSource, error: Exception) -> None:
    """Whatever the interrupted work raises is no error of its own."""

    def failing(source: Source, options: Options) -> RangesReport:
        press(source, options)
        raise error

    with pytest.raises(KeyboardInterrupt):
        session.run(argparse.Namespace(), lambda: failing)


def test_ctrl_c_while_the_cluster_is_being_reached(
    live: LiveSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> None:
        raise ClusterError("unreachable")

    def load() -> session.Work:
        os.kill(os.getpid(), signal.SIGINT)
        return work

    monkeypatch.setattr(live, "check", refused)
    with pytest.raises(KeyboardInterrupt):
        session.run(argparse.Namespace(), load)


@pytest.mark.parametrize(("output", "wide"), [("table", False), ("wide", True), ("json", False)])
def test_style(output: str, wide: bool) -> None:
    style = session.style_of(Options(output=output, headers=False, explain=True))
    assert (style.wide, style.headers, style.explain, style.width) == (wide, False, True, 80)
    assert not style.colour


# What is followed


def tell_twice(source: object, options: Options, tell: Callable[[LogsReport], None]) -> None:
    tell(LogsReport(collected=Collected(), nodes=("n1",)))
    tell(LogsReport(collected=Collected(), nodes=("n1",), gaps=(GAP,), continued=True))


def test_json_of_what_is_followed_is_a_document_a_line(
    live: LiveSource, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = Options(output="json")
    monkeypatch.setattr(session, "open_source", lambda given, timeout: (options, live, live))
    assert session.follow(argparse.Namespace(), tell_twice) == 4
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(document["gaps"]) for document in documents] == [0, 1]
    assert {document["kind"] for document in documents} == {"Logs"}


def test_the_head_stands_once(live: LiveSource, capsys: pytest.CaptureFixture[str]) -> None:
    session.follow(argparse.Namespace(), tell_twice)
    out = capsys.readouterr().out
    assert out.count("TIME (UTC)") == 1
    assert "gap n2: rules: no route" in out


def test_ctrl_c_while_following(live: LiveSource) -> None:
    def work(source: object, options: Options, tell: Callable[[LogsReport], None]) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert live.ended

    assert session.follow(argparse.Namespace(), work) == 130


def test_ctrl_c_before_there_was_anything(live: LiveSource) -> None:
    def work(source: object, options: Options, tell: Callable[[LogsReport], None]) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        raise ClusterError("no answer")

    with pytest.raises(KeyboardInterrupt):
        session.follow(argparse.Namespace(), work)


@pytest.mark.parametrize("flag", ["bundle", "record"])
def test_nothing_saved_is_followed(flag: str) -> None:
    with pytest.raises(UsageError, match=f"--{flag}"):
        session.follow(argparse.Namespace(**{flag: "x"}), tell_twice)
