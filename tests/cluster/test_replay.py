"""A bundle answers by what is wanted, in turn, with its own times, and says what it has not."""

from __future__ import annotations

import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from kubectl_svcnet.cluster import replay
from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.model.capture import (
    ApiRequest,
    Capture,
    ExecRequest,
    Failure,
    ForwardRequest,
    LogRequest,
    Reason,
    Source,
)
from kubectl_svcnet.model.commands import Command

CHAIN = Command("iptables-nft-chain", ("nat", "KUBE-SERVICES"))
PART = Command("iptables-nft-chain-filtered", ("nat", "KUBE-SERVICES", "^x"))
NAT = Command("iptables-nft-save", ("nat",))
ALL = Command("iptables-nft-save-all")
LISTED = ApiRequest(path="/api/v1/services")


def on(node: str, *commands: Command, **changes: Any) -> ExecRequest:
    place = {"namespace": "kube-system", "pod": f"kube-proxy-{node}", "container": "kube-proxy"}
    return ExecRequest(**{"node": node, "commands": commands, **place, **changes})


def ran(node: str, command: Command, data: str, started: float = 0.0, **fields: Any) -> Capture:
    return Capture(
        request=on(node, command),
        command=command,
        data=data.encode(),
        started=started,
        seconds=1.0,
        exit_code=0,
        **fields,
    )


def listed(*names: str, started: float = 0.0, **fields: Any) -> Capture:
    items = tuple(
        {"metadata": {"name": n, "namespace": "shop", "labels": {"app": n}}} for n in names
    )
    fields = {"request": LISTED, **fields}
    return Capture(objects=items, started=started, seconds=1.0, **fields)


def text(source: ReplaySource, request: Any) -> list[str]:
    return [capture.text() for capture in source.fetch(request)]


def reason(capture: Capture) -> Reason | None:
    return capture.failure.reason if capture.failure else None


def test_it_is_a_source_with_its_own_clock() -> None:
    replay = ReplaySource.of([ran("n1", CHAIN, "a", 100), ran("n1", NAT, "b", 50)], context="lab")
    source: Source = replay
    assert (source.context, source.now()) == ("lab", 50)
    source.fetch(on("n1", CHAIN))
    assert source.now() == 101
    source.fetch(on("n1", NAT))
    assert source.now() == 101  # time does not go back
    source.wait(1e9)
    assert ReplaySource.of([]).now() == 0.0


def test_answers_in_turn_and_the_last_repeats() -> None:
    source = ReplaySource.of([ran("n1", CHAIN, "first"), ran("n1", CHAIN, "second")])
    assert [text(source, on("n1", CHAIN)) for _ in range(3)] == [["first"], ["second"], ["second"]]
    assert source.readings(on("n1", CHAIN)) == 2
    assert source.readings(on("n1", NAT)) == 0
    assert source.readings(on("n1", CHAIN, NAT)) == 0


def test_a_second_question_is_answered_from_the_beginning() -> None:
    source = ReplaySource.of([listed("a", started=1), listed("b", started=2)])
    assert source.fetch(LISTED)[0].objects != source.fetch(LISTED)[0].objects
    apart = source.apart()
    assert apart.fetch(LISTED)[0].objects == listed("a").objects
    assert source.fetch(LISTED)[0].objects == listed("b").objects


def test_how_it_was_asked_does_not_matter() -> None:
    source = ReplaySource.of([ran("n1", CHAIN, "chain")])
    assert text(source, on("n1", NAT, CHAIN, shell=False)) == ["", "chain"]
    query = (("labelSelector", "a"), ("fieldSelector", "b"))
    asked = ApiRequest(path="/api/v1/pods", query=query)
    source = ReplaySource.of([Capture(request=asked, objects=({"x": 1},))])
    turned = ApiRequest(path="/api/v1/pods", query=query[::-1])
    assert source.fetch(turned)[0].objects == ({"x": 1},)


