"""YAML text, whole: every document, or a ParseError."""

from __future__ import annotations

from typing import Any

import yaml

from ..errors import ParseError

#: libyaml's loader where it is built in: the same language, ten times faster.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def yaml_documents(text: str) -> list[Any]:
    try:
        return list(yaml.load_all(text, Loader=_LOADER))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ParseError(f"not YAML: {str(error).splitlines()[0]}") from error
