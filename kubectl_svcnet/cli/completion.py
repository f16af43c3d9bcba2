"""`kubectl_complete-svcnet`: candidates for kubectl's own completion (kubectl >= 1.26).

kubectl runs it with the words after `kubectl svcnet`; the last one is the word under the cursor,
empty if it is new. Answered on stdout: a candidate a line, after a tab what it means, and last
`:4`, kubectl's word for "offer no file names" (kubectl `pkg/cmd/plugin/plugin_completion.go`).

argcomplete finds the candidates. Its entry for readline is used, not the one for shells: that one
speaks through environment variables, which a credential plugin written with argcomplete would
inherit and take for itself.

A failure is silent: exit status 1, and kubectl ignores what was printed. No Kubernetes library is
loaded for flags and commands; a completer that asks the cluster imports its own.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout

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
    finder = Finder(parser, default_completer=SuppressCompleter())
    finder.rl_complete(shlex.join(before) + " " + (word and shlex.quote(word)), 0)
    meanings = finder.get_display_completions()
    return [
        f"{glued}{candidate}\t{' '.join((meanings.get(candidate) or '').split())}".rstrip("\t")
        for candidate in finder.found
    ]


def main() -> int:
    try:
        # argparse and completers may print; the user's prompt is no place for it.
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            from kubectl_svcnet.cli.main import build_parser

            found = complete(build_parser(), sys.argv[1:])
    except (Exception, SystemExit):
        return 1
    print(*found, NO_FILES, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
