"""What a log source is: one place where something is written about a Service.

`places` says where in this cluster that is, and what to ask there; `read` turns the answers into
lines. Nothing here reads: the pipeline fetches, and when it follows a log it hands each new part
to `read` as a capture of its own. An answer that failed is a gap (law 2).

A new source is a file with an instance at its foot and a line in `LOG_SOURCES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..model.capture import Capture, LogRequest, Request
from ..model.finding import Gap, Level
from ..model.logline import About, LogLine, Subject
from ..model.service import Pod
from ..parse.klog import LogRecord
from ..parse.log_records import Entry
from .mentions import Mentions

LEVELS = {"I": Level.INFO, "W": Level.WARNING, "E": Level.ERROR, "F": Level.ERROR}

#: With as many lines as this would be, 4 MiB of log are seldom cut at their newer end.
_LINE = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What may be looked at. `nodes` None: whichever it is. `since` in seconds before `now`;
    None: all there is. `limit`: bytes of one log."""

    mentions: Mentions
    nodes: frozenset[str] | None = None
    proxies: tuple[Pod, ...] = ()
    agents: tuple[Pod, ...] = ()  # of network plugins
    now: float = 0.0
    since: float | None = 3600.0
    previous: bool = False
    limit: int = 4 << 20

    @property
    def subject(self) -> Subject:
        return self.mentions.subject

    def recent(self, time: float | None) -> bool:
        return self.since is None or time is None or time >= self.now - self.since

    def here(self, node: str) -> bool:
        """What belongs to no node is shown for every one."""
        return self.nodes is None or not node or node in self.nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One object where a source looks. `node` is "" for what belongs to none."""

    what: str  # "log of kube-system/kube-proxy-x", as gaps name it
    requests: tuple[Request, ...]
    node: str = ""
    pod: Pod | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """`gaps` do not block by themselves: whether a node is left unread the pipeline knows."""

    lines: tuple[LogLine, ...] = ()
    gaps: tuple[Gap, ...] = ()


class LogSource(Protocol):
    @property
    def name(self) -> str: ...

    def places(self, scene: Scene) -> tuple[Place, ...]: ...

    def read(self, place: Place, captures: Sequence[Capture], scene: Scene) -> Reading: ...


def log_of(pod: Pod, container: str, scene: Scene, source: str) -> Place:
    """The newest part of a container's log with the API's times, and of the run before it."""
    requests = tuple(
        LogRequest(
            namespace=pod.namespace,
            pod=pod.name,
            container=container,
            node=pod.node,
            previous=previous,
            timestamps=True,
            limit_bytes=scene.limit,
            tail_lines=max(1, scene.limit // _LINE),
            since_seconds=None if scene.since is None else max(1, round(scene.since)),
        )
        for previous in ((False, True) if scene.previous else (False,))
    )
    return Place(what=f"log of {pod}", requests=requests, node=pod.node, pod=pod, source=source)


def lines_of(
    entries: Iterable[Entry],
    about: Callable[[LogRecord], About | None],
    *,
    node: str,
    source: str,
    scene: Scene,
) -> tuple[LogLine, ...]:
    """Those records that are about something asked for, and recent."""
    return tuple(
        LogLine(
            time=entry.time,
            node=node,
            source=source,
            message=entry.record.said,
            about=found,
            level=LEVELS.get(entry.record.level),
            raw=entry.record.raw,
        )
        for entry in entries
        if scene.recent(entry.time) and (found := about(entry.record)) is not None
    )
