"""JSON and YAML text, whole, or a ParseError: half a document would look like a whole one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from ..errors import ParseError

#: libyaml's loader where it is built in: the same language, ten times faster.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def json_value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"not JSON: {error}") from error


def json_object(text: str, whose: str) -> Mapping[str, Any]:
    """`whose`: as the refusal names it."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"not the JSON of {whose}", text=text[:120]) from error
    if not isinstance(found, Mapping):
        raise ParseError(f"not the JSON of {whose}", text=text[:120])
    return found


def yaml_documents(text: str) -> list[Any]:
    try:
        return list(yaml.load_all(text, Loader=_LOADER))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ParseError(f"not YAML: {str(error).splitlines()[0]}") from error
