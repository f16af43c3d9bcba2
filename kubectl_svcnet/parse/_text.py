"""Lines and words, as iptables and grep print them. Shared by the parsers, knows no format.

Nothing here raises for foreign text: what does not fit stays a word or a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# A string in double quotes with backslash escapes (xtables_save_string), or a bare word.
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"(?=\s|$)|(\S+)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_NUMBERED = re.compile(r"(\d{1,12}):", re.ASCII)


class Quoted(str):
    """A word that stood in quotes: never an option, whatever it starts with."""

    __slots__ = ()


def split_words(line: str) -> list[str]:
    """The words of a rule; a quoted one is a `Quoted`, its escapes undone."""
    if '"' not in line:
        return line.split()
    return [
        word if word else Quoted(_ESCAPE.sub(r"\1", quoted) if "\\" in quoted else quoted)
        for quoted, word in _WORD.findall(line)
    ]


def split_lines(text: str) -> list[str]:
    """Lines by newline alone: a rule may hold any other control character."""
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def split_numbers(lines: Sequence[str]) -> tuple[list[int], list[str]]:
    """What `grep -n` printed, as line numbers and lines; a line without a number gets the one
    after its predecessor's and stays as it is."""
    numbers: list[int] = []
    texts: list[str] = []
    for line in lines:
        found = _NUMBERED.match(line)
        if found:
            numbers.append(int(found[1]))
            texts.append(line[found.end() :])
        else:
            numbers.append(numbers[-1] + 1 if numbers else 1)
            texts.append(line)
    return numbers, texts
