"""Label selectors as the API server reads them (apimachinery `pkg/labels/selector.go`). Pure.

A broken one is a ValueError in the server's words; only what it says at length of a key or value
that is none is said shortly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

Labels = Mapping[str, str]

_TOKEN = re.compile(r"[ \t\r\n]*(!=|==|[=!(),<>]|[^=!(),<> \t\r\n]+|$)")
_SPECIAL = frozenset(("!=", "==", "=", "!", "(", ")", ",", "<", ">", ""))
_WORD = r"[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?"
_PART = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_KEY = re.compile(rf"((?=[^/]{{1,253}}/){_PART}(\.{_PART})*/)?{_WORD}", re.ASCII)
_VALUE = re.compile(rf"({_WORD})?", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]+")


def _order(mine: str | None, values: Iterable[str]) -> int:
    """Below, at or above; what is no number is neither."""
    if mine is None or not _NUMBER.fullmatch(mine):
        return 0
    (value,) = map(int, values)
    return (int(mine) > value) - (int(mine) < value)


#: By operator, of the label (None: missing) and the values.
_HOLDS: Mapping[str, Callable[[str | None, frozenset[str]], bool]] = {
    "in": lambda mine, values: mine in values,
    "notin": lambda mine, values: mine not in values,
    "=": lambda mine, values: mine in values,
    "==": lambda mine, values: mine in values,
    "!=": lambda mine, values: mine not in values,
    ">": lambda mine, values: _order(mine, values) > 0,
    "<": lambda mine, values: _order(mine, values) < 0,
    "exists": lambda mine, _: mine is not None,
    "!": lambda mine, _: mine is None,
}
_BINARY = "in, notin, =, ==, !=, gt, lt"


@dataclass(frozen=True, slots=True)
class Requirement:
    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def holds(self, labels: Labels) -> bool:
        return _HOLDS[self.operator](labels.get(self.key), self.values)


def parse_selector(text: str) -> tuple[Requirement, ...]:
    """All must hold. Raises ValueError."""
    tokens = _Tokens(_TOKEN.findall(text))
    found: list[Requirement] = []
    while tokens.ahead:
        if not (tokens.is_word or tokens.ahead == "!"):
            raise ValueError(f"found '{tokens.ahead}', expected: !, identifier, or 'end of string'")
        try:
            found.append(_requirement(tokens))
        except ValueError as error:
            raise ValueError(f"unable to parse requirement: {error}") from error
        end = tokens.take()
        if end == "," and not (tokens.is_word or tokens.ahead == "!"):
            raise ValueError(f"found '{tokens.ahead}', expected: identifier after ','")
        if end not in ("", ","):
            raise ValueError(f"found '{end}', expected: ',' or 'end of string'")
    return tuple(found)


@dataclass(slots=True)
class _Tokens:
    tokens: list[str]
    at: int = field(default=0)

    @property
    def ahead(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    @property
    def is_word(self) -> bool:
        return self.ahead not in _SPECIAL

    def take(self) -> str:
        token = self.ahead
        self.at += 1
        return token


def _requirement(tokens: _Tokens) -> Requirement:
    absent = tokens.ahead == "!"
    if absent:
        tokens.take()
    if not tokens.is_word:
        raise ValueError(f"found '{tokens.ahead}', expected: identifier")
    key = tokens.take()
    if not _KEY.fullmatch(key):
        raise ValueError(f'invalid label key "{key}"')
    if absent or tokens.ahead in ("", ","):
        return Requirement(key, "!" if absent else "exists")
    operator = tokens.take()
    if operator not in _HOLDS or operator in ("exists", "!"):
        raise ValueError(f"found '{operator}', expected: {_BINARY}")
    values = _listed(tokens) if operator in ("in", "notin") else {_single(tokens)}
    for value in values:
        if operator in "<>" and not _NUMBER.fullmatch(value):
            raise ValueError(f'invalid value "{value}": {operator} compares integers')
        if not _VALUE.fullmatch(value):
            raise ValueError(f'invalid label value "{value}"')
    return Requirement(key, operator, frozenset(values))


def _single(tokens: _Tokens) -> str:
    if tokens.ahead in ("", ","):
        return ""
    if not tokens.is_word:
        raise ValueError(f"found '{tokens.ahead}', expected: identifier")
    return tokens.take()


def _listed(tokens: _Tokens) -> set[str]:
    if (first := tokens.take()) != "(":
        raise ValueError(f"found '{first}' expected: '('")
    values: set[str] = set()
    while True:
        values.add(tokens.take() if tokens.is_word else "")
        end = tokens.take()
        if end == ")":
            return values
        if end != ",":
            raise ValueError(f"found '{end}', expected: ',' or ')'")
