from __future__ import annotations

from ipaddress import ip_address, ip_network

from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.iprange import Confidence, IPRange, RangeClaim, RangeKind, Room
from kubectl_svcnet.render.ranges_json import items

CLAIM = RangeClaim(
    kind=RangeKind.POD,
    source="weave bridge",
    object="pod kube-system/weave-net-a",
    confidence=Confidence.OBSERVED,
    network=ip_network("10.32.0.0/12"),
    address=ip_address("10.44.0.0"),
    evidence="weave bridge has address\x1b 10.44.0.0/12",
)


def test_the_contracts_names() -> None:
    found = IPRange(
        kind=RangeKind.POD,
        text="10.32.0.0/12",
        claims=(CLAIM,),
        family=Family.IPV4,
        network=CLAIM.network,
        node="n1",
        used=11,
        size=254,
    )
    assert items([found]) == [
        {
            "kind": "Pod",
            "range": "10.32.0.0/12",
            "family": "IPv4",
            "node": "n1",
            "used": 11,
            "size": 254,
            "room": None,
            "sources": [
                {
                    "source": "weave bridge",
                    "value": "10.44.0.0/12",
                    "object": "pod kube-system/weave-net-a",
                    "confidence": "observed",
                    "evidence": "weave bridge has address\x1b 10.44.0.0/12",
                }
            ],
        }
    ]


def test_what_is_not_known_is_null() -> None:
    (item,) = items([IPRange(kind=RangeKind.NODE_PORT, text="30000-32767", claims=())])
    assert [item[key] for key in ("family", "node", "used", "size", "room")] == [None] * 5


def test_room() -> None:
    room = Room(noun="block", length=26, given=3, left=1021)
    (item,) = items([IPRange(kind=RangeKind.POD, text="10.0.0.0/16", claims=(), room=room)])
    assert item["room"] == {"for": "blocks", "left": 1021, "given": 3, "prefixLength": 26}
