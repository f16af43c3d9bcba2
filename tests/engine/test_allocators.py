"""How many parts of a range that is cut up among nodes are left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_network

import pytest

from kubectl_svcnet.engine.allocators import with_room
from kubectl_svcnet.engine.usage import merge_claims
from kubectl_svcnet.model.iprange import (
    CALICO,
    CILIUM,
    CILIUM_POOLS,
    NODE_IPAM,
    Census,
    Confidence,
    RangeClaim,
    RangeKind,
    Room,
)


def claim(
    text: str,
    node: str = "",
    allocator: str = NODE_IPAM,
    confidence: Confidence = Confidence.STATED,
) -> RangeClaim:
    return RangeClaim(
        kind=RangeKind.POD,
        source="flag",
        object="the flag",
        confidence=confidence,
        network=ip_network(text),
        node=node,
        allocator=allocator,
    )


def rooms(told: Sequence[RangeClaim], census: Census | None = None) -> dict[str, Room | None]:
    census = census or Census(nodes=())
    ranges = with_room(merge_claims(told, census), census)
    return {r.text: r.room for r in ranges if r.kind is RangeKind.POD and not r.node}


WHOLE = claim("10.244.0.0/16")
PARTS = [claim(f"10.244.{i}.0/24", f"n{i}") for i in (0, 1, 7)]
ROOM = Room(noun="node", length=24, given=3, left=253)


def test_what_nodes_have_and_what_is_left() -> None:
    assert rooms([WHOLE, *PARTS]) == {"10.244.0.0/16": ROOM}


def test_a_part_that_two_places_state_counts_once() -> None:
    seen = replace(PARTS[0], source="routes", confidence=Confidence.OBSERVED)
    assert rooms([WHOLE, *PARTS, seen]) == {"10.244.0.0/16": ROOM}


def test_a_part_of_another_length() -> None:
    told = [WHOLE, *PARTS, claim("10.244.128.0/23", "n9"), claim("10.244.200.0/25", "n8")]
    assert rooms(told)["10.244.0.0/16"] == Room(noun="node", length=24, given=6, left=250)


def test_by_family() -> None:
    told = [WHOLE, *PARTS, claim("fd00:244::/48"), claim("fd00:244:0:1::/64", "n1")]
    assert rooms(told)["fd00:244::/48"] == Room(noun="node", length=64, given=1, left=65535)


def test_each_range_by_itself() -> None:
    told = [
        *(claim(text, allocator=CILIUM) for text in ("10.0.0.0/23", "10.1.0.0/22", "10.2.0.0/16")),
        claim("10.0.0.0/24", "n1", allocator=CILIUM),
        claim("10.0.1.0/24", "n2", allocator=CILIUM),
        claim("10.1.0.0/24", "n3", allocator=CILIUM),
    ]
    assert rooms(told) == {
        "10.0.0.0/23": Room(noun="node", length=24, given=2, left=0),
        "10.1.0.0/22": Room(noun="node", length=24, given=1, left=3),
        "10.2.0.0/16": None,
    }


def test_blocks() -> None:
    told = [
        claim("10.0.0.0/24", allocator=CALICO),
        claim("10.1.0.0/24", allocator=CALICO),
        claim("10.0.0.64/26", "n1", allocator=CALICO),
        claim("10.0.0.128/26", "n1", allocator=CALICO),
        claim("10.1.0.8/29", "n1", allocator=CALICO),
    ]
    assert rooms(told) == {
        "10.0.0.0/24": Room(noun="block", length=26, given=2, left=2),
        "10.1.0.0/24": Room(noun="block", length=29, given=1, left=31),
    }


@pytest.mark.parametrize(
    "told",
    [
        [WHOLE],
        [replace(WHOLE, closed=True), *PARTS],
        [replace(WHOLE, confidence=Confidence.ASSUMED), *PARTS],
        [replace(WHOLE, allocator=""), *PARTS],
        [claim("10.244.0.0/16", allocator=CILIUM_POOLS), *PARTS],
        [claim("fd00:244::/48"), *PARTS],
    ],
)
def test_not_known(told: list[RangeClaim]) -> None:
    assert set(rooms(told).values()) == {None}


def test_nodes_that_were_not_read_are_not_none() -> None:
    assert rooms([WHOLE, *PARTS], Census()) == {"10.244.0.0/16": None}
