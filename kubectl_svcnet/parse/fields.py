"""Fields of custom resources (JSON as dicts) by their path, where they hold IP ranges.

A path is written as people write it: `spec.cidr`, `spec.ipam.pools.allocated[].cidrs[]`. What is
not there, or of another type, reads as absent: a CRD's versions differ. A text that is there and
is no IP range raises ParseError, since half a range would look like the whole one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from ..errors import ParseError
from ..model.address import IPNetwork
from .cidr import parse_networks


def name_of(item: Mapping[str, Any]) -> str:
    """`metadata.name`. Raises ParseError without one."""
    name = text_at(item, "metadata.name")
    if not name:
        raise ParseError("an API object without a name", text=str(item)[:120])
    return name


def text_at(item: Any, path: str) -> str:
    """The first text at the path, "" where there is none; a boolean reads as `true` or `false`."""
    return next(iter(texts_at(item, path)), "")


def texts_at(item: Any, path: str) -> tuple[str, ...]:
    return tuple(
        str(value).lower() if isinstance(value, bool) else value
        for value in values_at(item, path)
        if isinstance(value, (str, bool))
    )


def networks_at(item: Any, path: str) -> tuple[IPNetwork, ...]:
    return networks_in(texts_at(item, path))


def networks_in(texts: Iterable[str]) -> tuple[IPNetwork, ...]:
    """Some projects separate several by commas, some by blanks."""
    return tuple(n for text in texts for n in parse_networks(",".join(text.split())))


def networks_in_addresses(texts: Iterable[str]) -> tuple[IPNetwork, ...]:
    """Of each address the network that holds it alone."""
    try:
        return tuple(ip_network(ip_address(text)) for text in texts)
    except ValueError as error:
        raise ParseError(f"not an address: {error}") from error


def spans_at(item: Any, path: str, first: str, last: str) -> tuple[str, ...]:
    """Of each object at the path its `cidr`, or its first and last address, as `FIRST-LAST`."""
    found = []
    for part in values_at(item, path):
        cidr, start, end = (text_at(part, key) for key in ("cidr", first, last))
        span = cidr or "-".join(filter(None, (start, end)))
        if span:
            found.append(span)
    return tuple(found)


def values_at(item: Any, path: str) -> list[Any]:
    found = [item]
    for step in path.split("."):
        key, many = step.removesuffix("[]"), step.endswith("[]")
        values = [each[key] for each in found if isinstance(each, Mapping) and key in each]
        found = [part for value in values for part in (_list(value) if many else (value,))]
    return found


def _list(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else ()
