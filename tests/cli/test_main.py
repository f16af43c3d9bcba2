"""The command line as it is typed: exit status, sentences, documents, streams, imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from kubectl_svcnet.cli import main as command_line
from kubectl_svcnet.cli.main import COMMANDS, Parser, build_parser, main
from tests.saved import HEALTHY

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schema.json").read_text(encoding="utf-8"))
BUNDLE = ["--bundle", str(HEALTHY)]


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No kubeconfig, no cluster around."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


def document(text: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(text)
    jsonschema.validate(made, SCHEMA)
    return made


CASES = [
    pytest.param(["trace", "db-service", *BUNDLE], 0, "Trace", id="ok"),
    pytest.param(["ranges", *BUNDLE], 0, "Ranges", id="ranges"),
    pytest.param(["trace", "nope", *BUNDLE], 2, "Trace", id="no-such-service"),
    pytest.param(["trace", "nope", "db-service", *BUNDLE], 2, "Trace", id="one-of-two"),
    pytest.param(["trace", "pod/x", *BUNDLE], 2, "Trace", id="no-service"),
    pytest.param(["trace", "db-service", "--node", "n7", *BUNDLE], 2, "Trace", id="no-such-node"),
    pytest.param(["trace", "--settle", "x", *BUNDLE], 2, "Trace", id="bad-duration"),
    pytest.param(["trace", "db-service", "--bundle", "/nonexistent"], 3, "Trace", id="no-bundle"),
    pytest.param(["trace", "db-service", "--bundle", __file__], 3, "Trace", id="not-a-bundle"),
    pytest.param(["trace", "db-service"], 3, "Trace", id="no-cluster"),
    pytest.param(["logs", "nope", *BUNDLE], 2, "Logs", id="logs-of-no-such-service"),
    pytest.param(["logs", "db-service", *BUNDLE], 4, "Logs", id="logs-that-are-not-recorded"),
    pytest.param(["logs", "db-service", "--since", "x", *BUNDLE], 2, "Logs", id="bad-since"),
    pytest.param(["logs", "db-service"], 3, "Logs", id="no-cluster-logs"),
    pytest.param(["ranges"], 3, "Ranges", id="no-cluster-ranges"),
    pytest.param(["proxy", *BUNDLE], 0, "Proxy", id="proxy"),
    pytest.param(["proxy", "--node", "n7", *BUNDLE], 2, "Proxy", id="proxy-of-no-such-node"),
    pytest.param(["proxy"], 3, "Proxy", id="no-cluster-proxy"),
    pytest.param(["snapshot", "/nonexistent/x", *BUNDLE], 3, "Snapshot", id="snapshot-to-nowhere"),
    pytest.param(["trace", "db-service", "--record", "x", *BUNDLE], 2, "Trace", id="record"),
    pytest.param(["version"], 0, "Version", id="version"),
]


@pytest.mark.parametrize(("argv", "status", "kind"), CASES)
def test_status_and_one_document(
    argv: list[str], status: int, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*argv, "-o", "json"]) == status
    out, err = capsys.readouterr()
    made = document(out)
    assert made["kind"] == kind
    if status not in (0, 4):  # a gap stands in the document
        assert err
        assert "Traceback" not in err


@pytest.mark.parametrize(
    ("argv", "lines"),
    [
        (
            ["trace", "nope", *BUNDLE],
            [
                'Error from server (NotFound): services "nope" not found',
                "  next      kubectl get services -A",
            ],
        ),
        (
            ["trace", "pod/x", *BUNDLE],
            ["error: 'pod/x' is not a Service: write svc/NAME or NAME.NAMESPACE"],
        ),
        (
            ["trace", "--settle", "x", *BUNDLE],
            ['error: invalid argument "x" for "--settle" flag: write 10s, 2m or 1m30s'],
        ),
        (["logs", "db", "--since", "-5m", *BUNDLE], ["error: --since must not be negative"]),
        (["trace", "--timeout", "-5", *BUNDLE], ["error: --timeout must not be negative"]),
        *(
            (
                [*words, "--node-selector", "a=b", *BUNDLE],
                [
                    "No resources found: no node matches --node-selector a=b",
                    "  next      kubectl get nodes --show-labels",
                ],
            )
            for words in (["trace", "db-service"], ["logs", "db-service"], ["proxy"], ["ranges"])
        ),
        *(
            (
                [*words, "!", *BUNDLE],
                [
                    f'Error from server (BadRequest): Unable to find "/v1, Resource={what}" that '
                    'match label selector "!", field selector "": unable to parse requirement: '
                    "found '', expected: identifier"
                ],
            )
            for words, what in (
                (["trace", "-l"], "services"),
                (["check", "-l"], "services"),
                (["logs", "-l"], "services"),
                (["trace", "--node-selector"], "nodes"),
                (["check", "--node-selector"], "nodes"),
                (["ranges", "--node-selector"], "nodes"),
                (["proxy", "--plan", "--node-selector"], "nodes"),
            )
        ),
    ],
)
def test_sentences(argv: list[str], lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(argv)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == lines


def test_no_cluster_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "db-service"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert len([line for line in err.splitlines() if not line.startswith("  next")]) == 1


def test_what_there_is_is_shown_beside_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "nope", "db-service", *BUNDLE]) == 2
    out, err = capsys.readouterr()
    assert "default/db-service" in out
    assert err.endswith('Error from server (NotFound): services "nope" not found\n')


def test_data_on_stdout_and_the_rest_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    main(["trace", "db-service", *BUNDLE])
    out, err = capsys.readouterr()
    assert out.startswith("default/db-service")
    assert err.startswith("read 3 of 3 nodes in ")
    main(["trace", "db-service", "-o", "name", *BUNDLE])
    assert capsys.readouterr() == ("", "")


def test_colours(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def coloured(*flags: str) -> bool:
        main(["trace", "db-service", *BUNDLE, *flags])
        return "\x1b[" in capsys.readouterr().out

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert not coloured()  # no terminal
    assert coloured("--color", "always")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert coloured()
    assert not coloured("--color", "never")
    monkeypatch.setenv("NO_COLOR", "")
    assert not coloured()
    assert coloured("--color", "always")
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not coloured()


def test_a_selector_where_no_services_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version", "-l", "app=db"]) == 0
    assert (
        capsys.readouterr().err == "Warning: -l selects Services, and version is asked for none\n"
    )


def failing(error: BaseException) -> Any:
    def run(given: object) -> int:
        raise error

    return ("x", run, lambda command: None, "")


def test_a_bug_of_ours(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(COMMANDS, "ranges", failing(RuntimeError("pod said \x1b[31m")))
    assert main(["ranges", "-o", "json"]) == 70
    out, err = capsys.readouterr()
    assert document(out)["gaps"][0]["why"] == "a bug in svcnet: RuntimeError"
    assert "Traceback (most recent call last):" in err
    assert "pod said \\x1b[31m" in err
    assert "\x1b" not in err
    assert "please report it at https://" in err


def test_interrupted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(COMMANDS, "ranges", failing(KeyboardInterrupt()))
    assert main(["ranges", "-o", "json"]) == 130
    assert document(capsys.readouterr().out)["gaps"][0]["why"] == "interrupted"


def test_an_interrupt_while_python_makes_a_class(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As Python 3.11 has it of one in __set_name__."""
    error = RuntimeError("Error calling __set_name__ on 'Field' instance 'tables' in 'Ruleset'")
    error.__cause__ = KeyboardInterrupt()
    monkeypatch.setitem(COMMANDS, "ranges", failing(error))
    assert main(["ranges", "-o", "json"]) == 130
    out, err = capsys.readouterr()
    assert json.loads(out)["gaps"][0]["why"] == "interrupted"
    assert err == ""


