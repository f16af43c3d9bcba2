"""When kube-proxy ended and started, as the API has it: its log need not tell, or may be gone."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.capture import Capture
from ..model.finding import Level
from ..model.kube_proxy import proxy_container
from ..model.logline import About, AboutKind, LogLine
from ..parse.rfc3339 import parse_time
from ._base import Place, Reading, Scene


class _Restarts:
    name = "restarts"

    def places(self, scene: Scene) -> tuple[Place, ...]:
        return tuple(
            Place(what="kube-proxy", requests=(), node=pod.node, pod=pod, source="pod")
            for pod in scene.proxies
        )

    def read(self, place: Place, captures: Sequence[Capture], scene: Scene) -> Reading:
        pod = place.pod
        container = proxy_container(pod) if pod is not None else None
        if container is None or pod is None:
            return Reading()
        name = str(pod)
        again = f" (restarts: {container.restarts})" if container.restarts else ""
        told = (
            (container.ended, f"{name} ended: {container.ended_why}", Level.WARNING),
            (container.started, f"{name} started{again}", Level.INFO),
        )
        lines = (
            LogLine(
                time=time,
                node=place.node,
                source=place.source,
                message=message,
                about=About(AboutKind.START),
                level=level,
            )
            for text, message, level in told
            if (time := parse_time(text)) is not None and scene.recent(time)
        )
        return Reading(tuple(lines))


SOURCE = _Restarts()
