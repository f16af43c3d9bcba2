"""JSON of nft as the text that nft itself would print, so that one grammar reads both.

libnftables-json(5). An object that is not known raises ValueError; the caller keeps its JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_BITS = ("&", "|", "^", "<<", ">>")
_VERDICTS = ("accept", "drop", "continue", "return")
_PLAIN = re.compile(r"[\w@.:*/+-]+")


def text_of(value: Any) -> str:
    """An expression, a value, an element of a set or a verdict."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, str)):
        return _word(value)
    if isinstance(value, list):  # flags: ["established", "related"]
        return ",".join(map(text_of, value))
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError("not an expression")
    ((kind, what),) = value.items()
    if kind in _BITS:
        return f" {kind} ".join(_operand(one) for one in what)
    write = _EXPRESSIONS.get(kind)
    if write is None:
        raise ValueError(f"no expression {kind}")
    return write(what)


def _word(value: int | str) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else f'"{text}"'


def _operand(value: Any) -> str:
    text = text_of(value)
    nested = isinstance(value, dict) and next(iter(value)) in _BITS
    several = isinstance(value, list) and len(value) > 1
    return f"({text.replace(',', ' | ')})" if nested or several else text


def _set(items: Any) -> str:
    pairs = [
        f"{text_of(item[0])} : {text_of(item[1])}" if isinstance(item, list) else text_of(item)
        for item in items
    ]
    return f"{{ {', '.join(pairs)} }}"


def element_text(item: Any) -> str:
    """Of a named set or map."""
    if isinstance(item, list):
        return f"{text_of(item[0])} : {text_of(item[1])}"
    return text_of(item)


def _elem(elem: Any) -> str:
    text = text_of(elem["val"])
    for option in ("timeout", "expires"):
        if option in elem:
            text += f" {option} {elem[option]}s"
    return f'{text} comment "{elem["comment"]}"' if "comment" in elem else text


def _payload(payload: Any) -> str:
    if "base" in payload:
        return f"@{payload['base']},{payload['offset']},{payload['len']}"
    return f"{payload['protocol']} {payload['field']}"


def _ct(ct: Any) -> str:
    return " ".join(["ct", *(ct[key] for key in ("dir", "family", "key") if key in ct)])


def _fib(fib: Any) -> str:
    flags = fib["flags"]
    return f"fib {flags if isinstance(flags, str) else ' . '.join(flags)} {fib['result']}"


def _numbers(words: str, what: Any) -> str:
    offset = f" offset {what['offset']}" if what.get("offset") else ""
    return f"{words} mod {what['mod']}{offset}"


def _always(word: str) -> Callable[[Any], str]:
    return lambda what: word


def _jhash(what: Any) -> str:
    return _numbers(f"jhash {text_of(what['expr'])}", what)


_EXPRESSIONS: Mapping[str, Callable[[Any], str]] = {
    **{word: _always(word) for word in _VERDICTS},
    "concat": lambda parts: " . ".join(map(text_of, parts)),
    "ct": _ct,
    "elem": _elem,
    "fib": _fib,
    "goto": lambda what: f"goto {what['target']}",
    "jhash": _jhash,
    "jump": lambda what: f"jump {what['target']}",
    "map": lambda what: f"{text_of(what['key'])} map {text_of(what['data'])}",
    "meta": lambda what: f"meta {what['key']}",
    "numgen": lambda what: _numbers(f"numgen {what['mode']}", what),
    "payload": _payload,
    "prefix": lambda what: f"{text_of(what['addr'])}/{what['len']}",
    "range": lambda ends: "-".join(map(text_of, ends)),
    "set": _set,
    "symhash": lambda what: _numbers("symhash", what),
}


# Statements


def statement_text(statement: Any) -> str:
    if not isinstance(statement, dict) or len(statement) != 1:
        raise ValueError("not a statement")
    ((kind, what),) = statement.items()
    write = _STATEMENTS.get(kind)
    if write is None:
        raise ValueError(f"no statement {kind}")
    return write(what)


