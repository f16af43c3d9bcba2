from __future__ import annotations

import pytest

from kubectl_svcnet import errors


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (errors.UsageError('services "db" not found'), 2, 'services "db" not found'),
        (errors.ClusterError("no kubeconfig"), 3, "no kubeconfig"),
        (errors.ParseError("not a rule"), 3, "not a rule"),
        (errors.ParseError("not a rule", file="d.txt"), 3, "d.txt: not a rule"),
        (
            errors.ParseError("bad", file="d.txt", line=7, text="-A\x1b"),
            3,
            "d.txt:7: bad: '-A\\x1b'",
        ),
        (errors.ParseError("bad", line=7), 3, "bad"),
    ],
)
def test_code_and_sentence(error: errors.SvcnetError, code: int, text: str) -> None:
    assert (error.exit_code, str(error)) == (code, text)


def test_a_long_line_is_cut() -> None:
    assert len(str(errors.ParseError("bad", text="x" * 10_000))) < 200


def test_the_next_command_travels_along() -> None:
    assert errors.UsageError("no such node", next="kubectl get nodes").next == "kubectl get nodes"
    assert errors.ClusterError("no cluster").next is None


def test_every_error_has_an_exit_status_of_the_contract() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert {kind.exit_code for kind in kinds if issubclass(kind, errors.SvcnetError)} == {2, 3}


@pytest.mark.parametrize(
    ("word", "end"), [("trac", "; did you mean trace?"), ("xyz", ""), ("", "")]
)
def test_did_you_mean(word: str, end: str) -> None:
    assert errors.did_you_mean(word, ["ranges", "trace"]) == end
