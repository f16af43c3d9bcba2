"""Which Service selects which pod of a list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from kubectl_svcnet.model.capture import ApiRequest, Capture, Failure, Reason, Request
from kubectl_svcnet.model.service import Service, ServiceName
from kubectl_svcnet.pipeline.collect import Collector
from kubectl_svcnet.pipeline.selected import PODS, Selected, list_selected
from tests.samples import service


def item(name: str, namespace: str = "default", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"namespace": namespace, "name": name, "labels": labels},
        "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 80}], "image": "i"}]},
        "status": {"podIP": "10.244.1.2", "conditions": [{"type": "Ready", "status": "True"}]},
    }


def one(name: str, namespace: str = "default", **selector: str) -> Service:
    return service(name=ServiceName(namespace, name), selector=selector)


WEB, TIER, SHOP = (
    one("web", app="web"),
    one("tier", app="web", tier="a"),
    one("w", "shop", app="web"),
)
NONE = one("none")


def seen(*items: dict[str, Any]) -> Selected:
    selected = Selected([WEB, TIER, SHOP, NONE])
    for each in items:
        selected.see(each)
    selected.whole = True
    return selected


def names(selected: Selected, of: Service) -> list[str]:
    return [pod.name for pod in selected.of(of) or ()]


def test_whose_labels_and_namespace_they_are() -> None:
    selected = seen(
        item("a", app="web"),
        item("b", app="web", tier="a"),
        item("c", "shop", app="web"),
        item("d"),
    )
    assert names(selected, WEB) == ["a", "b"]
    assert names(selected, TIER) == ["b"]
    assert names(selected, SHOP) == ["c"]
    assert selected.of(NONE) == ()


def test_what_stays_of_them() -> None:
    first, second = seen(item("a", app="web"), item("b", app="web")).of(WEB) or ()
    assert first.containers is second.containers
    assert [(c.name, c.image, [p.number for p in c.ports]) for c in first.containers] == [
        ("c", "", [80])
    ]
    assert (first.ready, str(first.addresses[0])) == (True, "10.244.1.2")


def test_so_many_of_one_service() -> None:
    assert len(names(seen(*(item(f"p{n}", app="web") for n in range(PODS + 1))), WEB)) == PODS


def test_a_pod_without_a_name_is_nobodys() -> None:
    assert names(seen({"metadata": {"namespace": "default", "labels": {"app": "web"}}}), WEB) == []


def test_who_was_not_asked_about_is_not_known() -> None:
    selected = seen(item("a", app="web"))
    assert selected.of(one("new", app="web")) is None
    assert selected.of(one("web", app="other")) is None
    selected.whole = False
    assert selected.of(WEB) is None


@dataclass
class InParts:
    """One pod a part; after the last of them a failure, where there is one."""

    pods: int = 3
    failure: Failure | None = None
    context: str = "parts"
    asked: list[str] = field(default_factory=list)

    def pages(self, request: ApiRequest) -> Iterator[Capture]:
        self.asked.append(request.path)
        for number in range(self.pods):
            left = self.pods - number - 1
            yield Capture(request=request, objects=(item(f"p{number}", app="web"),), remaining=left)
        if self.failure:
            yield Capture(request=request, failure=self.failure)

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        raise AssertionError(request)

    def now(self) -> float:
        return 0.0

    def wait(self, seconds: float) -> None:
        raise AssertionError


def test_a_list_in_parts() -> None:
    source = InParts()
    listed = list_selected(Collector(source), "default", [WEB, TIER], 3)
    assert listed.selected is not None
    assert names(listed.selected, WEB) == ["p0", "p1", "p2"]
    assert listed.selected.of(TIER) == ()
    assert source.asked == ["/api/v1/namespaces/default/pods"]


FORBIDDEN = Failure(reason=Reason.FORBIDDEN, message="no")


@pytest.mark.parametrize(
    ("source", "most", "failure"),
    [(InParts(), 2, None), (InParts(failure=FORBIDDEN), None, FORBIDDEN)],
    ids=["too long", "broken off"],
)
def test_a_list_that_is_not_read(source: InParts, most: int | None, failure: Failure) -> None:
    listed = list_selected(Collector(source), "default", [WEB], most)
    assert (listed.selected, listed.failure) == (None, failure)
