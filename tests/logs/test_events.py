from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubectl_svcnet.logs import Place
from kubectl_svcnet.logs.events import SOURCE
from kubectl_svcnet.model.capture import ApiRequest, Capture, Failure, Reason
from kubectl_svcnet.model.finding import Level
from tests.logs.scenes import scene


def event(kind: str, name: str, **values: Any) -> dict[str, Any]:
    return {
        "involvedObject": {"kind": kind, "namespace": "shop", "name": name},
        "type": "Normal",
        "reason": "Because",
        "message": "so it is",
        "lastTimestamp": "2026-11-24T23:35:00Z",
        **values,
    }


@pytest.fixture
def place() -> Place:
    (found,) = SOURCE.places(scene())
    return found


def read(place: Place, *items: dict[str, Any]) -> list[str]:
    capture = Capture(request=place.requests[0], objects=items)
    return [line.message for line in SOURCE.read(place, [capture], scene()).lines]


def test_what_is_asked(place: Place) -> None:
    assert [request.query for request in place.requests if isinstance(request, ApiRequest)] == [
        (("fieldSelector", "involvedObject.name=web"),),
        (("fieldSelector", "involvedObject.kind=Pod"),),
    ]


@pytest.mark.parametrize(
    ("kind", "name", "ours"),
    [
        ("Service", "web", True),
        ("Service", "web2", False),
        ("Endpoints", "web", True),
        ("EndpointSlice", "web-a", True),
        ("EndpointSlice", "web2-a", False),
        ("Deployment", "web", False),
        ("Pod", "web-77c94d7d89-blz8z", True),
        ("Pod", "web-77c94d7d89-6gfh2", True),  # gone, of the same ReplicaSet
        ("Pod", "web-77c94d7d89-0", False),
        ("Pod", "web-77c94d7d89-blz8z2", False),
        ("Pod", "web-55c94d7d89-6gfh2", False),
        ("Pod", "web", False),
    ],
)
def test_of_whom(place: Place, kind: str, name: str, ours: bool) -> None:
    assert bool(read(place, event(kind, name))) is ours


def test_of_another_namespace(place: Place) -> None:
    other = event("Service", "web")
    other["involvedObject"]["namespace"] = "shop-b"
    assert read(place, other) == []


def test_a_line(place: Place) -> None:
    item = event(
        "Pod",
        "web-77c94d7d89-blz8z",
        type="Warning",
        reason="Unhealthy",
        message="Readiness probe failed",
        count=3,
        firstTimestamp="2026-11-24T23:30:00Z",
        source={"host": "n2"},
    )
    capture = Capture(request=place.requests[0], objects=(item,))
    (line,) = SOURCE.read(place, [capture, capture], scene()).lines
    assert (line.node, line.source, line.level) == ("n2", "event", Level.WARNING)
    assert line.message == "Unhealthy pod/web-77c94d7d89-blz8z: Readiness probe failed (3 times)"
    assert line.time == 1795563300.0


@pytest.mark.parametrize(
    "times",
    [
        {"lastTimestamp": None, "eventTime": "2026-11-24T23:35:00.000000Z"},
        {"lastTimestamp": None, "firstTimestamp": "2026-11-24T23:35:00Z"},
        {"series": {"count": 4, "lastObservedTime": "2026-11-24T23:35:00.000000Z"}},
    ],
)
def test_where_its_time_stands(place: Place, times: dict[str, Any]) -> None:
    capture = Capture(request=place.requests[0], objects=(event("Service", "web", **times),))
    (line,) = SOURCE.read(place, [capture], scene()).lines
    assert line.time == 1795563300.0


def test_the_order_within_a_second_is_that_of_storing(place: Place) -> None:
    """The scheduler writes microseconds, the kubelet whole seconds."""
    pod = "web-77c94d7d89-blz8z"
    written: list[tuple[str, str, dict[str, Any]]] = [
        ("Scheduled", "7", {"lastTimestamp": None, "eventTime": "2026-11-24T23:35:00.084Z"}),
        ("Started", "9", {}),
        ("Pulled", "8", {}),
        ("Killing", "5", {}),
        ("Unhealthy", "11", {"lastTimestamp": "2026-11-24T23:35:01Z"}),
    ]
    items = [
        event("Pod", pod, reason=reason, metadata={"resourceVersion": version}, **times)
        for reason, version, times in written
    ]
    capture = Capture(request=place.requests[0], objects=tuple(items))
    lines = SOURCE.read(place, [capture], scene()).lines
    assert [(line.message.split()[0], line.time, bool(line.assumed)) for line in lines] == [
        ("Killing", 1795563300.0, False),
        ("Scheduled", 1795563300.084, False),
        ("Pulled", 1795563300.084, True),
        ("Started", 1795563300.084, True),
        ("Unhealthy", 1795563301.0, False),
    ]


def test_old_ones_are_left_out(place: Place) -> None:
    assert read(place, event("Service", "web", lastTimestamp="2026-11-24T20:00:00Z")) == []


def test_of_chosen_nodes(place: Place) -> None:
    """What no node has seen, as the scheduler's, is of none."""
    items = (event("Service", "web", source={"host": host}) for host in ("n1", "n2", ""))
    capture = Capture(request=place.requests[0], objects=tuple(items))
    chosen = replace(scene(), nodes=frozenset({"n1"}))
    assert [line.node for line in SOURCE.read(place, [capture], chosen).lines] == ["n1", ""]


def test_hostile_ones(place: Place) -> None:
    assert read(place, {}, {"involvedObject": 3}, {"involvedObject": {"kind": []}}) == []


def test_what_was_not_read(place: Place) -> None:
    failure = Failure(reason=Reason.FORBIDDEN, message="events forbidden")
    refused = Capture(request=place.requests[0], failure=failure)
    cut = Capture(request=place.requests[0], objects=({},), truncated=True)
    gaps = SOURCE.read(place, [refused, cut], scene()).gaps
    assert [gap.next.split()[1] for gap in gaps] == ["auth", "get"]
    assert "only 1 of" in gaps[1].why
