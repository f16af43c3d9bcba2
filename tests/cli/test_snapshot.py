"""`snapshot FILE`: the file appears whole or not at all."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet.cli import session
from kubectl_svcnet.cli.main import main
from kubectl_svcnet.cli.snapshot import snapshot
from kubectl_svcnet.cluster.bundle import read_bundle
from kubectl_svcnet.model.capture import Source
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import SnapshotReport
from tests.saved import HEALTHY, Saved


def run_over(source: Source, monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[Any]:
    """The report that the session would show."""
    shown: list[Any] = []

    def run(
        given: argparse.Namespace,
        load: Callable[[], Callable[[Source, Options], Any]],
        *,
        timeout: float,
    ) -> int:
        assert timeout == 600
        shown.append(load()(source, Options(**options)))
        return 0

    monkeypatch.setattr(session, "run", run)
    assert snapshot(argparse.Namespace()) == 0
    return shown


def test_what_is_saved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "x.tar.gz"
    (report,) = run_over(Saved().source(), monkeypatch, file=str(file))
    assert isinstance(report, SnapshotReport)
    context, stored = read_bundle(file)
    assert context == "admin@lab"
    assert report.captures == len(stored) > 100
    assert report.size == file.stat().st_size


def test_anonymised(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "x.tar.gz"
    run_over(Saved().source(), monkeypatch, file=str(file), anonymise=True)
    context, stored = read_bundle(file)
    assert context == ""
    texts = [one.capture().text() for one in stored]
    assert not [text for text in texts if "db-service" in text]


def test_nothing_half_done_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Broken:
        context = "x"

        def fetch(self, request: object) -> Any:
            raise RuntimeError("no")

        def now(self) -> float:
            return 0.0

        def wait(self, seconds: float) -> None:
            pass

    with pytest.raises(RuntimeError):
        run_over(Broken(), monkeypatch, file=str(tmp_path / "x.tar.gz"))
    assert list(tmp_path.iterdir()) == []


def test_of_a_bundle_it_is_a_copy_that_can_be_handed_on(tmp_path: Path) -> None:
    file = tmp_path / "x.tar.gz"
    assert main(["snapshot", str(file), "--bundle", str(HEALTHY), "--anonymise"]) == 0
    texts = [one.capture().text() for one in read_bundle(file)[1]]
    assert len(texts) > 100
    assert not [text for text in texts if "db-service" in text]


def test_no_name_of_the_demo_is_handed_on(tmp_path: Path) -> None:
    """Its Events come from a real cluster, where some leave out the object's namespace."""
    file = tmp_path / "x.tar.gz"
    assert main(["snapshot", str(file), "--bundle", "demo", "--anonymise"]) == 0
    captures = [one.capture() for one in read_bundle(file)[1]]
    texts = [one.text() + json.dumps(one.objects) for one in captures]
    assert any("Endpoints" in text for text in texts)
    for name in ("db-service", "db-5d8cf4fc75", "web-lb", "web-7756f7f45", "db.example.test"):
        assert not [text for text in texts if name in text]


def test_stdout_is_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["snapshot", "-", "--bundle", "demo"]) == 2
    assert capsys.readouterr().err.startswith("error: snapshot writes a file, and none to stdout")
    assert list(tmp_path.iterdir()) == []


def test_a_plan_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.tar.gz"
    assert main(["snapshot", str(file), "--bundle", "demo", "--plan"]) == 0
    assert "\n  iptables-nft-save\n" in capsys.readouterr().out
    assert not file.exists()
