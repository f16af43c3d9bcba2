"""sysctls: `grep -sH "" /proc/sys/…` (PATH:VALUE) and `sysctl -a` (NAME = VALUE).

A sysctl that the kernel does not have prints nothing in either, so it is not in the answer.
"""

from __future__ import annotations

from ..errors import ParseError
from ._text import split_lines

_ROOT = "/proc/sys/"


def parse_sysctls(text: str) -> dict[str, str]:
    """By name with dots (sysctl writes the dots of a device's name as slashes). Lines that are
    neither form say nothing."""
    values: dict[str, str] = {}
    for line in split_lines(text):
        if line.startswith(_ROOT):
            name, sign, value = line[len(_ROOT) :].partition(":")
        else:
            name, sign, value = line.partition(" = ")
        if sign and name and " " not in name:
            values[name.replace("/", ".")] = value.strip()
    return values


def parse_saved_sysctls(text: str) -> dict[str, str]:
    """Of a file that the user named: a ParseError where no line of it is one."""
    values = parse_sysctls(text)
    if text.strip() and not values:
        raise ParseError("no line of it is of `sysctl -a`", line=1, text=text.strip()[:80])
    return values
