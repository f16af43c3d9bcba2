from __future__ import annotations

import argparse
import os
import subprocess
import sys

import pytest

from kubectl_svcnet.cli import completion


def parser() -> argparse.ArgumentParser:
    """Two commands, with every kind of word that svcnet's own parser has."""
    made = argparse.ArgumentParser(prog="kubectl svcnet")
    commands = made.add_subparsers()
    trace = commands.add_parser("trace", help="the merged view\nof a Service")
    trace.add_argument("service", nargs="*").completer = lambda **_: [  # type: ignore[attr-defined]
        "svc/db-service",
        "svc/it's",
    ]
    trace.add_argument("-o", "--output", choices=("json", "yaml"), help="100%% text")
    trace.add_argument("--bundle")
    commands.add_parser("ranges")
    return made


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(["tr"], ["trace\tthe merged view of a Service"], id="command"),
        pytest.param(["ra"], ["ranges"], id="command without help"),
        pytest.param(["trace", "--ou"], ["--output\t100% text"], id="flag"),
        pytest.param(["trace", "--output", ""], ["json\t100% text", "yaml\t100% text"], id="value"),
        pytest.param(["trace", "--output=j"], ["--output=json\t100% text"], id="glued to its flag"),
        pytest.param(["trace", "svc/d"], ["svc/db-service"], id="object"),
        pytest.param(["trace", "svc/it'"], ["svc/it's"], id="quote is not a shell's"),
        pytest.param(["trace", "a b", "svc/d"], ["svc/db-service"], id="word with a space"),
        pytest.param(["trace", "--bundle", ""], [], id="a file: kubectl offers none"),
    ],
)
def test_candidates(words: list[str], expected: list[str]) -> None:
    assert completion.complete(parser(), words) == expected


def test_a_new_word_offers_commands() -> None:
    names = {line.split("\t")[0] for line in completion.complete(parser(), [""])}
    assert {"trace", "ranges"} <= names
    assert completion.complete(parser(), []) == completion.complete(parser(), [""])


def test_nothing_leaks_into_the_environment() -> None:
    before = dict(os.environ)
    completion.complete(parser(), ["trace", ""])
    assert dict(os.environ) == before


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kubectl_svcnet.cli.completion", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_program_ends_with_the_directive() -> None:
    answer = run("tr")
    first, *_, last = answer.stdout.splitlines()
    assert (answer.returncode, first.split("\t")[0], last) == (0, "trace", completion.NO_FILES)
    assert answer.stderr == ""


def test_failure_is_silent(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> list[str]:
        raise SystemExit("no cluster")

    monkeypatch.setattr(completion, "complete", fail)
    assert completion.main() == 1
    assert capfd.readouterr() == ("", "")


def test_completing_flags_loads_no_kubernetes() -> None:
    code = (
        "import sys; from kubectl_svcnet.cli.completion import complete;"
        "from kubectl_svcnet.cli.main import build_parser;"
        "complete(build_parser(), ['trace', '--']);"
        "sys.exit(bool({'kubernetes', 'yaml', 'urllib3'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
