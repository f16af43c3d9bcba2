from __future__ import annotations

import pytest

from kubectl_svcnet.cli import flags
from kubectl_svcnet.cli.main import COMMANDS, build_parser

ALL = (*flags.CONNECTION, *flags.COMMON, *flags.CLIENT, *flags.PACKET, *flags.SAVED)


def test_names_are_unique() -> None:
    names = [name for row, _ in ALL for name in row]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize(("names", "keywords"), ALL, ids=lambda each: str(each)[:30])
def test_every_flag_explains_itself(names: tuple[str, ...], keywords: dict[str, str]) -> None:
    assert keywords["help"]
    assert not keywords["help"].endswith(".")
    assert all(name.startswith("-") for name in names)


def test_a_flag_that_was_not_given_leaves_no_trace() -> None:
    assert set(vars(build_parser().parse_args(["ranges"]))) == {"command"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_the_common_flags(command: str) -> None:
    arguments = {"completion": ["bash"], "diff": ["x"], "logs": ["x"], "snapshot": ["x"]}.get(
        command, []
    )
    given = build_parser().parse_args([command, *arguments, "--context", "c", "-o", "json"])
    assert (given.context, given.output) == ("c", "json")


def test_no_abbreviations() -> None:
    """`--name` would be --namespace today and something else tomorrow."""
    with pytest.raises(SystemExit) as caught:
        build_parser().parse_args(["trace", "--name", "x"])
    assert caught.value.code == 2
