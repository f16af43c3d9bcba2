"""Which findings a pipeline wants to hear of, and how grave they are to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from .finding import Finding, Level


class Key(NamedTuple):
    """What makes two findings of two runs the same: the code and its object. One without an object
    is known by its message; messages about objects name addresses, which change."""

    code: str
    service: str
    node: str
    message: str

    @classmethod
    def of(cls, code: str, service: str, node: str, message: str) -> Key:
        return cls(code, service, node, "" if service or node else message)


def key_of(finding: Finding) -> Key:
    return Key.of(finding.code, finding.service, finding.node, finding.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """`only` empty: all codes. `skip`: a code with "ns/name", a node, or "" for all. `known`:
    findings of a former run, each with the level it had then."""

    only: frozenset[str] = frozenset()
    skip: frozenset[tuple[str, str]] = frozenset()
    levels: Mapping[str, Level] = field(default_factory=dict)
    known: Mapping[Key, Level] = field(default_factory=dict)
