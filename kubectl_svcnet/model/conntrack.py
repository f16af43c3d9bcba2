"""Connections that a node tracks, and its counts of what went wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .address import Protocol, SocketAddress


@dataclass(frozen=True, slots=True)
class Connection:
    """What its first packet dialled, from where, and who answers it."""

    protocol: Protocol
    source: SocketAddress
    dialled: SocketAddress
    answered_by: SocketAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Conntrack:
    """`connections`: those to Services' UDP ports that none of their endpoints answers; None: not
    read. `counts`: sums over all processors since the node started. `count` of `most` are there."""

    connections: tuple[Connection, ...] | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    count: int | None = None
    most: int | None = None
