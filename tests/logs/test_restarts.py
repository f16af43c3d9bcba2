from __future__ import annotations

from dataclasses import replace

from kubectl_svcnet.logs.restarts import SOURCE
from kubectl_svcnet.model.finding import Level
from kubectl_svcnet.model.service import Container, Pod
from tests.logs.scenes import scene
from tests.samples import proxy


def told(**values: object) -> list[tuple[str, Level | None]]:
    pod: Pod = proxy()
    container: Container = replace(pod.containers[0], **values)  # type: ignore[arg-type]
    shown = scene(proxies=(replace(pod, containers=(container,)),))
    (place,) = SOURCE.places(shown)
    assert place.requests == ()
    return [(line.message, line.level) for line in SOURCE.read(place, (), shown).lines]


def test_a_restart() -> None:
    assert told(
        started="2026-11-24T23:35:59Z",
        restarts=2,
        ended="2026-11-24T23:35:57Z",
        ended_why="Error, exit code 137",
    ) == [
        ("kube-system/kube-proxy-n1 ended: Error, exit code 137", Level.WARNING),
        ("kube-system/kube-proxy-n1 started (restarts: 2)", Level.INFO),
    ]


def test_long_ago_or_never() -> None:
    assert told(started="2026-11-24T20:35:59Z") == []
    assert told(started="") == []
    assert told(started="yesterday") == []


def test_no_container() -> None:
    shown = scene(proxies=(replace(proxy(), containers=()),))
    (place,) = SOURCE.places(shown)
    assert SOURCE.read(place, (), shown).lines == ()
