"""A wrong command line, in the words that kubectl's user knows."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence

from ..errors import did_you_mean


def in_kubectls_words(message: str, commands: Iterable[str]) -> str:
    """pflag's and cli-runtime's sentence for what argparse says in its own words."""
    if found := re.match(r"argument COMMAND: invalid choice: '([^']*)'", message):
        return f"unknown command {found[1]!r}" + did_you_mean(found[1], commands)
    if found := re.match(r"argument (?:-o/)?--output: invalid choice: '([^']*)' \((.*)\)", message):
        allowed = re.sub(r"choose from |'| ", "", found[2])
        return (
            f'unable to match a printer suitable for the output format "{found[1]}",'
            f" allowed formats are: {allowed}"
        )
    if found := re.match(r"argument (?:-\w/)?(--[\w-]+): expected one argument", message):
        return f"flag needs an argument: {found[1]}"
    return message


def flags_of(parser: argparse.ArgumentParser, command: str | None) -> list[str]:
    """Those that its help shows."""
    for action in parser._actions:
        if command and isinstance(action, argparse._SubParsersAction):
            parser = action.choices[command]
    shown = (action for action in parser._actions if action.help != argparse.SUPPRESS)
    return [name for action in shown for name in action.option_strings]


def unknown_words(words: Sequence[str], known: Iterable[str] = ()) -> str:
    """The sentence about the first of those that nothing takes; `known`: what flags there are."""
    first = words[0].partition("=")[0]
    if first.startswith("--"):
        return f"unknown flag: {first}" + did_you_mean(first, known)
    if first.startswith("-"):
        return f"unknown shorthand flag: {first[1:2]!r} in {first}"
    return f"unknown argument {first!r}"
