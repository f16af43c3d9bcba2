"""Every sentence of an error, with its exit status, in one golden file: `pytest --update`.

Those that svcnet raises are read from its source. Those of argparse are provoked.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubectl_svcnet.cli.main import COMMANDS, main
from tests.sentences import sentences

GOLDEN = Path(__file__).parent / "goldens" / "sentences.txt"
HEAD = """\
# Every sentence of an error that a user can meet: its exit status, where it arises, the sentence.
# `gap` is what could not be read: in a report, or at the start, where it ends the run with 3.
# In {braces} stands what is put in. Written by: pytest --update tests/test_sentences.py
"""
#: One command line for each thing that argparse says of its own.
WRONG = (
    "trase",
    "trace --colour",
    "trace -o xml",
    "trace --node",
    "trace --explain=maybe",
    "diff",
    "snapshot",
    "completion",
    "completion zsh --install",
    "version x",
)


def provoked(capsys: pytest.CaptureFixture[str]) -> list[str]:
    found = []
    for words in WRONG:
        with pytest.raises(SystemExit) as ended:
            main(words.split())
        sentence = capsys.readouterr().err.splitlines()[0]
        sentence = re.sub(r"'(\w+)'(?=[,)])", r"\1", sentence)  # as Python 3.12 has it
        found.append(f"{ended.value.code:<4}{words}: {sentence}")
    return found


def test_every_sentence(update: bool, capsys: pytest.CaptureFixture[str]) -> None:
    text = "\n".join([HEAD.rstrip(), *sentences(), "# Of a wrong command line", *provoked(capsys)])
    if update:
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(f"{text}\n", encoding="utf-8")
    assert GOLDEN.read_text(encoding="utf-8") == f"{text}\n"


def test_a_sentence_is_one() -> None:
    """It says something, and has no full stop, as kubectl's have none."""
    for row in sentences():
        sentence = row[4:].partition(": ")[2]
        assert re.search(r"[a-z]{2} ?[a-z{]", sentence), row
        assert not sentence.endswith((".", "!", " ", ":")), row


def test_what_is_raised_is_found() -> None:
    """Of each way to build a sentence one, so that the collector cannot miss a kind unnoticed."""
    rows = "\n".join(sentences())
    for expected in (
        "3   cluster/live.py: You must be logged in to the server (Unauthorized)",
        "3   cluster/kubeconfig.py: kubeconfig {path} is not YAML, line {where.line + 1}",
        "3   cluster/kubeconfig.py: invalid kubeconfig: client-key-data is not base64",
        "2   cli/options.py: --settle must not be negative",
        "gap cluster/socks.py: the SOCKS proxy refused to connect: wrong name or password",
        "2   cli/check.py: --wait ends and -w does not: use one of them",
    ):
        assert expected in rows
    assert set(COMMANDS) >= {words.split()[0] for words in WRONG[1:]}
