"""`nft -j list ruleset` and `nft -j list table`: the same tables as from text.

nft 0.9.1 on, json_schema_version 1; some builds have no JSON. Each expression is written as text
and read by the grammar of text, so that rules have the same statements and raw lines whichever
way they were listed. A JSON document is whole or it is none: what broke off is a ParseError.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import ParseError
from ..model import nft
from ..model.ruleset import Unknown
from ._nft_expressions import Tokens, Types, types_of
from ._nft_json_text import compact, element_text, statement_text, text_of
from ._nft_lazy import Lazy
from ._nft_rule import read_rule
from ._nft_words import split_tokens
from .nftables import read_elements

_BAD = (
    *(ValueError, KeyError, TypeError, IndexError, AttributeError, StopIteration),
    *(RecursionError, OverflowError),  # the latter of 1e999
)


def parse_json(text: str) -> tuple[nft.Table, ...]:
    try:
        objects = json.loads(text)["nftables"]
        if not isinstance(objects, list) or not objects:  # nft tells at least its version
            raise TypeError
        return tuple(_table(each) for each in _by_table(objects).values())
    except _BAD as error:
        broken = isinstance(error, json.JSONDecodeError | RecursionError)
        why = str(error) if broken else "something in it is not as nft prints it"
        raise ParseError(f"not nft's JSON: {why}", line=1, text=text[:80]) from error


def _by_table(objects: Sequence[Any]) -> Mapping[tuple[str, str], list[tuple[str, Any]]]:
    tables: dict[tuple[str, str], list[tuple[str, Any]]] = {}
    for each in objects:
        ((kind, what),) = each.items()
        if kind == "metainfo":
            continue
        name = what["name"] if kind == "table" else what["table"]
        tables.setdefault((what["family"], name), []).append((kind, what))
    return tables


def _table(parts: Sequence[tuple[str, Any]]) -> nft.Table:
    family, name, dormant, listed = "", "", False, False
    chains: dict[str, Any] = {}
    rules: dict[str, list[Any]] = {}
    sets: dict[str, nft.Set] = {}
    for kind, what in parts:
        family = what["family"]
        if kind == "table":
            name, listed = what["name"], True
            dormant = "dormant" in what.get("flags", ())
            continue
        name = what["table"]
        if kind == "chain":
            chains[what["name"]] = what
        elif kind == "rule":
            rules.setdefault(what["chain"], []).append(what)
        elif kind in ("set", "map"):
            sets[what["name"]] = _set(what)
    lost = [f"rules of {chain}, which is not listed" for chain in rules if chain not in chains]
    return nft.Table(
        family=family,
        name=name,
        chains={key: _chain(what, rules.get(key, [])) for key, what in chains.items()},
        sets=sets,
        complete=listed and not lost,
        dormant=dormant,
        garbled=tuple(map(Unknown, lost)),
    )


def _chain(what: Any, rules: list[Any]) -> nft.Chain:
    base = None
    if "hook" in what:
        policy = what.get("policy", "accept")
        dev = what.get("dev")  # one name, or a list of them
        devices = tuple(map(str, dev)) if isinstance(dev, list) else (dev,) if dev else ()
        base = nft.Base(what["type"], what["hook"], int(what["prio"]), policy, devices)
    return nft.Chain(name=what["name"], base=base, rules=JsonRules(rules))


class JsonRules(Lazy[nft.Rule]):
    __slots__ = ("_rules",)

    def __init__(self, rules: list[Any]) -> None:
        self._rules, self._items = rules, None

    def _make(self) -> list[nft.Rule]:
        return [_rule(what, number) for number, what in enumerate(self._rules, 1)]

    def __len__(self) -> int:
        return len(self._rules)


def _rule(what: Any, number: int) -> nft.Rule:
    statements: list[object] = []
    texts: list[str] = []
    for each in what.get("expr", ()):
        text, found = _statements(each)
        texts.append(text)
        statements += found
    if comment := what.get("comment"):
        texts.append(f'comment "{comment}"')
    return nft.Rule(number, " ".join(texts), tuple(statements))


def _statements(each: Any) -> tuple[str, Sequence[object]]:
    """One statement of JSON; a match that is not understood can still only be a match."""
    match = isinstance(each, dict) and "match" in each
    try:
        text = statement_text(each)
    except _BAD:
        raw = compact(each)
        return raw, (nft.Doubt(raw) if match else Unknown(raw),)
    found = read_rule(text, 1).statements
    if match:
        found = tuple(nft.Doubt(one.raw) if isinstance(one, Unknown) else one for one in found)
    return text, found


def _set(what: Any) -> nft.Set:
    garbled: list[Unknown] = []
    types: Types = ()
    values: Types = ()
    maps = "map" in what
    try:
        types = _types(what["type"])
        values = _types(what["map"]) if maps else ()
    except _BAD:
        garbled.append(Unknown(compact({key: what.get(key) for key in ("type", "map")})))
    flags = what.get("flags", ())  # nft 1.0 names timeout there, and leaves dynamic out
    return nft.Set(
        name=what["name"],
        types=types,
        values=values,
        maps=maps,
        elements=JsonElements(what.get("elem", ()), types, values if maps else None),
        dynamic="dynamic" in flags or "timeout" in flags,
        size=what.get("size"),
        timeout=what.get("timeout"),
        garbled=tuple(garbled),
    )


def _types(what: Any) -> Types:
    if isinstance(what, str):  # of values the parts in one word, of keys a list
        return tuple(what.split(" . "))
    if isinstance(what, list):
        return tuple(map(str, what))
    return types_of(Tokens(split_tokens(text_of(what["typeof"]))).joined())


class JsonElements(Lazy[nft.Element]):
    __slots__ = ("_elements", "_keys", "_values")

    def __init__(self, elements: Sequence[Any], keys: Types, values: Types | None) -> None:
        self._elements, self._keys, self._items = elements, keys, None
        self._values = () if values == ("verdict",) else values

    def _make(self) -> list[nft.Element]:
        return [element for each in self._elements for element in self._read(each)]

    def _read(self, each: Any) -> Sequence[nft.Element]:
        try:
            words = split_tokens(element_text(each))
        except _BAD:
            return (nft.Element(Unknown(compact(each))),)
        return tuple(read_elements(Tokens(["{", *words, "}"]), self._keys, self._values))

    def __len__(self) -> int:
        return len(self._elements)
