"""`iptables -L`, with or without -n, -v and --line-numbers: what people paste and tutorials print.

For reading, not for walking: the listing leaves out devices (without -v) and rounds what it
shows, so no ruleset is made of it. Lines may come without their heads (`… | grep NAME`) and with
a dash that a web page made of `--`. Nothing is lost: lines = rules + heads + blank ones + unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..model.address import Protocol
from ..model.ruleset import Unknown
from ..model.service import ServiceName
from ._text import split_lines

_OPTIONS = frozenset(("--", "-f", "!f", "–", "—"))
_CHAIN = re.compile(r"Chain \S+ \(.*\)")
_COMMENT = re.compile(r"/\* (.*?) ?\*/")
#: kube-proxy's comments start with namespace/name, a port's name after a colon (proxier.go).
_SERVICE = re.compile(r"([a-z0-9-]+)/([a-z0-9-]+)(?::([a-z0-9-]*))?(?= |$)")
_COUNT = re.compile(r"\d+[KMGTP]?")
_PROTOCOLS = {"6": "TCP", "17": "UDP", "132": "SCTP"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRule:
    """`service` and `port_name` are what its comment says."""

    raw: str
    target: str = ""
    protocol: Protocol | None = None
    service: ServiceName | None = None
    port_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    rules: tuple[ListedRule, ...] = ()
    heads: tuple[str, ...] = ()
    unknown: tuple[Unknown, ...] = ()


def parse_listing(text: str) -> Listing:
    """Never raises: a line that is no rule of a listing is unknown."""
    rules: list[ListedRule] = []
    heads: list[str] = []
    unknown: list[Unknown] = []
    for line in split_lines(text):
        if _CHAIN.fullmatch(line.strip()) or {"source", "destination"} <= {*line.split()}:
            heads.append(line)
        elif line.strip():
            rule = _rule(line)
            if rule is None:
                unknown.append(Unknown(line))
            else:
                rules.append(rule)
    return Listing(rules=tuple(rules), heads=tuple(heads), unknown=tuple(unknown))


def _rule(line: str) -> ListedRule | None:
    comment = _COMMENT.search(line)
    bare = line[: comment.start()] + line[comment.end() :] if comment else line
    words = bare.split()
    at = next((n for n, word in enumerate(words[:6]) if word in _OPTIONS), 0)
    before, after = words[: max(at, 1) - 1], words[at + 1 :]
    counts = [word for word in before if _COUNT.fullmatch(word)]
    if len(counts) > 1:  # -v: packets and bytes before, devices after
        after = after[2:]
    if at == 0 or len(after) < 2 or len(before) - len(counts) > 1:
        return None
    service, port = _about(comment[1] if comment else "")
    return ListedRule(
        raw=line,
        target=before[-1] if len(before) > len(counts) else "",
        protocol=_protocol(words[at - 1]),
        service=service,
        port_name=port,
    )


def _protocol(word: str) -> Protocol | None:
    try:
        return Protocol(_PROTOCOLS.get(word, word.upper()))
    except ValueError:
        return None


def _about(comment: str) -> tuple[ServiceName | None, str]:
    found = _SERVICE.match(comment)
    if found is None:
        return None, ""
    return ServiceName(found[1], found[2]), found[3] or ""
