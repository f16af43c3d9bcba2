"""`nft list ruleset`, `list table`, `list chain`, `list set` and `list map`, as text.

nft 0.9 to 1.1, with or without -n and -a. Splitting looks at the tabs that nft itself prints:
objects at one, their lines at two, and what goes on in the next line at three or more; rules and
elements are read when somebody asks for them (a table may have 55,000 chains). Rules have no
numbers in nft's text, they are counted. `nft -t` leaves out elements and does not say so: its
text must not be given to this.

What an answer means: a table that ends with its brace is complete; one that broke off is not,
and the chain or set in which it broke off is not there. One chain or map by itself makes a table
that is not complete either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ..errors import ParseError
from ..model import nft
from ..model.ruleset import Unknown
from ._nft_expressions import Tokens, types_of
from ._nft_lazy import Lazy
from ._nft_rule import read_rule
from ._nft_words import split_tokens, without_handle

_TABLE = re.compile(r"table (ip|ip6|inet|arp|bridge|netdev) (\S+) \{( # handle \d+)?$")
_OBJECT = re.compile(r"\t(chain|set|map) (\S+) \{( # handle \d+)?$")
#: Named, not simulated.
_OTHER = re.compile(
    r"\t(?:counter|quota|limit|flowtable|secmark|synproxy|ct \w+|tunnel) \S+ \{( # handle \d+)?$"
)
_BASE = re.compile(
    r"type (\w+) hook (\w+)((?: devices? (?:= )?(?:\{[^}]*\}|\S+))*) priority ([^;]+);"
    r"(?: policy (\w+);)?$"
)
_DEVICE = re.compile(r'\b(?!devices?\b)[^\s"{},=]+')
_PRIORITY = re.compile(r"(\w+)(?: ([+-]) (\d+))?$")
PRIORITIES = {
    "raw": -300,
    "mangle": -150,
    "dstnat": -100,
    "filter": 0,
    "security": 50,
    "srcnat": 100,
}
#: What is garbled of a table that ends without its brace: it was the last, or others are missing.
BROKE_OFF = "the listing broke off"
_TIME = re.compile(r"(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_DEEPER = re.compile(r"\n(?=\t\t[^\t])")


class RuleLines(Lazy[nft.Rule]):
    """The rules among these lines of a chain, from `start` on and before `end`. `translated`: they
    are iptables', in words that nft found for them."""

    __slots__ = ("_end", "_lines", "_start", "_translated")

    def __init__(self, lines: list[str], start: int, end: int, *, translated: bool) -> None:
        self._lines, self._start, self._end, self._items = lines, start, end, None
        self._translated = translated

    def _make(self) -> list[nft.Rule]:
        body = [line for line in _joined(self._lines[self._start : self._end]) if line]
        rules = [read_rule(line, number) for number, line in enumerate(body, 1)]
        return [_mistranslated(rule) for rule in rules] if self._translated else rules


def _mistranslated(rule: nft.Rule) -> nft.Rule:
    """nft 1.0.6 writes `! --ctstate ESTABLISHED,DNAT` as `ct status dnat`, without the negation
    and the states (libxt_conntrack.c, its translation of --ctstate)."""
    return replace(
        rule,
        statements=tuple(
            nft.Doubt(rule.raw)
            if isinstance(one, nft.Match) and one.left == nft.Ct("status")
            else one
            for one in rule.statements
        ),
    )


class ElementText(Lazy[nft.Element]):
    """Elements of a set. The key of one that is not understood is `Unknown`."""

    __slots__ = ("_keys", "_text", "_values")

    def __init__(self, text: str, keys: tuple[str, ...], values: tuple[str, ...] | None) -> None:
        self._text, self._keys, self._values = text, keys, values
        self._items = None

    def _make(self) -> list[nft.Element]:
        tokens = Tokens(split_tokens(self._text))
        return list(read_elements(tokens, self._keys, self._values))


def read_elements(
    tokens: Tokens, keys: tuple[str, ...], values: tuple[str, ...] | None
) -> Iterator[nft.Element]:
    words = tokens.words
    if not words or words[0] != "{" or words[-1] != "}":
        yield nft.Element(Unknown(" ".join(words)))
        return
    tokens.at, end = 1, len(words) - 1
    while tokens.at < end:
        start = tokens.at
        try:
            yield tokens.element(keys, values)
            if tokens.at < end:
                tokens.take(",")
        except (ValueError, IndexError, KeyError):
            while tokens.at < end and tokens.peek() != ",":
                tokens.at += 1
            yield nft.Element(Unknown(" ".join(words[start : tokens.at])))
            tokens.at += 1


@dataclass(slots=True)
class _Draft:
    """A table while its text is read."""

    family: str
    name: str
    chains: dict[str, nft.Chain] = field(default_factory=dict)
    sets: dict[str, nft.Set] = field(default_factory=dict)
    garbled: list[Unknown] = field(default_factory=list)
    dormant: bool = False
    closed: bool = False


def parse_ruleset(text: str) -> tuple[nft.Table, ...]:
    """Every table, in order. A line outside of tables is a ParseError unless it is a comment."""
    drafts = list(_tables(text))
    for draft in drafts:
        if not draft.closed:
            draft.garbled.append(Unknown(BROKE_OFF))
    return tuple(
        nft.Table(
            family=draft.family,
            name=draft.name,
            chains=draft.chains,
            sets=draft.sets,
            complete=draft.closed and not draft.garbled,
            dormant=draft.dormant,
            garbled=tuple(draft.garbled),
        )
        for draft in drafts
    )