def test_a_closed_pipe_is_silent() -> None:
    read, write = os.pipe()
    os.close(read)
    argv = [sys.executable, "-m", "kubectl_svcnet.cli.main", "trace", "-A", *BUNDLE, "-o", "json"]
    done = subprocess.run(argv, stdout=write, stderr=subprocess.PIPE, cwd=ROOT, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


HEAVY = ("kubernetes", "yaml", "tabulate", "websocket", "urllib3", "ssl", "argcomplete")


@pytest.mark.parametrize("argv", [["--help"], ["trace", "--help"], ["--version"], []])
def test_help_imports_nothing_heavy(argv: list[str]) -> None:
    code = (
        "import sys\nfrom kubectl_svcnet.cli.main import main\n"
        f"try:\n    main({argv!r})\nexcept SystemExit:\n    pass\n"
        "print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout
    assert not [name for name in HEAVY if f"'{name}'" in done.stderr]


def test_no_command_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "Available commands" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        (["nope"], "kubectl svcnet"),
        (["--nope"], "kubectl svcnet"),
        (["trace", "--nope"], "kubectl svcnet trace"),
        (["--nope", "trace"], "kubectl svcnet trace"),
        (["trace", "-o", "xml"], "kubectl svcnet trace"),
        (["trace", "x", "--fail-on", "bogus"], "kubectl svcnet trace"),
        (["ranges", "x"], "kubectl svcnet ranges"),
        (["snapshot"], "kubectl svcnet snapshot"),
    ],
)
def test_wrong_usage(argv: list[str], command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    first, second = err.splitlines()
    assert first.startswith("error: ")
    assert second == f"See '{command} --help' for help and examples."


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["-n", "empty"], "No resources found in empty namespace.\n"),
        (["-l", "app=none"], "No resources found in default namespace.\n"),
        (["-A", "-l", "app=none"], "No resources found\n"),
        (["-n", "empty", "-o", "wide"], "No resources found in empty namespace.\n"),
        (["-n", "empty", "-o", "name"], "No resources found in empty namespace.\n"),
    ],
)
def test_no_service_at_all(
    argv: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", *argv, *BUNDLE]) == 0
    assert capsys.readouterr() == ("", sentence)


def test_no_service_in_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "-n", "empty", *BUNDLE, "-o", "json"]) == 0
    out, err = capsys.readouterr()
    assert (document(out)["items"], err) == ([], "")


