"""The errors that end a command, each with its exit status (product.md, "Exit status").

A subclass exists only where somebody catches it by name. What one node or one API list would
not answer is no error but a `Gap` in the report: see `model.finding`.
"""

from __future__ import annotations

from collections.abc import Iterable


class SvcnetError(Exception):
    """One sentence for the user: the cause, and in `next` the command to type now."""

    exit_code = 3

    def __init__(self, message: str, *, next: str | None = None) -> None:
        super().__init__(message)
        self.next = next


class UsageError(SvcnetError):
    """The command line is wrong, or names an object that does not exist."""

    exit_code = 2


class ClusterError(SvcnetError):
    """Nothing could be read: no cluster, no rights, no kubeconfig."""


class ParseError(SvcnetError):
    """A file that the user named cannot be read; in a capture the same is a gap.

    `line` counts from 1 and is 0 where no single line is to blame.
    """

    def __init__(self, message: str, *, file: str = "", line: int = 0, text: str = "") -> None:
        where = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(f"{where}{message}" + (f": {text[:120]!r}" if text else ""))
        self.file, self.line, self.text = file, line, text


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of the sentence that says a name does not exist; empty where none is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
