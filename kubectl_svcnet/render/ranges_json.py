"""Ranges and addresses as items (`Ranges`, `Addresses`): names and types are the contract's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..model.iprange import AddressUse, IPRange, RangeClaim, Room


def items(ranges: Iterable[IPRange]) -> list[dict[str, Any]]:
    return [
        {
            "kind": range.kind.value,
            "range": range.text,
            "family": range.family.value if range.family else None,
            "node": range.node or None,
            "used": range.used,
            "size": range.size,
            "room": _room(range.room) if range.room else None,
            "sources": [_source(claim) for claim in range.claims],
        }
        for range in ranges
    ]


def address_items(uses: Iterable[AddressUse]) -> list[dict[str, Any]]:
    return [
        {
            "address": str(use.address),
            "kind": use.kind or None,
            "owner": use.owner or None,
            "range": use.range or None,
            "state": use.state.value,
        }
        for use in uses
    ]


def _room(room: Room) -> dict[str, Any]:
    return {
        "for": f"{room.noun}s",
        "left": room.left,
        "given": room.given,
        "prefixLength": room.length,
    }


def _source(claim: RangeClaim) -> dict[str, Any]:
    return {
        "source": claim.source,
        "value": claim.value,
        "object": claim.object,
        "confidence": claim.confidence.value,
        "evidence": claim.evidence,
    }