def test_commands_are_sorted_and_say_what_they_show() -> None:
    assert list(COMMANDS) == sorted(COMMANDS)
    for summary, _, _, _ in COMMANDS.values():
        assert summary[0].islower()
        assert not summary.endswith(".")


def test_one_parser_for_all() -> None:
    assert isinstance(build_parser(), Parser)
    assert command_line.REPORT.startswith("https://")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("trac", "error: unknown command 'trac'; did you mean trace?"),
        ("permisions", "error: unknown command 'permisions'; did you mean permissions?"),
        ("xyz", "error: unknown command 'xyz'"),
    ],
)
def test_a_command_that_does_not_exist(
    word: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([word])
    assert caught.value.code == 2
    first, *rest = capsys.readouterr().err.splitlines()
    assert first == said
    assert rest == ["See 'kubectl svcnet --help' for help and examples."]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("check --basline x", "--basline; did you mean --baseline?"),
        ("check --onli SVN301", "--onli; did you mean --only?"),
        ("trace --expalin", "--expalin; did you mean --explain?"),
        ("trace --namespce x", "--namespce; did you mean --namespace?"),
    ],
)
def test_a_flag_that_does_not_exist(
    words: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(words.split())
    assert capsys.readouterr().err.splitlines()[0] == f"error: unknown flag: {meant}"


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("help", "For every Service"),
        ("help help", "For every Service"),
        ("-n x help", "For every Service"),
        ("help check", "What is wrong"),
        ("-n x help check", "What is wrong"),
        ("-A --namespace=x help check", "What is wrong"),
    ],
)
def test_help_is_a_word(words: str, title: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words.split())
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(title)


def test_a_service_may_be_called_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "help", *BUNDLE]) == 2
    assert 'services "help" not found' in capsys.readouterr().err


def test_after_an_error_yaml_is_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "-o", "yaml"]) == 3
    out = capsys.readouterr().out
    assert out.startswith("apiVersion: ")
    jsonschema.validate(yaml.safe_load(out), SCHEMA)


PROGRAM = [sys.executable, "-m", "kubectl_svcnet"]


@pytest.mark.parametrize(
    "words", ["version", "-h", "--version", "trace db-service", "trace db-service -o json"]
)
def test_a_full_disk(words: str) -> None:
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [*PROGRAM, *words.split(), *BUNDLE], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert ended.returncode == 3
    assert ended.stderr.endswith("error: the output cannot be written: No space left on device\n")
    assert "Traceback" not in ended.stderr


def test_stdout_that_is_closed() -> None:
    closed = ["sh", "-c", '"$@" >&- 2>&-', "sh", *PROGRAM, "version"]
    assert subprocess.run(closed).returncode == 0