def test_a_dump_answers_for_its_parts_with_its_own_command() -> None:
    source = ReplaySource.of(
        [ran("n1", NAT, "*nat"), ran("n1", ALL, "*filter"), ran("n2", ALL, "*")]
    )
    chain, part = source.fetch(on("n1", CHAIN, PART))
    assert (chain.command, chain.data) == (NAT, b"*nat")
    assert part.command == NAT
    assert chain.request == on("n1", CHAIN, PART)
    (other,) = source.fetch(on("n2", CHAIN))
    assert other.command == ALL
    assert source.readings(on("n2", CHAIN)) == 1


def test_two_readings_of_a_dump_stay_two() -> None:
    source = ReplaySource.of([ran("n1", ALL, "first"), ran("n1", ALL, "second")])
    for command in (CHAIN, PART):
        assert [text(source, on("n1", command)) for _ in range(2)] == [["first"], ["second"]]


def test_what_was_not_recorded_is_unread() -> None:
    source = ReplaySource.of([ran("n1", PART, "part"), ran("n1", CHAIN, "chain")])
    for request in (
        on("n2", CHAIN),
        on("n1", NAT),
        on("n1", CHAIN, container="other"),
        LISTED,
        LogRequest(namespace="n", pod="p", container="c"),
        ForwardRequest(node="n1", namespace="n", pod="p", port=10249, path="/x"),
    ):
        (capture,) = source.fetch(request)
        assert reason(capture) is Reason.NOT_RECORDED
        assert capture.request == request
        assert not capture.ok
    with pytest.raises(ValueError, match="table"):
        source.fetch(on("n1", Command("rm")))


def test_a_saved_file_answers_for_any_pod_of_its_node() -> None:
    file = on("n1", ALL, namespace="", pod="", container="")
    source = ReplaySource.of([Capture(request=file, command=ALL, data=b"*nat", exit_code=0)])
    assert text(source, on("n1", CHAIN)) == ["*nat"]
    assert reason(source.fetch(on("n2", CHAIN))[0]) is Reason.NOT_RECORDED


def test_failures_are_replayed() -> None:
    refused = Failure(reason=Reason.FORBIDDEN, message="no")
    source = ReplaySource.of([ran("n1", CHAIN, "", failure=refused)])
    assert source.fetch(on("n1", CHAIN))[0].failure == refused


def names(capture: Capture) -> list[str]:
    return [item["metadata"]["name"] for item in capture.objects]


def test_lists_answer_for_their_parts() -> None:
    source = ReplaySource.of([listed("db", "web", started=5)])
    (one,) = source.fetch(ApiRequest(path="/api/v1/namespaces/shop/services/db", many=False))
    assert names(one) == ["db"]
    (some,) = source.fetch(
        ApiRequest(path="/api/v1/services", query=(("labelSelector", "app=web"),))
    )
    assert names(some) == ["web"]
    (few,) = source.fetch(ApiRequest(path="/api/v1/services", limit=1))
    assert (names(few), few.truncated) == (["db"], True)
    (none,) = source.fetch(ApiRequest(path="/api/v1/namespaces/shop/services/x", many=False))
    assert reason(none) is Reason.NOT_FOUND
    assert none.failure is not None
    assert none.failure.message.endswith('services "x" not found')
    (empty,) = source.fetch(ApiRequest(path="/api/v1/namespaces/other/services"))
    assert (empty.objects, empty.ok) == ((), True)
    assert source.now() == 6


def test_a_selector_that_is_not_understood_is_unread() -> None:
    source = ReplaySource.of([listed("db")])
    query = (("fieldSelector", "spec.clusterIP>10.96.0.1"),)
    (capture,) = source.fetch(ApiRequest(path="/api/v1/services", query=query))
    assert (reason(capture), capture.objects) == (Reason.NOT_RECORDED, ())


