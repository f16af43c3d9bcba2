"""Names of a loopback API server, offered to this process, to the real kubectl and real shells."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet.cli import candidates
from kubectl_svcnet.cli.completion import complete
from kubectl_svcnet.cli.main import COMMANDS, build_parser
from tests.cluster.conftest import Api, Exchange, serve
from tests.saved import HEALTHY

KUBECTL = os.environ.get("KUBECTL") or shutil.which("kubectl") or ""
SERVICES = "/api/v1/namespaces/{}/services"


def listed(*names: str, namespace: str = "default") -> Any:
    items = [{"metadata": {"name": name, "namespace": namespace}} for name in names]
    return lambda exchange: exchange.json({"items": items})


@pytest.fixture
def api() -> Iterator[Api]:
    for served in serve(None):
        served.routes = {
            SERVICES.format("default"): listed("db-service", "web"),
            SERVICES.format("shop"): listed("cart", namespace="shop"),
            "/api/v1/services": listed("db-service", namespace="shop"),
            "/api/v1/namespaces": listed("default", "shop"),
            "/api/v1/nodes": listed("n1", "n2"),
        }
        yield served


def kubeconfig(api: Api, file: Path, **user: Any) -> Path:
    """`here` is the current context, `there` one in another namespace."""
    contexts = {"here": {}, "there": {"namespace": "shop"}}
    whole = {
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": api.url}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [
            {"name": name, "context": {"cluster": "c", "user": "u", **more}}
            for name, more in contexts.items()
        ],
    }
    file.write_text(json.dumps(whole), encoding="utf-8")
    return file


@pytest.fixture
def config(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = kubeconfig(api, tmp_path / "config")
    monkeypatch.setenv("KUBECONFIG", str(file))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    return file


def offered(line: str) -> list[str]:
    parser = build_parser()
    candidates.attach(parser)
    return [text.partition("\t")[0] for text in complete(parser, line.split(" "))]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("trace ", ["db-service", "web"]),
        ("trace d", ["db-service"]),
        ("trace svc/d", ["svc/db-service"]),
        ("trace db-service ", ["web"]),
        ("trace db-service.", ["db-service.shop"]),
        ("logs ", ["db-service", "web"]),
        ("check ", ["db-service", "web"]),
        ("trace -n shop ", ["cart"]),
        ("-n shop trace ", ["cart"]),
        ("trace --namespace=shop ", ["cart"]),
        ("trace --context there ", ["cart"]),
        ("trace -n s", ["shop"]),
        ("trace --namespace=", ["--namespace=default", "--namespace=shop"]),
        ("proxy --node ", ["n1", "n2"]),
        ("trace --node n1 --node n", ["n1", "n2"]),
        ("trace --context ", ["here", "there"]),
        ("--cluster ", ["c"]),
        ("ranges --user ", ["u"]),
        (f"trace -n default --bundle {HEALTHY} db", ["db-external", "db-headless", "db-service"]),
        ("permissions pr", ["proxy"]),
        ("trace --settle x ", []),
        ("trace --context nowhere ", []),
        ("snapshot ", []),
    ],
)
def test_offered(config: Path, line: str, expected: list[str]) -> None:
    assert offered(line) == expected


def test_another_kubeconfig_that_is_typed(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    file = kubeconfig(api, tmp_path / "other")
    assert offered("trace ") == []
    assert offered(f"trace --kubeconfig {file} ") == ["db-service", "web"]
    assert offered(f"trace --kubeconfig {file} --context t") == ["there"]


def test_it_is_asked_as_whoever_is_impersonated(api: Api, config: Path) -> None:
    assert offered("trace --as jane ")
    assert [asked.header("Impersonate-User") for asked in api.asked] == [["jane"]]


@pytest.mark.parametrize(
    "route",
    [
        pytest.param(lambda e: e.refuse(403, "forbidden"), id="forbidden"),
        pytest.param(lambda e: e.text(b"{"), id="no JSON"),
        pytest.param(lambda e: e.json({"items": [{}]}), id="no metadata"),
        pytest.param(lambda e: e.json({"items": [{"metadata": {"name": 7}}]}), id="no text"),
        pytest.param(listed("$(x)", "a\nb", "-rf", "\x1b[2J"), id="no names"),
    ],
)
def test_what_cannot_be_listed_is_silent(
    api: Api, config: Path, route: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    api.routes[SERVICES.format("default")] = route
    assert offered("trace ") == []
    assert capfd.readouterr() == ("", "")


def test_a_context_is_one_line(config: Path) -> None:
    whole = json.loads(config.read_text(encoding="utf-8"))
    whole["contexts"].append({"name": "a\nb", "context": {"cluster": "c"}})
    config.write_text(json.dumps(whole), encoding="utf-8")
    assert offered("trace --context ") == ["here", "there"]


def test_every_command_with_services_offers_them() -> None:
    """A destination that no argument has would be a completer for nothing."""
    parser = build_parser()
    candidates.attach(parser)
    commands = next(action for action in parser._actions if action.dest == "command").choices
    assert isinstance(commands, dict)
    actions = {(name, a.dest): a for name, made in commands.items() for a in made._actions}
    assert set(candidates.COMPLETERS) <= {dest for _, dest in actions}
    assert {n for n, dest in actions if dest == "services"} == {"check", "logs", "trace"}
    for name in COMMANDS:
        assert actions[name, "namespace"].completer


def run(words: list[str], config: Path, **more: str) -> tuple[subprocess.Popen[str], float, str]:
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "kubectl_svcnet.cli.completion", *words],
        env={**os.environ, "KUBECONFIG": str(config), **more},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said, _ = process.communicate(timeout=60)
    return process, time.monotonic() - started, said


def test_a_server_that_does_not_answer(api: Api, config: Path) -> None:
    """The rest of the time is Python's, on whatever machine."""
    api.routes[SERVICES.format("default")] = Exchange.hang
    process, took, said = run(["trace", ""], config)
    assert (process.returncode, said) == (0, ":4\n")
    assert candidates.DEADLINE < took < candidates.DEADLINE + 10


