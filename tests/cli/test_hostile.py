"""A cluster that says whatever may move a terminal, through every command and format."""

from __future__ import annotations

import argparse
import io
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_svcnet.cli import session
from kubectl_svcnet.cli.main import COMMANDS, build_parser, main
from kubectl_svcnet.cli.options import to_options
from kubectl_svcnet.model.capture import (
    ApiRequest,
    Capture,
    LogRequest,
    Request,
    ReviewRequest,
    Source,
)
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.pipeline import repeated
from tests.cluster.conftest import Api, Exchange, serve
from tests.fleet import Fleet
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
    """Its rights are refused with words, as an authorizer of somebody's own may do it."""

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        if isinstance(request, ReviewRequest):
            status = {"allowed": False, "reason": EVIL, "evaluationError": EVIL}
            return (Capture(request=request, objects=({"status": status},)),)
        return tuple(map(hostile, super().fetch(request)))


OPEN_SOURCE = session.open_source


@pytest.fixture(autouse=True)
def cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(given: argparse.Namespace, timeout: float) -> tuple[Options, Source, None]:
        options = to_options(given, namespace="default", timeout=timeout)
        return options, Logged() if options.bundle == "plain" else Hostile(), None

    monkeypatch.setattr(session, "open_source", opened)
    monkeypatch.setattr(session, "open_bundle", lambda name: Hostile())


#: No word of a command line holds a NUL.
WORD = EVIL.replace("\0", "")
#: What is asked of each command; @FILE is one to write.
ASKED: dict[str, tuple[str, ...]] = {
    "check": ("-A", f"no{WORD}such"),
    "completion": ("bash",),
    "diff": ("hostile --bundle plain",),
    "logs": ("db-service",),
    "packet": ("tcp 10.244.1.9 10.96.0.1:443 --node n1", f"tcp 1{WORD} 10.96.0.1:443"),
    "permissions": ("", f"no{WORD}such"),
    "proxy": ("", f"--node n1{WORD}"),
    "ranges": ("", "--explain", "--ip 10.96.0.10", f"--ip 1{WORD}"),
    "snapshot": ("@FILE", "@FILE --plan"),
    "trace": (
        *("db-service", "db-service --steps", "--plan", "-A --explain --node n1"),
        *(f"no{WORD}such", f"db-service --node n1{WORD}"),
    ),
    "version": ("",),
}


def formats(command: str) -> Sequence[str]:
    """Those that its -o takes."""
    [commands] = [a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction)]
    choices = commands.choices[command]._option_string_actions["-o"].choices
    return tuple(choices or ())


def test_no_command_is_forgotten() -> None:
    assert set(ASKED) == set(COMMANDS)
    assert "sarif" in formats("check")


