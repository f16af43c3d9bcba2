"""Which network plugins' configurations a node has: of two, one is a leftover.

Listed where a running pod has the node's directory mounted, as most plugins' own do, the narrowest
mount first. It tells of no range; a node without such a pod is a gap that blocks nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..model.capture import Capture, Reason, Request
from ..model.commands import Command, checked
from ..model.iprange import Census, CNIFiles, RangeKind
from ..model.service import Pod
from ..parse.cni_files import parse_cni_files
from ._base import Place, Reading, by_hand, joined, missed, pod_object
from ._pods import exec_in, pods_of

#: Of containerd and CRI-O as installed, of k3s and RKE2, and of MicroK8s.
_DIRECTORIES = (
    "/etc/cni/net.d",
    "/var/lib/rancher/k3s/agent/etc/cni/net.d",
    "/var/snap/microk8s/current/args/cni-network",
)
_NOTHING = 1  # grep's status


class _CNIFiles:
    name = "CNI configurations"
    kinds: frozenset[RangeKind] = frozenset()
    trust = 9

    def recognise(self, census: Census) -> tuple[Place, ...]:
        toolless = {pod_object(pod) for pod in pods_of(census, ("k8s-app", "aws-node"))}
        found: dict[str, list[tuple[int, str, Place]]] = {}
        for pod in census.pods or ():
            if pod.node and pod_object(pod) not in toolless:
                for width, place in _places(pod):
                    found.setdefault(pod.node, []).append((width, pod.name, place))
        unseen = (
            Place(object=f"node {node.name}", node=node.name, about=node)
            for node in census.nodes or ()
            if node.name not in found and node.os == "linux" and not node.virtual
        )
        seen = (min(places, key=lambda found: found[:2])[2] for places in found.values())
        return (*seen, *unseen)

    def requests(self, place: Place) -> tuple[Request, ...]:
        return exec_in(place, Command("cni-files", (place.key,)))

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        return joined(*(self._read(place, capture) for capture in captures))

    def _read(self, place: Place, capture: Capture) -> Reading:
        if capture.failure is not None:
            lacking = capture.failure.reason is Reason.NO_TOOL  # alike on all nodes
            return Reading(gaps=(missed(capture, self.name, "" if lacking else place.node),))
        names = parse_cni_files(capture.text(), place.key)
        if not names and capture.exit_code not in (0, _NOTHING):
            return Reading(gaps=(missed(capture, self.name, place.node),))
        return Reading(
            files=(
                CNIFiles(
                    node=place.node,
                    names=names,
                    object=f"{place.key} in {place.object}",
                    next=by_hand(capture),
                ),
            )
        )


def _places(pod: Pod) -> Iterator[tuple[int, Place]]:
    """Through each running container that sees one of the directories; how wide the mount is."""
    for container in pod.containers:
        for volume, path in pod.host_paths.items():
            mount, host = container.mounts.get(volume, ""), path.rstrip("/")
            for directory in _DIRECTORIES:
                if mount and container.running and f"{directory}/".startswith(f"{host}/"):
                    inside = mount.rstrip("/") + directory[len(host) :]
                    if _allowed(inside):
                        place = Place(
                            object=pod_object(pod),
                            node=pod.node,
                            pod=pod,
                            container=container.name,
                            key=inside,
                        )
                        yield len(directory) - len(host), place


def _allowed(directory: str) -> bool:
    try:
        return bool(checked(Command("cni-files", (directory,))))
    except ValueError:
        return False


SOURCE = _CNIFiles()
