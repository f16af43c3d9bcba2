from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubectl_svcnet.logs.slices import SOURCE, difference, slices_of
from kubectl_svcnet.model.capture import Capture, Failure, Reason
from kubectl_svcnet.model.service import Endpoint, ServiceName, Slice
from tests.logs.scenes import scene
from tests.samples import endpoint


def item(**metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "namespace": "shop",
            "name": "web-h8j9l",
            "creationTimestamp": "2026-11-24T23:30:00Z",
            "managedFields": [
                {"manager": "kube-controller-manager", "time": "2026-11-24T23:35:00Z"},
                {"manager": "somebody", "time": "2026-11-24T23:31:00Z"},
            ],
            **metadata,
        },
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8080}],
        "endpoints": [
            {"addresses": ["10.244.1.5"], "conditions": {"ready": True}},
            {"addresses": ["10.244.1.6"], "conditions": {"ready": False}},
        ],
    }


def told(*items: dict[str, Any]) -> list[str]:
    (place,) = SOURCE.places(scene())
    capture = Capture(request=place.requests[0], objects=items)
    return [line.message for line in SOURCE.read(place, [capture], scene()).lines]


def test_created_and_changed() -> None:
    assert told(item()) == [
        "shop/web-h8j9l was created",
        "shop/web-h8j9l was last changed by kube-controller-manager, "
        "now 10.244.1.5:8080 ready, 10.244.1.6:8080 not ready",
    ]


def test_created_only() -> None:
    made = item(managedFields=[{"manager": "x", "time": "2026-11-24T23:30:00Z"}])
    made["endpoints"] = []
    assert told(made) == ["shop/web-h8j9l was created, now without endpoints"]


def test_without_managed_fields_the_trigger_tells() -> None:
    key = "endpoints.kubernetes.io/last-change-trigger-time"
    made = item(managedFields=[], annotations={key: "2026-11-24T23:34:00Z"})
    assert told(made)[1].startswith("shop/web-h8j9l was last changed, now")


def test_old_and_broken_ones() -> None:
    old = item(creationTimestamp="2026-11-24T10:00:00Z", managedFields=[{"time": 3}])
    assert told(old) == []
    assert slices_of([{}, {"metadata": {"name": 3}}, item()])[0].name.name == "web-h8j9l"


def test_a_refusal_is_a_gap() -> None:
    (place,) = SOURCE.places(scene())
    failure = Failure(reason=Reason.FORBIDDEN, message="no")
    (gap,) = SOURCE.read(place, [Capture(request=place.requests[0], failure=failure)], scene()).gaps
    assert gap.why == "no"


A, B = endpoint("10.0.0.1:80", pod="db-0"), endpoint("10.0.0.2:80", ready=False)


def of(*endpoints: Endpoint) -> Slice:
    return Slice(name=ServiceName("shop", "web-a"), endpoints=endpoints)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (None, of(A), "+10.0.0.1:80 ready (pod db-0)"),
        (of(A), None, "-10.0.0.1:80 (pod db-0)"),
        (of(A), of(A), ""),
        (of(A), of(B), "-10.0.0.1:80 (pod db-0), +10.0.0.2:80 not ready"),
        (of(B), of(replace(B, ready=True)), "10.0.0.2:80 not ready -> ready"),
        (
            of(A),
            of(replace(A, ready=False, terminating=True)),
            "10.0.0.1:80 ready -> terminating, serving (pod db-0)",
        ),
        (
            of(A),
            of(replace(A, ready=False, serving=False, terminating=True)),
            "10.0.0.1:80 ready -> terminating (pod db-0)",
        ),
        (None, None, ""),
    ],
)
def test_differences(before: Slice | None, after: Slice | None, said: str) -> None:
    assert difference(before, after) == said
