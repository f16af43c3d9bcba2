"""Folding: equal nodes share a row, outliers stand alone."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

Row = TypeVar("Row", bound=Hashable)

#: Names are listed while they fit this many characters; beyond it they are counted.
ROOM = 24

#: Where a node's own names stand in what is said of it: its pods, the address that was dialled.
_OWN = re.compile(
    r"( in | of )([\w.-]+)/[\w.-]+|(/pods/)[\w.-]+"
    r"|( logs | exec )(?!in )[\w.-]+|(dial tcp )\S+(?=:\d)"
)


def fold(rows: Iterable[tuple[str, Row]]) -> list[tuple[tuple[str, ...], Row]]:
    """(node, row) pairs as (nodes, row), in the order in which each row first appears."""
    grouped: dict[Row, list[str]] = {}
    for node, row in rows:
        grouped.setdefault(row, []).append(node)
    return [(tuple(nodes), row) for row, nodes in grouped.items()]


def names(nodes: Sequence[str]) -> str:
    joined = ",".join(nodes)
    return joined if len(nodes) == 1 or len(joined) <= ROOM else f"{len(nodes)} nodes"


def general(said: str, node: str) -> str:
    """The same said of any node, so that nodes of which it is said can be told together."""
    said = _OWN.sub(_named, said)
    return re.sub(rf"(?<![\w.-]){re.escape(node)}(?![\w.-])", "*", said) if node else said


def _named(found: re.Match[str]) -> str:
    within, namespace, *before = found.groups()
    return f"{within}{namespace}/*" if within else next(filter(None, before)) + "*"
