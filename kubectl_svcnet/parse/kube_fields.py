"""Fields of API objects, read without trust: a field of the wrong type reads as absent.

`Any` is JSON entering; nothing behind `parse` sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from ..errors import ParseError
from ..model.address import IPAddress, IPNetwork, Protocol

_NUMBER = re.compile("[0-9]{1,18}")
#: Before the last digit of a number, in what has dots.
_ZEROS = re.compile(r"(?<![0-9a-fA-F:/])0{1,9}(?=[0-9]{1,3}\.)|(?<=\.)0{1,9}(?=[0-9])")

Json = Mapping[str, Any]


def protocol(item: Json) -> Protocol:
    try:
        return Protocol(item.get("protocol") or "TCP")
    except ValueError as error:
        raise ParseError(f"unknown protocol {item.get('protocol')!r}") from error


def identity(item: Json) -> tuple[str, str]:
    meta = mapping(item, "metadata")
    name = text(meta, "name")
    if not name:
        raise ParseError("an API object without a name", text=str(item)[:120])
    return text(meta, "namespace"), name


def mapping(item: Json, key: str) -> Json:
    value = item.get(key)
    return value if isinstance(value, dict) else {}


def mappings(item: Json, key: str) -> list[Json]:
    value = item.get(key)
    return [v for v in value if isinstance(v, dict)] if isinstance(value, (list, tuple)) else []


def whole_mappings(item: Json, key: str) -> list[Json]:
    found, value = mappings(item, key), item.get(key)
    if value and (not isinstance(value, (list, tuple)) or len(found) < len(value)):
        raise ParseError(f"{key}: no list of objects", text=str(value))
    return found


def text(item: Json, key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""


def texts(item: Json, key: str) -> tuple[str, ...]:
    """A list of strings, or a single string as a list of one."""
    value = item.get(key)
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, (list, tuple)) else ()


def labels(item: Json, key: str) -> dict[str, str]:
    return {k: v for k, v in mapping(item, key).items() if isinstance(v, str)}


def number(value: object, default: int) -> int:
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else default


def address(text: str) -> IPAddress:
    """As Kubernetes takes it where it is stored already: IPv4 may have leading zeros, or be mapped
    into IPv6 (ParseIPSloppy of k8s.io/utils/net; KEP-4858). Raises ValueError for none."""
    try:
        found = ip_address(text)
    except ValueError:
        return ip_address(_ZEROS.sub("", text))
    return (found.ipv4_mapped if found.version == 6 else None) or found


def addresses(texts: Iterable[str]) -> tuple[IPAddress, ...]:
    found = []
    for text in texts:
        try:
            found.append(address(text))
        except ValueError:
            continue  # "None", "" or a hostname: no address to dial
    return tuple(found)


def network(text: str) -> IPNetwork:
    """As `address`; host bits are masked. Raises ValueError for none."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return ip_network(_ZEROS.sub("", text), strict=False)


def networks(texts: Iterable[str]) -> tuple[IPNetwork, ...]:
    found = []
    for text in texts:
        try:
            found.append(network(text.strip()))
        except ValueError:
            continue
    return tuple(found)
