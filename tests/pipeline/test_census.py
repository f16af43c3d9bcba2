"""What sources look at of many pods, and lists that break off or come in parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kubectl_svcnet.cluster.record import RecordingSource
from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.model.capture import ApiRequest, Capture, Failure, Reason, Request
from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.service import Container, Pod
from kubectl_svcnet.pipeline.census import read_census, recognisable
from kubectl_svcnet.pipeline.collect import Collector


def named(name: str) -> dict[str, object]:
    return {"metadata": {"namespace": "a", "name": name}, "spec": {}, "status": {}}


@dataclass
class InParts:
    """Each list in two parts, and of `broken` the second fails."""

    broken: str = ""
    context: str = "parts"
    asked: list[str] = field(default_factory=list)

    def pages(self, request: ApiRequest) -> Iterator[Capture]:
        self.asked.append(request.path)
        yield Capture(request=request, objects=(named("x"),))
        if self.broken and request.path.endswith(self.broken):
            failure = Failure(reason=Reason.TIMEOUT, message="too slow")
            yield Capture(request=request, failure=failure)
        else:
            yield Capture(request=request, objects=(named("y"), {"metadata": {}}))

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        raise AssertionError(request)

    def now(self) -> float:
        return 0.0

    def wait(self, seconds: float) -> None:
        raise AssertionError


def test_lists_in_parts() -> None:
    source = InParts()
    read = read_census(Collector(source), Options())
    census = read.census
    assert [pod.name for pod in census.pods or ()] == ["x", "y"]
    assert [service.name.name for service in census.services or ()] == ["x", "y"]
    assert [gap.what for gap, _ in read.gaps] == ["pods", "services"]  # one without a name
    assert len(source.asked) == 3


def test_a_list_that_breaks_off_is_no_list() -> None:
    read = read_census(Collector(InParts(broken="pods")), Options())
    assert read.census.pods is None
    assert "timeout: too slow" in [gap.why for gap, _ in read.gaps]


POD = {"spec": {"hostNetwork": True, "nodeName": "n1"}, "status": {"podIP": "192.0.2.1"}}


@dataclass
class Many(InParts):
    """150,000 pods, of which the API server may know how to pick the hosts' own."""

    picks: bool = True
    read: int = 0

    def pages(self, request: ApiRequest) -> Iterator[Capture]:
        self.asked.append(request.path + "?".join(("", *(value for _, value in request.query))))
        if request.path != "/api/v1/pods":
            system = {"namespace": "kube-system", "name": "agent"}
            yield Capture(request=request, objects=({"metadata": system, **POD},))
        elif not request.query:
            for number in range(3):
                self.read += 1
                left = 100_000 - 50_000 * number
                yield Capture(request=request, objects=(named(f"p{number}"),), remaining=left)
        elif self.picks:
            yield Capture(request=request, objects=({"metadata": {"name": "speaker"}, **POD},))
        else:
            failure = Failure(reason=Reason.REFUSED, message="field label not supported")
            yield Capture(request=request, failure=failure)


def test_of_too_many_pods_those_that_may_program_nodes() -> None:
    source = Many()
    read = read_census(Collector(source), Options())
    assert [pod.name for pod in read.census.pods or ()] == ["p0", "speaker", "agent"]
    assert not read.census.counted
    assert source.read == 1
    ((gap, kinds),) = read.gaps
    assert (gap.blocking, kinds) == (False, frozenset())  # whatever else is told, or not
    assert "more than --max-pods 20000" in gap.why
    assert "--max-pods 200000" in gap.next


@pytest.mark.parametrize(
    ("picks", "most"), [(False, 20_000), (True, None), (True, 150_000), (False, 150_000)]
)
def test_all_pods(picks: bool, most: int | None) -> None:
    """Where they are wanted, and where the API server cannot pick (before 1.28)."""
    source = Many(picks=picks)
    read = read_census(Collector(source), Options(max_pods=most))
    assert [pod.name for pod in read.census.pods or ()] == ["p0", "p1", "p2"]
    assert read.census.counted
    assert not read.gaps


def test_what_a_run_read_of_too_many_pods_is_judged_again(tmp_path: Path) -> None:
    """A record holds the beginning of the list, and those that were picked."""
    recorder = RecordingSource(Many(), tmp_path / "run.tar.gz")
    first = read_census(Collector(recorder), Options())
    recorder.finish()
    second = read_census(Collector(ReplaySource(tmp_path / "run.tar.gz")), Options())
    assert second.census == first.census
    assert [gap.why for gap, _ in second.gaps] == [gap.why for gap, _ in first.gaps]
    third = read_census(Collector(ReplaySource(tmp_path / "run.tar.gz")), Options(max_pods=None))
    assert [(gap.why, gap.blocking) for gap, _ in third.gaps] == [
        ("only the first 1 were read", True)
    ]


def test_one_of_many_counted_pods_is_looked_at() -> None:
    agent = Pod(namespace="a", name="agent", containers=(Container(name="c"),))
    pods = (
        agent,
        *(Pod(namespace="a", name=f"web-{n}", labels={"app": "web"}) for n in range(9)),
        Pod(namespace="a", name="db", labels={"app": "db"}),
        Pod(namespace="b", name="web", labels={"app": "web"}),
        agent,
    )
    found = recognisable(Census(pods=pods, services=())).pods
    assert [pod.name for pod in found or ()] == ["agent", "web-0", "db", "web", "agent"]
    assert recognisable(Census()).pods is None
