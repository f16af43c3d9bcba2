"""Command-line flags of Kubernetes components: in argv, in `sh -c` scripts, in manifest lines.

Flags are read as spf13/pflag does: `--name=value` or `--name value`, the last one wins. A word
that holds blanks and is no flag itself is taken for a script (`sh -c "exec kube-proxy
--cluster-cidr=…"`, as GKE writes it) and split at blanks; quotes around a value fall off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ._text import split_lines


def find_flag(argv: Sequence[str], name: str) -> str | None:
    """The value of `--name`, None where the flag is not there."""
    found = find_flags(argv, name)
    return found[-1] if found else None


def find_flags(argv: Sequence[str], name: str) -> tuple[str, ...]:
    """Every value of a flag that may be given several times."""
    found = []
    words = list(_words(argv))
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if word == f"--{name}":
            found.append("" if following.startswith("--") else following)
        elif word.startswith(f"--{name}="):
            found.append(word.partition("=")[2])
    return tuple(value.strip("\"'") for value in found)


def find_flag_in_manifest(text: str, name: str) -> tuple[str, str] | None:
    """The flag in lines of a pod manifest (`    - --name=value`): its value, and the line."""
    found = None
    for line in split_lines(text):
        bare = line.strip().removeprefix("-").strip().strip("\"'")
        if bare.startswith("#"):
            continue
        value = find_flag((bare,), name)
        if value is not None:
            found = value, line
    return found


def _words(argv: Sequence[str]) -> Iterator[str]:
    for word in argv:
        if not word.startswith("-") and any(blank in word for blank in " \t\n"):
            yield from (part.strip("\"'") for part in word.split())
        else:
            yield word