@pytest.mark.parametrize(
    ("command", "words", "output"),
    [(c, w, output) for c, asked in ASKED.items() for w in asked for output in formats(c)],
)
def test_nothing_raw(
    command: str, words: str, output: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = words.replace("@FILE", str(tmp_path / "b.tar.gz"))
    given = [command, *filter(None, words.split(" ")), "-o", output]
    try:
        status = main(given)
    except SystemExit as stopped:
        status = int(stopped.code or 0)
    shown = capsys.readouterr()
    assert status in (0, 1, 2, 3, 4), shown.err
    for text in (shown.out, shown.err):
        assert not RAW.search(text), RAW.findall(text)
    assert not any(line.startswith(EVIL[1:]) for line in shown.out.splitlines())
    if command == "completion" or (output in ("junit", "sarif") and status == 2):
        return
    if output in ("json", "sarif"):
        json.loads(shown.out)
    if output == "yaml":
        yaml.safe_load(shown.out)


@pytest.mark.parametrize(
    "words", ["logs db-service", "trace db-service --explain", "proxy -o wide", "diff plain"]
)
def test_it_is_shown_as_what_it_is(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(words.split(" "))
    assert "\\x1b]52;c;" in capsys.readouterr().out


class Terminal(io.StringIO):
    """Presses Ctrl-C as soon as all of `awaited` has been shown."""

    def __init__(self, awaited: Sequence[str]) -> None:
        super().__init__()
        self.awaited = list(awaited)

    def write(self, text: str) -> int:
        size = super().write(text)
        if self.awaited:
            self.awaited = [word for word in self.awaited if word not in self.getvalue()]
            if not self.awaited:
                signal.raise_signal(signal.SIGINT)
        return size


class Talking(Fleet):
    """The lab behind an API server, in whose words, logs and watches everything evil stands. It
    lists Services twice, as one check asks for them, and refuses then."""

    listed = 0

    def answer(self, exchange: Exchange) -> None:
        asked = exchange.asked
        self.listed += asked.path.endswith("db-service")
        if self.listed > 2:
            exchange.refuse(403, f"REFUSED{EVIL}")
        elif asked.path.endswith("/log"):
            self._stream(exchange, self._line("FROM-THE-LOG"))
        elif ("watch", "true") in asked.query:
            event = {"type": "ADDED", "object": self._event()}
            self._stream(exchange, json.dumps(event) + "\n")
        elif asked.path.endswith("/events"):
            exchange.json({"kind": "List", "metadata": {"resourceVersion": "1"}, "items": []})
        else:
            told = exchange.json
            exchange.json = lambda body, **more: told(poisoned(body), **more)  # type: ignore[method-assign]
            super().answer(exchange)

    def _stream(self, exchange: Exchange, text: str) -> None:
        if not {("follow", "true"), ("watch", "true")} & {*exchange.asked.query}:
            exchange.text(b"")
            return
        exchange.handler.send_response(200)
        exchange.handler.send_header("Transfer-Encoding", "chunked")
        exchange.handler.end_headers()
        exchange.handler.wfile.write(b"%x\r\n%s\r\n" % (len(text.encode()), text.encode()))
        exchange.handler.wfile.flush()
        exchange.hang()

    def _line(self, word: str) -> str:
        now = datetime.now(timezone.utc)
        head = f"{now:%Y-%m-%dT%H:%M:%S.%f000Z} I{now:%m%d %H:%M:%S.%f}       1 a.go:1]"
        evil = EVIL.replace("\r", "\\r")  # which would end a line of the log
        return f'{head} "Removing service port" portName="default/db-service:mysql" {word}{evil}\n'

    def _event(self) -> dict[str, Any]:
        return {
            "metadata": {"namespace": "default", "name": "e.1", "resourceVersion": "2"},
            "involvedObject": {"kind": "Service", "namespace": "default", "name": "db-service"},
            "type": f"Warning{EVIL}",
            "reason": f"FROM-A-WATCH{EVIL}",
            "message": f"conflict{EVIL}",
            "lastTimestamp": f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
        }


@pytest.fixture
def talking(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setattr(session, "open_source", OPEN_SOURCE)
    monkeypatch.setattr(repeated, "EVERY", 0.1)
    pressed = signal.getsignal(signal.SIGINT)
    for api in serve(None):
        api.otherwise = Talking(3).answer
        yield api
    signal.signal(signal.SIGINT, pressed)


@pytest.mark.parametrize("output", ["table", "json"])
@pytest.mark.parametrize(
    ("words", "awaited"),
    [
        ("logs db-service -f", ("FROM-THE-LOG", "FROM-A-WATCH")),
        ("check db-service -w", ("REFUSED",)),
    ],
)
def test_nothing_raw_while_it_is_followed(
    words: str,
    awaited: Sequence[str],
    output: str,
    talking: Api,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal = Terminal(awaited)
    monkeypatch.setattr(sys, "stdout", terminal)
    config = tmp_path / "config"
    config.write_text("{}")
    where = ["--kubeconfig", str(config), "-s", talking.url, "--timeout", "90s"]
    status = main([*words.split(), "-o", output, *where])
    shown = terminal.getvalue()
    assert (terminal.awaited, status) == ([], 130), shown
    for text in (shown, capsys.readouterr().err):
        assert not RAW.search(text), RAW.findall(text)
    assert ("\\x1b]52" if output == "table" else "\\u001b]52") in shown
    if output == "json":
        assert all(json.loads(line) for line in shown.splitlines())
