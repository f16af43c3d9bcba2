"""Logs of network plugins: what they say of the Service's addresses, names and ports.

Which containers speak is told by their own names in each project's manifest; a pod is here
because the inventory knows it for an agent. Their formats differ (`parse.log_records`), and
nothing is asked of a line but that it holds something of the Service.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..model.capture import Capture
from ..model.finding import Gap
from ..model.logline import LogLine
from ._base import Place, Reading, Scene, lines_of, log_of
from ._pods import read_log

#: Container: what its lines are called.
CONTAINERS = {
    "antrea-agent": "antrea",
    "aws-node": "aws-node",
    "azure-npm": "azure-npm",
    "calico-node": "calico",
    "cilium-agent": "cilium",
    "cni-server": "kube-ovn",
    "kindnet-cni": "kindnet",
    "kube-flannel": "flannel",
    "kube-router": "kube-router",
    "ovnkube-controller": "ovn-kubernetes",
    "sdn": "openshift-sdn",
    "weave": "weave",
    "weave-npc": "weave-npc",
}


class _Cni:
    name = "cni"

    def places(self, scene: Scene) -> tuple[Place, ...]:
        return tuple(
            log_of(pod, container.name, scene, CONTAINERS[container.name])
            for pod in scene.agents
            for container in pod.containers
            if container.name in CONTAINERS
        )

    def read(self, place: Place, captures: Sequence[Capture], scene: Scene) -> Reading:
        lines: list[LogLine] = []
        gaps: list[Gap] = []
        for capture in captures:
            entries, missed = read_log(capture, place)
            lines += lines_of(
                entries,
                scene.mentions.in_record,
                node=place.node,
                source=place.source,
                scene=scene,
            )
            gaps += missed
        return Reading(tuple(lines), tuple(gaps))


SOURCE = _Cni()
