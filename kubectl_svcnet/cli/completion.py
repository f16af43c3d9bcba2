"""Candidates for kubectl's own completion (kubectl >= 1.26), and for shells by argcomplete.

kubectl runs `kubectl_complete-svcnet` with the words after `kubectl svcnet`; the last one is the
word under the cursor, empty if it is new. Answered on stdout: a candidate a line, after a tab what
it means, and last `:4`, kubectl's word for "offer no file names" (kubectl
`pkg/cmd/plugin/plugin_completion.go`). The bare executable answers the scripts of `completion`.

argcomplete finds the candidates. For kubectl its entry for readline is used, not the one for
shells: that one speaks through environment variables.

A failure is silent: exit status 1, and kubectl ignores what was printed. No Kubernetes library is
loaded for flags and commands; `candidates` imports what asks the cluster.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from functools import partial
from typing import NoReturn

NO_FILES = ":4"  # cobra's ShellCompDirectiveNoFileComp


def complete(parser: argparse.ArgumentParser, words: Sequence[str]) -> list[str]:
    """What may stand in place of the last of `words`: the candidate, a tab, its meaning."""
    # late, since only completion needs it
    from argcomplete.completers import SuppressCompleter
    from argcomplete.finders import CompletionFinder

    class Finder(CompletionFinder):
        found: Sequence[str] = ()

        def quote_completions(
            self, completions: list[str], cword_prequote: str, last_wordbreak_pos: int | None
        ) -> list[str]:
            self.found = tuple(completions)  # kubectl's shell script quotes them
            return []

    *before, word = words or [""]
    option, equals, value = word.partition("=")
    glued = option + equals if equals and option.startswith("-") else ""  # --output=js
    if glued:
        before, word = [*before, option], value
    finder = Finder(parser, False, None, _may_stand, default_completer=SuppressCompleter())
    finder.rl_complete(shlex.join(before) + " " + (word and shlex.quote(word)), 0)
    meanings = finder.get_display_completions()
    return [
        f"{glued}{candidate}\t{' '.join((meanings.get(candidate) or '').split())}".rstrip("\t")
        for candidate in finder.found
    ]


def _may_stand(candidate: str, prefix: str) -> bool:
    """A line feed in the name of a context would be two candidates."""
    return candidate.startswith(prefix) and candidate.isprintable()


def _parser() -> argparse.ArgumentParser:
    from .candidates import attach
    from .main import build_parser

    parser = build_parser()
    attach(parser)
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Answers kubectl; the exit status."""
    try:
        # argparse and completers may print; the user's prompt is no place for it.
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            found = complete(_parser(), sys.argv[1:] if words is None else words)
    except (Exception, SystemExit):
        return 1
    print(*found, NO_FILES, sep="\n")
    return 0


def run(words: Sequence[str] | None = None) -> NoReturn:
    """Answers kubectl, or a shell by argcomplete's variables, and ends the process.

    A credential plugin must neither read the keyboard nor outlive the answer: it gets no stdin, and
    what is left of it is ended by its process group, where that could be made here."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    made = os.getpgrp() != os.getpid()  # else it may hold the rest of a pipeline
    if made:
        os.setpgrp()
    if "_ARGCOMPLETE" in os.environ:
        from argcomplete import autocomplete

        end = partial(_end, group=made)
        autocomplete(_parser(), False, exit_method=end, validator=_may_stand)
    _end(main(words), group=made)


def _end(status: int, *, group: bool) -> NoReturn:
    with suppress(OSError):  # nobody reads any longer
        sys.stdout.flush()
    if group:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)
    os._exit(status)


if __name__ == "__main__":
    run()
