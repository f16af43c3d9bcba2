"""A wrong command line, in the words that kubectl's user knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..errors import did_you_mean
from . import flags


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


def unknown_words(words: Sequence[str]) -> str:
    """The sentence about the first of those that nothing takes."""
    first = words[0].partition("=")[0]
    if first.startswith("--"):
        known = [name for named, _ in (*flags.CONNECTION, *flags.COMMON) for name in named]
        return f"unknown flag: {first}" + did_you_mean(first, known)
    if first.startswith("-"):
        return f"unknown shorthand flag: {first[1:2]!r} in {first}"
    return f"unknown argument {first!r}"
