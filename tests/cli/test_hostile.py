"""A cluster that says whatever may move a terminal, through every command and format."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from kubectl_svcnet.cli import session
from kubectl_svcnet.cli.main import main
from kubectl_svcnet.model.capture import ApiRequest, Capture, LogRequest, Request
from tests.logged import Logged
from tests.render.test_hostile import HOSTILE, RAW

#: All at once; a line feed where it ends a line of output would only make another line.
EVIL = "".join(text for name, text in HOSTILE.items() if name != "newline")
#: Free text in the API, and names that Kubernetes does not restrict.
FREE = ("annotations", "message", "reason", "image", "containerRuntimeVersion", "osImage")


def poisoned(value: Any, inside: bool = False) -> Any:
    if isinstance(value, dict):
        return {key: poisoned(each, inside or key in FREE) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [poisoned(each, inside) for each in value]
    return f"{value}{EVIL}\n{EVIL}" if inside and isinstance(value, str) else value


def hostile(capture: Capture) -> Capture:
    """Behind each line of a log or an answer; within the comments of rules too."""
    if isinstance(capture.request, ApiRequest):
        return replace(capture, objects=tuple(poisoned(dict(item)) for item in capture.objects))
    lines = capture.data.decode("utf-8", "replace").splitlines(keepends=True)
    if isinstance(capture.request, LogRequest):
        lines = [line.replace("\n", f"{EVIL}\n") for line in lines]
    elif capture.command and "iptables" in capture.command.name:
        lines = [line.replace('--comment "', f'--comment "{EVIL}') for line in lines]
    else:
        lines = [*lines, f"{EVIL} {EVIL}\n"]
    failure = capture.failure and replace(
        capture.failure, message=f"{capture.failure.message}{EVIL}"
    )
    return replace(
        capture,
        data="".join(lines).encode(),
        stderr=capture.stderr + EVIL.encode(),
        failure=failure,
    )


class Hostile(Logged):
    def fetch(self, request: Request) -> tuple[Capture, ...]:
        return tuple(map(hostile, super().fetch(request)))


@pytest.fixture(autouse=True)
def cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "open_bundle", lambda name: Hostile())


#: The formats that each has.
COMMANDS = {
    "trace db-service": ("table", "wide", "json", "yaml", "name"),
    "trace -A --explain --node n1": ("table",),
    "trace db-service --steps": ("table",),
    "check -A": ("table", "json", "junit", "sarif"),
    "ranges": ("table", "wide", "json"),
    "ranges --ip 10.96.0.10": ("table", "json"),
    "proxy": ("table", "wide", "json"),
    "logs db-service": ("table", "json"),
    "packet tcp 10.244.1.9 10.96.0.1:443 --node n1": ("table", "json"),
    "trace --plan": ("table",),
    f"trace no{EVIL}such": ("table", "json"),
    f"trace db-service --node n1{EVIL}": ("table", "json"),
}
CASES = [(words, output) for words, outputs in COMMANDS.items() for output in outputs]


@pytest.mark.parametrize(("words", "output"), CASES)
def test_nothing_raw(words: str, output: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = main([*words.split(" "), "-o", output, "--bundle", "hostile"])
    shown = capsys.readouterr()
    assert status in (0, 1, 2, 3, 4), shown.err
    for text in (shown.out, shown.err):
        assert not RAW.search(text), RAW.findall(text)
    assert not any(line.startswith(EVIL[1:]) for line in shown.out.splitlines())
    if output in ("json", "sarif"):
        json.loads(shown.out)
    if output == "yaml":
        yaml.safe_load(shown.out)


@pytest.mark.parametrize(
    "words", ["logs db-service", "trace db-service --explain", "proxy -o wide"]
)
def test_it_is_shown_as_what_it_is(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([*words.split(" "), "--bundle", "hostile"])
    assert "\\x1b]52;c;" in capsys.readouterr().out
