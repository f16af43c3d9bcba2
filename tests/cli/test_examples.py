"""Every line that a -h shows is run."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import pytest

from kubectl_svcnet.cli import session
from kubectl_svcnet.cli.examples import EXAMPLES, of_all, text_of
from kubectl_svcnet.cli.main import COMMANDS, build_parser, main
from kubectl_svcnet.cli.options import to_options
from kubectl_svcnet.model.capture import Source
from kubectl_svcnet.model.options import Options
from tests.granted import Granted

LINES = [line for found in EXAMPLES.values() for _, *lines in found for line in lines]
DEMO = Path(session.__file__).parent.parent / "bundles" / "demo.tar.gz"
#: They go on or wait, and so are only understood here.
ENDLESS = ("-f", "--wait")


def test_each_command_has_some() -> None:
    assert set(EXAMPLES) == set(COMMANDS)
    for name, found in EXAMPLES.items():
        for sentence, *lines in found:
            assert lines
            assert not sentence.endswith(".")
            assert all(line.split()[0] == name for line in lines)
    assert all(len(line) + len("  kubectl svcnet ") <= 80 for line in LINES)
    assert text_of(of_all(), "x").startswith("Examples:\n  # Every IP range")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with the files, a PATH with the plugin, and somebody's rights."""
    for name in ("before.tar.gz", "after.tar.gz"):
        shutil.copy(DEMO, tmp_path / name)
    (tmp_path / "iptables-save.txt").write_text("*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n")
    (tmp_path / "kubectl-svcnet").touch(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    opened = session.open_source

    def open_source(given: argparse.Namespace, timeout: float) -> tuple[Options, Source, None]:
        if given.command == "permissions":
            return to_options(given, namespace="default", timeout=timeout), Granted(), None
        options, source, _ = opened(argparse.Namespace(**{"bundle": "demo", **vars(given)}), 60)
        return options, source, None

    monkeypatch.setattr(session, "open_source", open_source)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("line", LINES)
def test_it_runs(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = line.split()
    if set(words) & set(ENDLESS):
        assert build_parser().parse_args(words).command == words[0]
        return
    assert main(words) in (0, 1, 4), capsys.readouterr().err
    shown = capsys.readouterr()
    assert shown.out
    assert "No resources found" not in shown.err
