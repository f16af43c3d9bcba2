"""sysctls: `grep -sH "" /proc/sys/…` (PATH:VALUE) and `sysctl -a` (NAME = VALUE).

A sysctl that the kernel does not have prints nothing in either, so it is not in the answer.
"""

from __future__ import annotations

from ._text import split_lines

_ROOT = "/proc/sys/"


def parse_sysctls(text: str) -> dict[str, str]:
    """By name with dots. Lines that are neither form say nothing."""
    values: dict[str, str] = {}
    for line in split_lines(text):
        if line.startswith(_ROOT):
            path, colon, value = line[len(_ROOT) :].partition(":")
            name = path.replace("/", ".")
        else:
            name, colon, value = line.partition(" = ")
        if colon and name and " " not in name:
            values[name] = value.strip()
    return values