def test_a_plugin_that_waits_is_left_and_ended(api: Api, config: Path, tmp_path: Path) -> None:
    """It sees nothing of argcomplete, and no keyboard."""
    plugin = tmp_path / "plugin"
    plugin.write_text(
        f"#!/bin/sh\ncat; env > {tmp_path}/env; echo $$ > {tmp_path}/pid; sleep 60\n",
        encoding="utf-8",
    )
    plugin.chmod(0o755)
    kind = "client.authentication.k8s.io/v1"
    how = {"command": str(plugin), "apiVersion": kind, "interactiveMode": "IfAvailable"}
    whole = json.loads(kubeconfig(api, config, exec=how).read_text(encoding="utf-8"))
    whole["clusters"][0]["cluster"] |= {
        "server": api.url.replace("http", "https"),  # no credentials in clear
        "insecure-skip-tls-verify": True,
    }
    config.write_text(json.dumps(whole), encoding="utf-8")
    of_argcomplete = {"_ARGCOMPLETE_IFS": "x", "COMP_TYPE": "9"}
    for _ in range(5):  # a busy machine may not have begun it by the deadline
        process, took, said = run(["trace", ""], config, **of_argcomplete)
        assert (process.returncode, said) == (0, ":4\n")
        assert took < candidates.DEADLINE + 10
        if (tmp_path / "pid").exists():
            break
    pid = int((tmp_path / "pid").read_text(encoding="utf-8"))
    seen = (tmp_path / "env").read_text(encoding="utf-8")
    assert "KUBERNETES_EXEC_INFO" in seen
    assert not [line for line in seen.splitlines() if line.startswith(("_ARGCOMPLETE", "COMP_"))]
    assert gone(pid)


def gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{pid}/stat")
        if (
            state.exists()
            and state.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
        ):
            return True  # nobody reaps it in this container
        time.sleep(0.05)
    return False


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A directory of PATH with what pip installs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, module in (
        ("kubectl-svcnet", "kubectl_svcnet.cli.main"),
        ("kubectl_complete-svcnet", "kubectl_svcnet.cli.completion"),
    ):
        file = folder / name
        file.write_text(f'#!/bin/sh\nexec {sys.executable} -m {module} "$@"\n', encoding="utf-8")
        file.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["trace", ""], ["db-service", "web", ":4"]),
        (["trace", "-n", "shop", ""], ["cart", ":4"]),
        (["trace", "--context", "t"], ["there", ":4"]),
        (["proxy", "--node", "n"], ["n1", "n2", ":4"]),
        (["logs", "-n", "d"], ["default", ":4"]),
    ],
)
def test_by_the_real_kubectl(
    config: Path, programs: Path, words: list[str], expected: list[str]
) -> None:
    if not KUBECTL:
        pytest.skip("neither KUBECTL nor a kubectl on PATH")
    answer = subprocess.run(
        [KUBECTL, "__complete", "svcnet", *words],
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert answer.stdout.splitlines() == expected


BASH = """\
eval "$(kubectl-svcnet completion bash)"
COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
COMP_LINE=$1; COMP_POINT=${#1}; COMP_TYPE=9
read -r -a COMP_WORDS <<< "$1"; COMP_CWORD=$((${#COMP_WORDS[@]}))
function=$(complete -p kubectl-svcnet | sed 's/.*-F \\([^ ]*\\).*/\\1/')
compopt() { :; }
$function kubectl-svcnet "$2" ""
printf '%s\\n' "${COMPREPLY[@]}"
"""


#: What is typed, and what there is to choose from. A new word's beginning is its only candidate.
TYPED = [
    ("kubectl-svcnet tra", {"trace"}),
    ("kubectl-svcnet trace ", {"db-service", "web"}),
    ("kubectl-svcnet trace d", {"db-service"}),
    ("kubectl-svcnet trace -n shop ", {"cart"}),
    ("kubectl-svcnet trace --no-h", {"--no-headers"}),
    ("kubectl-svcnet proxy --node n", {"n1", "n2"}),
    ("kubectl-svcnet --context t", {"there"}),
]


@pytest.mark.tools("bash")
@pytest.mark.parametrize(("line", "expected"), TYPED)
def test_by_a_real_bash(config: Path, programs: Path, line: str, expected: set[str]) -> None:
    answer = subprocess.run(
        ["bash", "--norc", "-c", BASH, "bash", line, line.rpartition(" ")[2]],
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.stderr == ""
    assert {word.strip() for word in answer.stdout.splitlines()} == expected


@pytest.mark.tools("fish")
@pytest.mark.parametrize(("line", "expected"), TYPED)
def test_by_a_real_fish(
    config: Path, programs: Path, tmp_path: Path, line: str, expected: set[str]
) -> None:
    answer = subprocess.run(
        ["fish", "-c", "kubectl-svcnet completion fish | source; complete -C $argv", line],
        env={**os.environ, "HOME": str(tmp_path), "PATH": f"{programs}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.stderr == ""
    assert {word.partition("\t")[0] for word in answer.stdout.splitlines()} == expected


#: Ctrl-X shows the line as it is, and empties it.
ZSH = r"""
PROMPT=; autoload -Uz compinit; compinit -u -D
eval "$(kubectl-svcnet completion zsh)"
show() { print -r -- "<<$BUFFER>>"; BUFFER= }; zle -N show; bindkey '^X' show; print read''y
"""


@pytest.mark.tools("zsh")
def test_by_a_real_zsh(config: Path, programs: Path, tmp_path: Path) -> None:
    """On a terminal of its own, where the only candidate is completed."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "TERM": "dumb"}
    with (
        open(ours, "r+b", buffering=0) as terminal,
        subprocess.Popen(
            ["zsh", "-f", "-i"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**environment, "HOME": str(tmp_path)},
            start_new_session=True,
        ) as shell,
    ):
        os.close(theirs)
        try:
            terminal.write(ZSH.encode())
            read_until(terminal, rb"ready")
            for line, expected in TYPED:
                terminal.write(line.encode() + b"\t\x18")
                found = read_until(terminal, rb"<<(.*)>>")[1].decode()
                before, _, word = line.rpartition(" ")
                alone = f"{before} {next(iter(expected))} "
                assert found == (alone if len(expected) == 1 else f"{before} {word}")
        finally:
            shell.kill()


def read_until(terminal: Any, pattern: bytes, seconds: float = 60.0) -> re.Match[bytes]:
    end, data = time.monotonic() + seconds, b""
    while (found := re.search(pattern, data)) is None:
        assert time.monotonic() < end, data
        if select.select([terminal], [], [], 1)[0]:
            data += terminal.read(4096)
    return found
