"""The recorded lab with logs and Events of its own: n1's proxy is verbose, n2's cannot be read."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kubectl_svcnet.model.capture import (
    ApiRequest,
    Capture,
    Failure,
    LogRequest,
    Reason,
    Request,
)
from tests.saved import Saved

#: 2026-11-24T23:36:00Z
NOW = 1795563360.0


def stamped(clock: str, level: str, text: str) -> str:
    """A line of kube-proxy's as the API shows it."""
    head = f"2026-11-24T{clock}00000000Z {level}1124 {clock}00000       1 a.go:1]"
    return f"{head} {text}\n"


ENDPOINTS = '"Setting endpoints for service port name" portName="default/db-service:mysql"'
LOGS: Mapping[str, str | Failure] = {
    "n1": stamped("23:30:00.1", "I", '"Using iptables Proxier"')
    + stamped("23:30:01.2", "I", f'{ENDPOINTS} endpoints=["10.244.1.2:3306","10.244.2.2:3306"]')
    + stamped("23:30:02.2", "E", '"Sync failed" ipFamily="IPv4" retryingTime="30s"'),
    "n2": Failure(reason=Reason.UNREACHABLE, message="dial tcp 172.18.0.3:10250: refused"),
    "n3": stamped("23:30:01.3", "I", f'{ENDPOINTS} endpoints=["10.244.1.2:3306","10.244.2.2:3306"]')
    + stamped("23:30:02.3", "E", '"Sync failed" ipFamily="IPv4" retryingTime="30s"')
    + stamped("23:30:32.3", "E", '"Sync failed" ipFamily="IPv4" retryingTime="30s"'),
}
EVENTS = (
    {
        "metadata": {"namespace": "default", "name": "db-service.18a"},
        "involvedObject": {"kind": "Service", "namespace": "default", "name": "db-service"},
        "type": "Warning",
        "reason": "FailedToUpdateEndpointSlices",
        "message": "Error updating Endpoint Slices for Service default/db-service: conflict",
        "lastTimestamp": "2026-11-24T23:30:01Z",
    },
)


#: A part of a stream, or what ends it; None: it stays open.
Part = str | Failure | None


@dataclass
class Logged:
    """A Source; `asked` remembers what was wanted."""

    saved: Saved = field(default_factory=Saved)
    logs: Mapping[str, str | Failure] = field(default_factory=lambda: LOGS)
    events: tuple[Any, ...] = EVENTS
    asked: list[Request] = field(default_factory=list)
    context: str = "admin@lab"

    def __post_init__(self) -> None:
        self.inner = self.saved.source()

    def now(self) -> float:
        return NOW

    def wait(self, seconds: float) -> None:
        return None

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        self.asked.append(request)
        if isinstance(request, LogRequest):
            answer = self.logs.get(request.node, "")
            if isinstance(answer, Failure):
                return (Capture(request=request, failure=answer),)
            return (Capture(request=request, data=answer.encode(), size=len(answer)),)
        if isinstance(request, ApiRequest) and request.path.endswith("/events"):
            return (Capture(request=request, objects=self.events),)
        return self.inner.fetch(request)


class Followed(Logged):
    """Its logs go on: each time one is followed, the next of its node's `streams` comes."""

    def __init__(self, streams: Mapping[str, list[list[Part]]], **values: Any) -> None:
        super().__init__(**values)
        self.streams = {node: list(found) for node, found in streams.items()}
        self.events_of: list[list[Any]] = []
        self.slices: list[list[Any]] = []
        self.followed: list[Request] = []
        self._over = threading.Event()

    @property
    def ended(self) -> bool:
        return self._over.is_set()

    def end(self) -> None:
        self._over.set()

    def wait(self, seconds: float) -> None:
        self._over.wait(min(seconds, 0.01))

    def follow(self, request: LogRequest | ApiRequest) -> Iterator[Capture]:
        self.followed.append(request)
        if isinstance(request, ApiRequest):
            streams = self.slices if request.path.endswith("slices") else self.events_of
            for event in streams.pop(0) if streams else ():
                yield Capture(request=request, objects=(event,))
            self._over.wait(20)
            return
        waiting = self.streams.get(request.node, [])
        for part in waiting.pop(0) if waiting else [None]:
            if part is None:
                self._over.wait(20)
            elif isinstance(part, Failure):
                yield Capture(request=request, failure=part)
            else:
                yield Capture(request=request, data=part.encode())
