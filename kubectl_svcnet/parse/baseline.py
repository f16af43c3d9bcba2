"""The document that `check -o json` wrote at another time: which findings were there.

Of a grouped finding each object counts by itself. Anything else than such a document is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ParseError
from ..model.finding import Level
from ..model.gate import Key

_KIND = ("svcnet/v1alpha1", "Check")


def parse_baseline(text: str) -> Mapping[Key, Level]:
    """Raises ParseError."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"no JSON document ({error})") from error
    if not isinstance(document, dict) or not isinstance(document.get("findings"), list):
        raise ParseError("no document of check -o json")
    if (document.get("apiVersion"), document.get("kind")) != _KIND:
        raise ParseError(f"no document of check -o json, but of kind {document.get('kind')}")
    known: dict[Key, Level] = {}
    for item in document["findings"]:
        for key, level in _keys(item):
            if level is Level.ERROR or key not in known:
                known[key] = level
    return known


def _keys(item: Any) -> Iterator[tuple[Key, Level]]:
    objects = item.get("objects") if isinstance(item, dict) else None
    for one in (item, *(objects if isinstance(objects, list) else ())):
        if not isinstance(one, dict):
            raise ParseError("a finding is no object")
        try:
            level = Level(one.get("level"))
        except ValueError as error:
            raise ParseError(f"a finding has the level {one.get('level')!r}") from error
        words = (str(one.get(name) or "") for name in ("code", "service", "node", "message"))
        yield Key.of(*words), level
