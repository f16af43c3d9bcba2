"""What sources look at of many pods, and lists that break off or come in parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

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
