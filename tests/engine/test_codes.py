from __future__ import annotations

import re

import pytest

from kubectl_svcnet.engine.codes import CODES, finding
from kubectl_svcnet.model.finding import Level


def test_numbers_are_sorted_and_well_formed() -> None:
    assert list(CODES) == sorted(CODES)
    assert all(re.fullmatch(r"SVN[1-5]\d\d", number) for number in CODES)


@pytest.mark.parametrize("number", CODES)
def test_every_row_says_what_it_means(number: str) -> None:
    row = CODES[number]
    assert row.number == number
    for text in (row.cause, row.action):
        assert text.endswith("."), text
    assert not row.title.endswith(".")


@pytest.mark.parametrize("number", CODES)
def test_every_row_has_a_command_that_only_looks_or_restarts(number: str) -> None:
    words = CODES[number].command.split()
    assert words[0] == "kubectl"
    verbs = {"svcnet", "get", "logs", "delete", "rollout", "exec"}
    assert verbs.intersection(words)
    assert ("delete" in words) is (number == "SVN301")


def test_titles_are_unique() -> None:
    titles = [row.title for row in CODES.values()]
    assert len(set(titles)) == len(titles)


def test_a_finding_takes_its_words_from_the_table() -> None:
    made = finding("SVN202", "x is not programmed", node="n3", evidence=("e",), next="kubectl get")
    assert (made.code, made.level, made.title) == ("SVN202", Level.ERROR, "Endpoint missing")
    assert made.docs == "docs/findings.md#svn202"
    assert finding("SVN202", "x", level=Level.INFO).level is Level.INFO


def test_an_unknown_number_is_no_finding() -> None:
    with pytest.raises(KeyError):
        finding("SVN999", "x")