def parse_part(text: str) -> nft.Table:
    """One chain, set or map of a table, as `nft list chain` and its like print it."""
    tables = parse_ruleset(text)
    if len(tables) != 1 or not tables[0].complete:
        line = text.partition("\n")[0]
        raise ParseError("not one whole part of an nft table", line=1, text=line)
    return replace(tables[0], complete=False)


def _tables(text: str) -> Iterator[_Draft]:
    lines = text.replace("\r\n", "\n").split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        found = _TABLE.match(line)
        if found:
            draft = _Draft(found[1], found[2])
            at = _read_table(lines, at + 1, draft)
            yield draft
            continue
        if line.strip() and not line.startswith("#"):
            raise ParseError("not an nft table", line=at + 1, text=line)
        at += 1


def _read_table(lines: list[str], at: int, draft: _Draft) -> int:
    """The number of the line after the table."""
    while at < len(lines):
        line = lines[at]
        if line == "}":
            draft.closed = True
            return at + 1
        found = _OBJECT.match(line)
        if found or _OTHER.match(line):
            try:
                end = lines.index("\t}", at)
            except ValueError:
                return len(lines)  # broke off inside
            if found and found[1] == "chain":
                own = nft.is_iptables(draft.family, draft.name)
                draft.chains[found[2]] = _chain(found[2], lines, at + 1, end, translated=own)
            elif found:
                body = _joined(lines[at + 1 : end])
                draft.sets[found[2]] = _set(found[2], body, maps=found[1] == "map")
            at = end + 1
            continue
        _table_line(draft, line)
        at += 1
    return at


def _table_line(draft: _Draft, line: str) -> None:
    words = line.split()
    if not words or words[0] in ("comment", "#"):
        return
    if words[0] == "flags" and len(words) == 2:
        draft.dormant |= "dormant" in words[1]
        return
    draft.garbled.append(Unknown(line))


def _joined(lines: list[str]) -> list[str]:
    """One string per rule or property: what goes on in the next line has three tabs."""
    if not any(line.startswith("\t\t\t") for line in lines):
        return [line.strip() for line in lines]
    return [" ".join(line.split("\n\t\t\t")).strip() for line in _DEEPER.split("\n".join(lines))]


def _chain(name: str, lines: list[str], at: int, end: int, *, translated: bool) -> nft.Chain:
    base = None
    while at < end:
        line = lines[at].strip()
        if line.startswith('comment "') and base is None:
            pass
        elif found := _BASE.match(line):
            base = nft.Base(
                found[1],
                found[2],
                priority_of(found[4]),
                found[5] or "accept",
                tuple(_DEVICE.findall(found[3])),
            )
        elif not line.startswith("type ") or base is not None:
            break
        else:
            base = nft.Base(line, "", None)
        at += 1
    rules = RuleLines(lines, at, end, translated=translated)
    return nft.Chain(name=name, base=base, rules=rules)


def priority_of(words: str) -> int | None:
    """`-110`, `dstnat`, `dstnat - 10`; None for other words."""
    try:
        return int(words)
    except ValueError:
        found = _PRIORITY.match(words.strip())
    if not found or found[1] not in PRIORITIES:
        return None
    offset = int(found[3] or 0)
    return PRIORITIES[found[1]] + (-offset if found[2] == "-" else offset)


def _set(name: str, body: list[str], *, maps: bool) -> nft.Set:
    types: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    text, flags, size, timeout = "", "", None, None
    garbled: list[Unknown] = []
    for line in body:
        word, _, rest = line.partition(" ")
        match word:
            case "type" | "typeof":
                try:
                    types, values = _types(word, rest)
                except (ValueError, IndexError, KeyError):
                    garbled.append(Unknown(line))
            case "elements":
                text = rest.removeprefix("= ")
            case "flags":
                flags = rest
            case "size" if rest.isdecimal():
                size = int(rest)
            case "timeout":
                timeout = _seconds(rest)
            case "comment" | "gc-interval" | "policy" | "auto-merge" | "counter" | "":
                pass
            case _:
                garbled.append(Unknown(line))
    return nft.Set(
        name=name,
        types=types,
        values=values,
        maps=maps,
        elements=ElementText(text, types, _data_types(values) if maps else None) if text else (),
        dynamic="dynamic" in flags,
        size=size,
        timeout=timeout,
        garbled=tuple(garbled),
    )


def _seconds(words: str) -> int | None:
    """`1h30m`, as nft prints a time; None for other words, and for parts of a second."""
    found = _TIME.fullmatch(words)
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _data_types(values: tuple[str, ...]) -> tuple[str, ...]:
    return () if values == ("verdict",) else values


def _types(word: str, rest: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    keys, _, values = without_handle(rest).partition(" : ")
    read = _named_types if word == "type" else _types_of_expression
    return read(keys), read(values.removeprefix("interval ")) if values else ()


def _named_types(text: str) -> tuple[str, ...]:
    return tuple(text.split(" . "))


def _types_of_expression(text: str) -> tuple[str, ...]:
    if text.strip() == "verdict":
        return ("verdict",)
    return types_of(Tokens(split_tokens(text)).joined())
