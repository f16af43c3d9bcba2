"""Pods, and answers to what a source asks, as short as a test wants them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from kubectl_svcnet.model.capture import (
    ApiRequest,
    Capture,
    ExecRequest,
    Failure,
    LogRequest,
    Reason,
    Request,
)
from kubectl_svcnet.model.finding import Gap
from kubectl_svcnet.model.iprange import Census, CNIFiles, RangeClaim
from kubectl_svcnet.model.service import Container, Pod
from kubectl_svcnet.ranges import Place, RangeSource, Reading

Answer = Callable[[Request], tuple[Capture, ...]]


@pytest.fixture
def static_pod() -> Callable[..., Pod]:
    def build(component: str, /, *flags: str, host_network: bool = True, **labels: str) -> Pod:
        return Pod(
            namespace="kube-system",
            name=f"{component}-n1",
            node="n1",
            host_network=host_network,
            labels=labels or {"component": component},
            phase="Running",
            containers=(Container(name=component, command=(component, *flags), running=True),),
        )

    return build


@pytest.fixture
def ask() -> Callable[..., Reading]:
    """What a source says of a census, each of its requests answered by `answer`."""

    def run(source: RangeSource, census: Census, answer: Answer | None = None) -> Reading:
        claims: list[RangeClaim] = []
        gaps: list[Gap] = []
        files: list[CNIFiles] = []
        for place in source.recognise(census):
            reading = source.ranges(place, _answers(source, place, answer))
            claims += reading.claims
            gaps += reading.gaps
            files += reading.files
        return Reading(tuple(claims), tuple(gaps), tuple(files))

    return run


def _answers(source: RangeSource, place: Place, answer: Answer | None) -> tuple[Capture, ...]:
    requests = source.requests(place)
    assert answer is not None or not requests
    return tuple(c for request in requests for c in (answer(request) if answer else ()))


@pytest.fixture
def refused() -> Callable[[Reason], Answer]:
    def build(reason: Reason) -> Answer:
        def answer(request: Request) -> tuple[Capture, ...]:
            failure = Failure(reason=reason, message="the server said no")
            number = len(request.commands) if isinstance(request, ExecRequest) else 1
            return (Capture(request=request, failure=failure),) * number

        return answer

    return build


@pytest.fixture
def printed() -> Callable[..., Answer]:
    """Text for every command of an exec, or of a log."""

    def build(text: str, exit_code: int = 0) -> Answer:
        def answer(request: Request) -> tuple[Capture, ...]:
            data = text.encode()
            if isinstance(request, ExecRequest):
                return tuple(
                    Capture(request=request, command=command, data=data, exit_code=exit_code)
                    for command in request.commands
                )
            assert isinstance(request, LogRequest)
            return (Capture(request=request, data=data),)

        return answer

    return build


@pytest.fixture
def serving() -> Callable[..., Answer]:
    """Objects by path; what is not there is not found."""

    def build(objects: Mapping[str, Any]) -> Answer:
        def answer(request: Request) -> tuple[Capture, ...]:
            assert isinstance(request, ApiRequest)
            found = objects.get(request.path)
            if found is None:
                failure = Failure(reason=Reason.NOT_FOUND, message="not found")
                return (Capture(request=request, failure=failure),)
            return (Capture(request=request, objects=tuple(found) if request.many else (found,)),)

        return answer

    return build


@pytest.fixture
def agent() -> Callable[..., Pod]:
    """A CNI's running hostNetwork pod on n1, known by one label."""

    def build(container: str, /, namespace: str = "kube-system", **fields: Any) -> Pod:
        labels = fields.pop("labels", {"k8s-app": container})
        volumes = fields.pop("config_maps", {})
        return Pod(
            namespace=namespace,
            name=f"{container}-n1",
            node="n1",
            host_network=True,
            labels=labels,
            phase="Running",
            containers=(Container(name=container, running=True, **fields),),
            config_maps=volumes,
        )

    return build


@pytest.fixture
def texts() -> Callable[[Reading], list[tuple[str, str, str]]]:
    """Of each claim: its kind, its node, what it says."""

    def of(reading: Reading) -> list[tuple[str, str, str]]:
        return [(claim.kind.value, claim.node, claim.text) for claim in reading.claims]

    return of
