"""What is asked again of a stream that ended, and what of its answer is new."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_svcnet.logs.events import SOURCE as EVENTS
from kubectl_svcnet.logs.kube_proxy import SOURCE as KUBE_PROXY
from kubectl_svcnet.logs.slices import SOURCE as SLICES
from kubectl_svcnet.model.capture import ApiRequest, Capture, LogRequest
from kubectl_svcnet.pipeline.tails import LogTail, SliceTail, WatchTail
from tests.logs.scenes import NOW, log_place, scene
from tests.samples import proxy

PLACE = log_place(proxy())
LOG = LogRequest(
    namespace="kube-system",
    pod="kube-proxy-n1",
    container="kube-proxy",
    timestamps=True,
    since_seconds=60,
    tail_lines=100,
    limit_bytes=9,
)


def lines(*clocks: str) -> str:
    return "".join(
        f"2026-11-24T{clock}Z I1124 23:36:03.565531       1 a.go:1] at 10.96.0.1: {clock}\n"
        for clock in clocks
    )


def tail(text: str = "") -> LogTail:
    return LogTail(KUBE_PROXY, PLACE, LOG, [Capture(request=LOG, data=text.encode())])


def told(followed: LogTail, text: str) -> list[str]:
    part = Capture(request=LOG, data=text.encode())
    here = scene()
    found = (*followed.take(part, here, NOW), *followed.flush(here))
    return [line.message.partition(": ")[2] for line in found]


def test_asked_from_the_second_of_the_last_line_on() -> None:
    followed = tail(lines("23:35:00.1", "23:35:01.2"))
    asked = followed.request()
    assert (asked.since_time, asked.since_seconds) == ("2026-11-24T23:35:01Z", None)
    assert (asked.tail_lines, asked.limit_bytes) == (None, None)
    told(followed, lines("23:35:07.5"))
    assert followed.request().since_time == "2026-11-24T23:35:07Z"


def test_a_log_that_said_nothing_is_asked_as_before() -> None:
    asked = tail().request()
    assert (asked.since_time, asked.since_seconds, asked.tail_lines) == ("", 60, None)


def test_lines_that_are_known_are_skipped() -> None:
    first = lines("23:35:00.1", "23:35:01.1", "23:35:01.2")
    followed = tail(first)
    assert told(followed, first + lines("23:35:01.3")) == ["23:35:01.3"]
    followed.ended()
    again = lines("23:35:01.1", "23:35:01.2", "23:35:01.3", "23:35:02.0")
    assert told(followed, again) == ["23:35:02.0"]


def test_the_same_line_twice_is_two() -> None:
    followed = tail()
    assert told(followed, lines("23:35:01.1") * 2) == ["23:35:01.1"] * 2


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=12, unique=True).map(sorted),
    st.integers(0, 12),
    st.lists(st.integers(1, 12), max_size=3),
)
def test_nothing_is_lost_or_told_twice(tenths: list[int], known: int, breaks: list[int]) -> None:
    """Whenever the stream breaks: the API answers from a whole second on."""
    clocks = [f"23:35:{n // 10:02}.{n % 10}" for n in tenths]
    followed = tail(lines(*clocks[:known]))
    found = clocks[:known]
    for end in [*breaks, len(clocks)]:
        since = followed.request().since_time[11:19]
        found += told(followed, lines(*(c for c in clocks[:end] if c[:8] >= since)))
        followed.ended()
    assert found == clocks


def test_a_record_that_may_go_on_is_held_back() -> None:
    followed = tail()
    head = '2026-11-24T23:35:01.1Z E1124 23:35:01.100000       1 a.go:1] "Sync failed" err=<\n'
    rest = "2026-11-24T23:35:01.2Z \tno\n2026-11-24T23:35:01.2Z  >\n"
    here = scene()
    assert followed.take(Capture(request=LOG, data=head.encode()), here, NOW) == ()
    assert followed.take(Capture(request=LOG, data=rest.encode()), here, NOW) == ()
    (line,) = followed.flush(here)
    assert line.message == '"Sync failed" err=<\n\tno\n >'
    assert followed.flush(here) == ()


# Lists


def event(version: str, name: str = "web", **values: Any) -> dict[str, Any]:
    return {
        "metadata": {"uid": "u1", "resourceVersion": version},
        "involvedObject": {"kind": "Service", "namespace": "shop", "name": name},
        "message": f"m{version}",
        "lastTimestamp": "2026-11-24T23:35:00Z",
        **values,
    }


def watch(kind: str, item: dict[str, Any]) -> Capture:
    return Capture(request=ApiRequest(path="/x"), objects=({"type": kind, "object": item},))


@pytest.fixture
def watched() -> WatchTail:
    (place,) = EVENTS.places(scene())
    request = place.requests[0]
    assert isinstance(request, ApiRequest)
    read = Capture(request=request, objects=(event("1"),), version="5")
    return WatchTail(EVENTS, place, request, [read])


def messages(followed: WatchTail, *parts: Capture) -> list[str]:
    return [line.message for part in parts for line in followed.take(part, scene(), NOW)]


def test_each_event_once(watched: WatchTail) -> None:
    shown = messages(
        watched,
        watch("ADDED", event("1")),
        watch("MODIFIED", event("2")),
        watch("MODIFIED", event("2")),
        watch("DELETED", event("2")),
        watch("ADDED", event("3", name="other")),
    )
    assert len(shown) == 1
    assert shown[0].endswith("m2")


def test_from_which_version_on(watched: WatchTail) -> None:
    assert dict(watched.request().query)["resourceVersion"] == "5"
    assert watched.request().limit is None
    watched.take(watch("BOOKMARK", {"metadata": {"resourceVersion": "7"}}), scene(), NOW)
    assert dict(watched.request().query)["resourceVersion"] == "7"
    watched.take(watch("ERROR", {"code": 410, "message": "too old"}), scene(), NOW)
    assert dict(watched.request().query)["resourceVersion"] == "0"


def test_a_list_that_was_not_read_in_whole_comes_again(watched: WatchTail) -> None:
    asked = watched.request()
    for read in (Capture(request=asked, version="5", truncated=True), Capture(request=asked)):
        followed = WatchTail(EVENTS, watched.place, asked, [read])
        assert dict(followed.request().query)["resourceVersion"] == "0"


def slice_(version: str, *addresses: str, name: str = "web-a") -> dict[str, Any]:
    return {
        "metadata": {
            "uid": name,
            "resourceVersion": version,
            "namespace": "shop",
            "name": name,
            "labels": {"kubernetes.io/service-name": "web"},
        },
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 80}],
        "endpoints": [{"addresses": [address]} for address in addresses],
    }


def test_changes_of_slices() -> None:
    (place,) = SLICES.places(scene())
    request = place.requests[0]
    assert isinstance(request, ApiRequest)
    followed = SliceTail(
        SLICES, place, request, [Capture(request=request, objects=(slice_("1", "10.0.0.1"),))]
    )
    shown = messages(
        followed,
        watch("ADDED", slice_("1", "10.0.0.1")),  # as a stream begins
        watch("MODIFIED", slice_("2", "10.0.0.1", "10.0.0.2")),
        watch("MODIFIED", slice_("3", "10.0.0.1", "10.0.0.2")),  # nothing that matters
        watch("ADDED", slice_("4", name="web-b")),
        watch("DELETED", slice_("5", "10.0.0.1", "10.0.0.2")),
        watch("ADDED", {"metadata": {}}),
    )
    assert shown == [
        "shop/web-a +10.0.0.2:80 ready",
        "shop/web-b was created",
        "shop/web-a was deleted, -10.0.0.1:80, -10.0.0.2:80",
    ]
    assert set(followed.slices) == {"shop/web-b"}


def test_when_a_change_was_seen() -> None:
    (place,) = SLICES.places(scene())
    request = place.requests[0]
    assert isinstance(request, ApiRequest)
    followed = SliceTail(SLICES, place, request, [])
    (line,) = followed.take(watch("ADDED", slice_("1", "10.0.0.1")), scene(), NOW)
    assert (line.time, line.assumed) == (NOW, "when it was seen")
