"""What kubectl says of the same mistakes."""

from __future__ import annotations

import os
import subprocess

import pytest

from kubectl_svcnet.cli.usage import in_kubectls_words, unknown_words
from tests.kubectl import KUBECTL, LACKING

OUTPUT = "argument -o/--output: invalid choice: 'xml' (choose from 'table', 'json')"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            "argument COMMAND: invalid choice: 'trac' (choose from 'trace')",
            "unknown command 'trac'; did you mean trace?",
        ),
        (
            OUTPUT,
            'unable to match a printer suitable for the output format "xml",'
            " allowed formats are: table,json",
        ),
        (OUTPUT.replace("'table', 'json'", "table, json"), in_kubectls_words(OUTPUT, ())),
        (
            "argument -n/--namespace: expected one argument",
            "flag needs an argument: --namespace",
        ),
        ("the following arguments are required: FILE",) * 2,
    ],
)
def test_words(message: str, said: str) -> None:
    assert in_kubectls_words(message, ("trace",)) == said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--namespce", "x"], "unknown flag: --namespce; did you mean --namespace?"),
        (["--namespce=x"], "unknown flag: --namespce; did you mean --namespace?"),
        (["-Z"], "unknown shorthand flag: 'Z' in -Z"),
        (["x", "-Z"], "unknown argument 'x'"),
    ],
)
def test_unknown(words: list[str], said: str) -> None:
    assert unknown_words(words, ["-n", "--namespace"]) == said


@pytest.mark.parametrize(
    ("words", "ours"),
    [
        (["--namespce", "x"], unknown_words(["--namespce"]).partition(";")[0]),
        (["-Z"], unknown_words(["-Z"])),
        (["--output"], in_kubectls_words("argument -o/--output: expected one argument", ())),
        (["-o", "xml"], in_kubectls_words(OUTPUT, ()).partition(", allowed")[0]),
    ],
)
def test_kubectl_says_so(words: list[str], ours: str) -> None:
    if not KUBECTL:
        pytest.skip(LACKING)
    ran = subprocess.run(
        [KUBECTL, "create", "configmap", "x", "--dry-run=client", *words],
        env={"PATH": os.environ["PATH"], "KUBECONFIG": os.devnull},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ours in ran.stderr
