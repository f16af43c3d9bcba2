"""Rows are what apimachinery 0.36.3 `labels.Parse` answered: which labels match, or its words."""

from __future__ import annotations

import pytest

from kubectl_svcnet.cluster.selectors import parse_selector

OBJECTS: tuple[dict[str, str], ...] = (
    {},
    {"a": "b"},
    {"a": ""},
    {"a": "5"},
    {"a": "c", "b": "b"},
    {"in": "a", "x/y": "b"},
    {"b": ""},
)


@pytest.mark.parametrize(
    ("text", "matched"),
    [
        ("", "1111111"),
        ("a", "0111100"),
        ("!a", "1000011"),
        ("a=b", "0100000"),
        ("a == b", "0100000"),
        ("a!=b", "1011111"),
        ("a=", "0010000"),
        ("a in (b,c)", "0100100"),
        ("a in ()", "0010000"),
        ("a notin (b)", "1011111"),
        ("a notin (,b)", "1001111"),
        ("a in (b,)", "0110000"),
        ("a in (b,,c)", "0110100"),
        ("in in (a)", "0000010"),
        ("x/y=b", "0000010"),
        ("a>4", "0001000"),
        ("a<5", "0000000"),
        ("a>5", "0000000"),
        ("a,!b", "0111000"),
        ("a = c ,\tb", "0000100"),
    ],
)
def test_what_matches(text: str, matched: str) -> None:
    found = parse_selector(text)
    held = [all(one.holds(labels) for one in found) for labels in OBJECTS]
    assert "".join(map(str, map(int, held))) == matched


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,,b", "found ',', expected: identifier after ','"),
        ("a,", "found '', expected: identifier after ','"),
        (",a", "found ',', expected: !, identifier, or 'end of string'"),
        ("=x", "found '=', expected: !, identifier, or 'end of string'"),
        ("a=b=c", "found '=', expected: ',' or 'end of string'"),
        ("!a=b", "found '=', expected: ',' or 'end of string'"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("a==!", "unable to parse requirement: found '!', expected: identifier"),
        (
            "a gt 3",
            "unable to parse requirement: found 'gt', expected: in, notin, =, ==, !=, gt, lt",
        ),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"),
        # those that the server says at length
        ("-a", 'unable to parse requirement: invalid label key "-a"'),
        ("X/y=b", 'unable to parse requirement: invalid label key "X/y"'),
        ("a" * 64, f'unable to parse requirement: invalid label key "{"a" * 64}"'),
        ("a=-", 'unable to parse requirement: invalid label value "-"'),
        ("a>x", 'unable to parse requirement: invalid value "x": > compares integers'),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"found|invalid") as caught:
        parse_selector(text)
    assert str(caught.value) == words
