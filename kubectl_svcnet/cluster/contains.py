"""Which recorded answers contain the answer to another request. Pure.

Of commands: a chain is in its table, a table in the dump of all, a filtered listing in the whole
one; always the recorded capture as it is, which its own command tells how to read. Of API lists:
an object, a namespace or a selection is in a list that was recorded whole. Of logs: a later or
shorter part is in the whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..model.capture import ApiRequest, LogRequest
from ..model.commands import Command
from .selectors import parse_selector


def wider_commands(command: Command) -> tuple[Command, ...]:
    """Commands whose whole answer contains this one's, the narrowest first."""
    all_ = re.fullmatch(
        r"(ip6?tables-(?:nft|legacy))-(?:save-all-filtered|first-rule)", command.name
    )
    if all_ is not None:
        return (Command(f"{all_[1]}-save-all"),)
    if command.name == "nft-table-picked":
        return (Command("nft-table", command.arguments[:2]),)
    if command.name == "nft-service-range":
        return (Command("nft-table", (*command.arguments, "kube-proxy")),)
    if command.name == "nft-calico-cidr-block":
        return (Command("nft-table", (*command.arguments, "calico")),)
    found = re.fullmatch(r"(ip6?tables)-(nft-chain|nft-table|nft-save)(-filtered)?", command.name)
    if found is None:
        return ()
    prefix, kind, filtered = found.groups()
    table = command.arguments[0]
    wider = []
    if kind == "nft-chain" and filtered:
        wider.append(Command(f"{prefix}-nft-chain", command.arguments[:2]))
    if kind != "nft-save" or filtered:
        wider.append(Command(f"{prefix}-nft-save", (table,)))
    return (*wider, Command(f"{prefix}-nft-save-all"))


@dataclass(frozen=True, slots=True)
class Collection:
    """An API path in its parts; `name` is empty for a list, `namespace` for all of them."""

    prefix: str
    resource: str
    namespace: str = ""
    name: str = ""


def collection_of(path: str) -> Collection | None:
    """None for a path of another shape (subresources, /version)."""
    found = re.fullmatch(
        r"(/api/[^/]+|/apis/[^/]+/[^/]+)(?:/namespaces/([^/]+))?/([^/]+)(?:/([^/]+))?", path
    )
    if found is None:
        return None
    prefix, namespace, resource, name = found.groups()
    return Collection(prefix, resource, namespace or "", name or "")


def list_contains(recorded: ApiRequest, wanted: ApiRequest) -> bool:
    """Whether the recorded list, if whole, has everything that is wanted."""
    have, want = collection_of(recorded.path), collection_of(wanted.path)
    if not recorded.many or have is None or want is None or have.name:
        return False
    if (have.prefix, have.resource) != (want.prefix, want.resource):
        return False
    if have.namespace and have.namespace != want.namespace:
        return False
    return set(_terms(recorded)) <= set(_terms(wanted)) and set(dict(wanted.query)) <= _SELECTORS


def select(
    objects: Sequence[Mapping[str, Any]], wanted: ApiRequest
) -> list[Mapping[str, Any]] | None:
    """Those of a containing list that are wanted; None where a selector is not understood.

    Raises ValueError for labels as the API server refuses them."""
    collection = collection_of(wanted.path)
    if collection is None:
        return None
    labels = parse_selector(dict(wanted.query).get("labelSelector", ""))
    try:
        fields = [_Field(term) for key, term in _terms(wanted) if key == "fieldSelector"]
    except ValueError:
        return None
    return [
        item
        for item in objects
        if _is_in(item, collection)
        and all(one.holds(item["metadata"].get("labels") or {}) for one in labels)
        and all(one(item) for one in fields)
    ]


def _is_in(item: Mapping[str, Any], collection: Collection) -> bool:
    metadata = item.get("metadata")
    if not isinstance(metadata, Mapping):
        return False
    named = not collection.name or metadata.get("name") == collection.name
    placed = not collection.namespace or metadata.get("namespace") == collection.namespace
    return named and placed


def _terms(request: ApiRequest) -> Iterator[tuple[str, str]]:
    """Each condition of each selector; commas in parentheses do not part them."""
    for key, value in request.query:
        for term in re.split(r",(?![^(]*\))", value):
            if term.strip():
                yield key, term.strip()


_SELECTORS = frozenset(("labelSelector", "fieldSelector"))
_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "spec.clusterIP",
    "spec.nodeName",
    "spec.type",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "involvedObject.kind",
    "involvedObject.name",
)


class _Field:
    def __init__(self, term: str) -> None:
        found = re.fullmatch(r"([\w.]+)\s*(==?|!=)\s*(.*)", term)
        if found is None or found[1] not in _FIELDS:
            raise ValueError(term)
        self.path, self.negated, self.value = found[1].split("."), found[2] == "!=", found[3]

    def __call__(self, item: Mapping[str, Any]) -> bool:
        value: Any = item
        for key in self.path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if self.path[-1] == "hostNetwork":
            value = str(value is True).lower()
        return ((value or "") == self.value) is not self.negated


def log_contains(recorded: LogRequest, truncated: bool, wanted: LogRequest) -> bool:
    """Whether the recorded log has all that is wanted (and maybe more)."""
    for key in ("namespace", "pod", "container", "previous", "timestamps"):
        if getattr(recorded, key) != getattr(wanted, key):
            return False
    if recorded.since_time or wanted.since_time:
        return False
    if recorded.tail_lines is not None and not _within(wanted.tail_lines, recorded.tail_lines):
        return False
    if truncated:  # a head: it has a shorter head
        bounds = (recorded.tail_lines, recorded.since_seconds)
        head = (wanted.tail_lines, wanted.since_seconds) == bounds
        return head and _within(wanted.limit_bytes, recorded.limit_bytes)
    return recorded.since_seconds is None or _within(wanted.since_seconds, recorded.since_seconds)


def _within(wanted: int | None, recorded: int | None) -> bool:
    return wanted is not None and recorded is not None and wanted <= recorded
