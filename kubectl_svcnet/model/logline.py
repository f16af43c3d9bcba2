"""A line of the time line: what a log, an Event or a changed EndpointSlice says, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from .finding import Level
from .service import Endpoint, Service, ServiceName


class AboutKind(str, Enum):
    """What of a Service a line is about; the last two are about the proxy as a whole."""

    SERVICE = "service"  # its name stands there, with or without a port's
    SLICE = "endpointslice"
    ADDRESS = "address"  # one a client dials
    ENDPOINT = "endpoint"
    NODE_PORT = "node port"
    POD = "pod"  # one behind it
    SYNC = "sync"  # rules or watches failed, of whatever Service
    START = "start"  # kube-proxy started, or ended


@dataclass(frozen=True, slots=True)
class About:
    kind: AboutKind
    what: str = ""

    def __str__(self) -> str:
        return f"{self.kind.value} {self.what}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """`time` is in seconds since the epoch, None where nothing tells it; `assumed` says what of
    it was inferred. `level` None: the line does not say. `raw` is the line as written, by which
    a pod's log and a file on the node are known to be the same."""

    time: float | None
    node: str
    source: str  # "kube-proxy", "weave", "event", …
    message: str
    about: About
    level: Level | None = None
    assumed: str = ""
    raw: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is looked for: Services, and what belongs to them. Names of slices and pods are
    NAMESPACE/NAME."""

    services: tuple[Service, ...] = ()
    endpoints: Mapping[ServiceName, tuple[Endpoint, ...]] = field(default_factory=dict)
    slices: frozenset[str] = frozenset()

    @property
    def pods(self) -> frozenset[str]:
        return frozenset(
            f"{name.namespace}/{endpoint.pod}"
            for name, found in self.endpoints.items()
            for endpoint in found
            if endpoint.pod
        )
