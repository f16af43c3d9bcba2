"""Does a node's kube-proxy run, by what the API says of its pod?"""

from __future__ import annotations

from ..model.kube_proxy import proxy_container
from ..model.proxystate import Down
from ..model.service import Pod
from ..parse.rfc3339 import parse_time

#: Seconds that a new pod of kube-proxy may take until it runs; a rollout is no fault.
STARTING = 60.0


def down_of(pod: Pod, now: float) -> Down | None:
    """None of one that runs, and of one that is being replaced: the next one tells. `now`: when
    the pods were read."""
    container = proxy_container(pod)
    if container is None or container.running or pod.deleting:
        return None
    return Down(
        why=container.waiting or f"phase {pod.phase or 'unknown'}",
        restarts=container.restarts,
        starting=now - (parse_time(pod.created) or 0) < STARTING,
    )
