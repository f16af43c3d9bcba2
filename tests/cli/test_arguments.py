"""What each command takes beside the flags of all."""

from __future__ import annotations

import argparse

import pytest

from kubectl_svcnet.cli import arguments
from kubectl_svcnet.cli.main import COMMANDS, build_parser


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("trace a b -A --steps", {"services": ["a", "b"], "all_namespaces": True, "steps": True}),
        ("check -l app=db", {"services": [], "selector": "app=db"}),
        ("logs db -f", {"services": ["db"], "follow": True}),
        ("packet tcp a b:1 --mark 1", {"packet": ["tcp", "a", "b:1"], "mark": "1"}),
        ("permissions trace --role", {"commands": ["trace"], "role": True}),
        ("proxy --settle 0s", {"settle": "0s"}),
        ("ranges --ip -", {"ips": ["-"]}),
        ("snapshot x --anonymise", {"file": "x", "anonymise": True}),
        ("completion zsh", {"shell": "zsh"}),
        ("completion --install", {"shell": None, "install": True}),
        ("logs", {"services": []}),
        ("version -A -l app=db --settle 1s", {"selector": "app=db", "all_namespaces": True}),
        ("-A -l app=db trace", {"selector": "app=db", "all_namespaces": True}),
        ("version", {}),
    ],
)
def test_words_of_a_command(line: str, found: dict[str, object]) -> None:
    given = vars(build_parser().parse_args(line.split()))
    assert {key: given.get(key) for key in found} == found


@pytest.mark.parametrize(
    "line",
    ["snapshot", "completion", "completion cmd", "completion zsh --install", "version x"],
)
def test_what_is_missing_or_too_much(line: str) -> None:
    with pytest.raises(SystemExit) as caught:
        build_parser().parse_args(line.split())
    assert caught.value.code == 2


def test_a_command_without_any() -> None:
    parser = argparse.ArgumentParser()
    arguments.nothing(parser)
    assert vars(parser.parse_args([])) == {}
    assert COMMANDS["version"][2] is arguments.nothing
