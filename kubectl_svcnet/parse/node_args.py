"""The annotations k3s.io/node-args and rke2.io/node-args: a JSON list of words in one string.

`["server","--cluster-cidr","10.52.0.0/16"]`: `--x=y` stands as two words, secrets as `********`.
Anything else raises ParseError.
"""

from __future__ import annotations

import json

from ..errors import ParseError


def parse_node_args(text: str) -> tuple[str, ...]:
    try:
        words = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError("not a JSON list of arguments", text=text[:120]) from error
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ParseError("not a JSON list of arguments", text=text[:120])
    return tuple(words)