def _match(what: Any) -> str:
    left, operator, right = what["left"], what["op"], what["right"]
    if isinstance(right, bool):  # of fib alone: is there a route?
        right = "exists" if right else "missing"
    plain = operator == "in" or (operator == "==" and not _has_flags(left))
    return " ".join([text_of(left), *([] if plain else [operator]), text_of(right)])


def _has_flags(left: Any) -> bool:
    """There `==` compares the whole and no operator asks for any of them."""
    return (
        "&" in left
        or left.get("ct", {}).get("key") in ("state", "status")
        or "flags" in (str(left.get("payload", {}).get("field")),)
    )


def _nat(kind: str, what: Any) -> str:
    words = [kind, *([what["family"]] if "family" in what else []), "to"]
    if "prefix" in str(what.get("type_flags", "")):
        raise ValueError("a map of prefixes")
    address = text_of(what["addr"]) if "addr" in what else ""
    port = f":{text_of(what['port'])}" if "port" in what else ""
    if port and address.count(":") > 1 and isinstance(what["addr"], (str, dict)):
        address = address if " map " in address else f"[{address}]"
    return " ".join([*words, address + port, *_flags(what)])


def _flags(what: Any) -> list[str]:
    flags = what.get("flags", [])
    return [",".join([flags] if isinstance(flags, str) else flags)] if flags else []


def _ports(kind: str, what: Any) -> str:
    to = ["to", f":{text_of(what['port'])}"] if what and "port" in what else []
    return " ".join([kind, *to, *_flags(what or {})])


def _reject(what: Any) -> str:
    if not what:
        return "reject"
    if what["type"] == "tcp reset":
        return "reject with tcp reset"
    return f"reject with {what['type']} {what['expr']}"


def _counter(what: Any) -> str:
    if isinstance(what, str):
        return f'counter name "{what}"'
    return f"counter packets {what['packets']} bytes {what['bytes']}" if what else "counter"


def _log(what: Any) -> str:
    words = ["log"]
    for key, value in (what or {}).items():
        if key == "flags":
            words += ["flags", "all"]
        else:
            words += [key, f'"{value}"' if isinstance(value, str) else str(value)]
    return " ".join(words)


def _limit(what: Any) -> str:
    if isinstance(what, str):
        return f'limit name "{what}"'
    over = "over " if what.get("inv") else ""
    unit = f" {what['rate_unit']}" if "rate_unit" in what else ""
    return f"limit rate {over}{what['rate']}{unit}/{what['per']}"


def _set_statement(what: Any) -> str:
    if what.get("stmt"):
        raise ValueError("a statement per element")
    return f"{what['op']} {what['set']} {{ {text_of(what['elem'])} }}"


def _count(what: Any) -> str:
    return f"ct count {'over ' if what.get('inv') else ''}{what['val']}"


def _xt(what: Any) -> str:
    return f'xt {what["type"]} "{what["name"]}"'


_STATEMENTS: Mapping[str, Callable[[Any], str]] = {
    **{word: _always(word) for word in (*_VERDICTS, "notrack")},
    "counter": _counter,
    "ct count": _count,
    "dnat": lambda what: _nat("dnat", what),
    "goto": lambda what: f"goto {what['target']}",
    "jump": lambda what: f"jump {what['target']}",
    "limit": _limit,
    "log": _log,
    "mangle": lambda what: f"{text_of(what['key'])} set {text_of(what['value'])}",
    "masquerade": lambda what: _ports("masquerade", what),
    "match": _match,
    "redirect": lambda what: _ports("redirect", what),
    "reject": _reject,
    "set": _set_statement,
    "snat": lambda what: _nat("snat", what),
    "vmap": lambda what: f"{text_of(what['key'])} vmap {text_of(what['data'])}",
    "xt": _xt,
}


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