def test_a_broken_selector_is_refused_as_by_the_api_server() -> None:
    source = ReplaySource.of([listed("db")])
    query = (("labelSelector", "a,,b"),)
    (capture,) = source.fetch(ApiRequest(path="/api/v1/services", query=query))
    assert capture.failure == Failure(
        reason=Reason.REFUSED,
        message="GET /api/v1/services: found ',', expected: identifier after ','",
    )


def test_the_clock_does_not_start_at_a_time_that_is_missing() -> None:
    assert ReplaySource.of([listed("a"), listed("b", started=5.0)]).now() == 5
    assert ReplaySource.of([listed("a")]).now() == 0


def test_a_list_that_is_not_whole_proves_nothing() -> None:
    failure = Failure(reason=Reason.TIMEOUT, message="x")
    for broken in (listed("db", truncated=True), listed("db", failure=failure)):
        source = ReplaySource.of([broken])
        asked = ApiRequest(path="/api/v1/namespaces/shop/services/x", many=False)
        assert reason(source.fetch(asked)[0]) is Reason.NOT_RECORDED


def test_two_readings_of_a_list_stay_two() -> None:
    source = ReplaySource.of([listed("a"), listed("a", "b")])
    asked = ApiRequest(path="/api/v1/namespaces/shop/services")
    assert [names(source.fetch(asked)[0]) for _ in range(2)] == [["a"], ["a", "b"]]
    assert source.readings(asked) == 2


def test_logs_answer_for_their_parts() -> None:
    whole = LogRequest(namespace="n", pod="p", container="c", node="n1")
    source = ReplaySource.of([Capture(request=whole, data=b"log")])
    head = LogRequest(namespace="n", pod="p", container="c", limit_bytes=10)
    assert text(source, head) == ["log"]
    previous = LogRequest(namespace="n", pod="p", container="c", previous=True)
    assert reason(source.fetch(previous)[0]) is Reason.NOT_RECORDED


def test_from_many_threads() -> None:
    source = ReplaySource.of([ran("n1", CHAIN, str(n)) for n in range(100)])
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda _: text(source, on("n1", CHAIN))[0], range(100)))
    assert sorted(map(int, found)) == list(range(100))


def test_a_bundle_that_cannot_be_read(tmp_path: Any) -> None:
    with pytest.raises(ParseError, match="No such file"):
        ReplaySource(tmp_path / "none")


@pytest.mark.parametrize("objects", [b"{", b'"x"', b'["x"]', b"[{}", b"[" * 200_000])
def test_objects_that_cannot_be_read(objects: bytes) -> None:
    source = ReplaySource.of([Capture(request=LISTED, objects=({"x": 1},))])
    for stored in source._answers.values():
        stored[:] = [replace(one, objects=zlib.compress(objects)) for one in stored]
    with pytest.raises(ParseError, match="damaged"):
        source.fetch(LISTED)
    with pytest.raises(ParseError, match="damaged"):
        list(source.pages(LISTED))


def test_a_list_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "_PAGE", 2)
    source = ReplaySource.of([listed("a", "b", "c", started=5.0), listed("d", started=9.0)])
    parts = list(source.pages(LISTED))
    assert [len(part.objects) for part in parts] == [2, 1]
    assert tuple(item for part in parts for item in part.objects) == listed("a", "b", "c").objects
    assert source.now() == 6.0
    assert [len(part.objects) for part in source.pages(LISTED)] == [1]
    part_of_it = ApiRequest(path=LISTED.path, query=(("labelSelector", "app=b"),))
    assert [len(part.objects) for part in source.pages(part_of_it)] == [1]
    assert [reason(p) for p in source.pages(ApiRequest(path="/api/v1/pods"))] == [
        Reason.NOT_RECORDED
    ]


def test_a_failure_or_an_empty_list_in_parts() -> None:
    failure = Failure(reason=Reason.FORBIDDEN, message="no")
    for capture in (listed(failure=failure), listed()):
        (part,) = ReplaySource.of([capture]).pages(LISTED)
        assert part == replace(capture, request=LISTED)
