"""`logs -f`: what comes after what was there, streams that end, pods that are replaced."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from kubectl_svcnet.errors import UsageError
from kubectl_svcnet.model.capture import ApiRequest, Capture, Failure, LogRequest, Reason
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import LogsReport
from kubectl_svcnet.pipeline import follow as followed
from kubectl_svcnet.pipeline.follow import follow
from tests.logged import LOGS, NOW, Followed, stamped
from tests.saved import Saved

DB = Options(services=("db-service",))
REMOVING = '"Removing service port" portName="default/db-service:mysql"'


def run(
    source: Followed, until: Callable[[list[LogsReport]], bool], since: float = 3600.0
) -> list[LogsReport]:
    """All reports, until there is what is waited for, or the test has waited long enough."""
    reports: list[LogsReport] = []

    def tell(report: LogsReport) -> None:
        reports.append(report)
        if until(reports):
            source.end()

    timer = threading.Timer(20, source.end)
    timer.start()
    try:
        follow(source, replace(DB, since=since), tell)
    finally:
        timer.cancel()
        source.end()
    assert until(reports), reports[1:]
    return reports


def news(reports: list[LogsReport]) -> list[tuple[str, str]]:
    return [(line.node, line.message) for report in reports[1:] for line in report.lines]


def at_least(count: int) -> Callable[[list[LogsReport]], bool]:
    return lambda reports: len(news(reports)) >= count


def test_what_was_there_comes_first_and_what_is_new_once() -> None:
    again = str(LOGS["n3"]).splitlines(keepends=True)[-1]
    streams: dict[str, list[Any]] = {
        "n1": [[stamped("23:35:01.0", "I", REMOVING), None]],
        "n3": [[again, stamped("23:35:02.0", "I", REMOVING), None]],
    }
    first, *rest = run(Followed(streams), at_least(2))
    assert not first.continued
    assert len(first.lines) == 7
    assert all(part.continued and part.nodes == first.nodes for part in rest)
    assert sorted(news([first, *rest])) == [("n1", REMOVING), ("n3", REMOVING)]


def test_what_is_asked() -> None:
    source = Followed({"n1": [[stamped("23:35:01.0", "I", REMOVING), None]]})
    run(source, at_least(1))
    logs = {r.node: r for r in source.followed if isinstance(r, LogRequest)}
    assert logs["n1"].since_time == "2026-11-24T23:30:02Z"
    lists = [r.path.rpartition("/")[2] for r in source.followed if isinstance(r, ApiRequest)]
    assert sorted(lists) == ["endpointslices", "events", "events"]


def test_a_stream_that_ends_is_asked_again_from_where_it_was() -> None:
    line = [stamped(f"23:35:0{n}.0", "I", REMOVING) for n in range(3)]
    source = Followed({"n1": [[line[0]], [line[0] + line[1]], [line[1] + line[2], None]]})
    reports = run(source, at_least(3))
    assert [node for node, _ in news(reports)] == ["n1"] * 3
    times = [line.time for report in reports[1:] for line in report.lines]
    assert len(set(times)) == 3


def test_a_failure_is_said_once_until_it_answers_again() -> None:
    lost = Failure(reason=Reason.UNREACHABLE, message="connection refused")
    line = [stamped(f"23:35:0{n}.0", "I", REMOVING) for n in range(2)]
    source = Followed({"n1": [[lost], [lost], [line[0], lost], [lost], [line[1], None]]})
    reports = run(source, at_least(2))
    gaps = [gap for report in reports[1:] for gap in report.gaps]
    assert 1 <= len(gaps) <= 2  # one, where it answered and failed again within a beat
    assert gaps[0].why == "connection refused; it is asked again"
    assert (gaps[0].what, gaps[0].blocking) == ("kube-proxy log", False)


def renamed(item: Any) -> Any:
    if item["spec"].get("nodeName") == "n1" and item["metadata"]["name"].startswith("kube-proxy"):
        item["metadata"]["name"] = "kube-proxy-new"
    return item


def test_who_writes_where_a_pod_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followed, "_RESCAN", (0.0,))
    gone = Failure(reason=Reason.NOT_FOUND, message='pods "kube-proxy-x" not found')

    class Replaced(Followed):
        def follow(self, request: LogRequest | ApiRequest) -> Iterator[Capture]:
            self.inner = Saved().objects("pods", renamed).source()
            return super().follow(request)

        def now(self) -> float:
            return NOW + 60.0 if self.followed else NOW

    source = Replaced({"n1": [[gone], [stamped("23:36:05.0", "I", REMOVING), None]]})
    reports = run(source, at_least(1), since=1.0)
    (gap,) = [gap for report in reports[1:] for gap in report.gaps]
    assert "whoever comes instead" in gap.why
    asked = [r for r in source.followed if isinstance(r, LogRequest) and r.node == "n1"]
    assert (asked[-1].pod, asked[-1].since_seconds) == ("kube-proxy-new", None)


def slice_of(version: str, address: str) -> dict[str, Any]:
    item = {
        "metadata": {
            "uid": "new",
            "resourceVersion": version,
            "namespace": "default",
            "name": "db-service-x2x4z",
            "labels": {"kubernetes.io/service-name": "db-service"},
        },
        "addressType": "IPv4",
        "ports": [{"name": "mysql", "port": 3306}],
        "endpoints": [{"addresses": [address]}],
    }
    return {"type": "ADDED", "object": item}


def test_new_endpoints_are_looked_for_too() -> None:
    """A line of an unknown wording, about an address that is there only since a moment."""
    source = Followed({})
    source.slices = [[slice_of("1", "10.244.9.9")]]
    source.streams = {"n1": [[None]]}

    def until(reports: list[LogsReport]) -> bool:
        return any("+10.244.9.9:3306" in message for _, message in news(reports))

    reports = run(source, until)
    ((_, message),) = news(reports)
    assert message == "default/db-service-x2x4z was created, +10.244.9.9:3306 ready"


def test_too_many_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followed, "_MOST", 3)
    source = Followed({})
    try:
        with pytest.raises(UsageError, match="more than 3 logs"):
            follow(source, DB, lambda report: None)
    finally:
        source.end()
