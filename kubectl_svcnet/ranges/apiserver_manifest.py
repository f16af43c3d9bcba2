"""`grep cluster-ip-range` of the API server's manifest, where a pod mounts it.

The documented way to the Service range is that grep on the control-plane node. It can be done
through a pod only if one mounts that folder at the same path; at most one pod per control-plane
node is asked. Where there is no such file, or no such line, that is an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..model.capture import Capture, Request
from ..model.commands import Command
from ..model.iprange import Census, RangeClaim, RangeKind
from ..model.service import Container, Pod
from ..parse.cidr import parse_networks
from ..parse.flags import find_flag_in_manifest
from ._base import Place, Reading, claims_of, control_plane_pods, missed, pod_object, typed
from ._pods import exec_in

_FILE = "/etc/kubernetes/manifests/kube-apiserver.yaml"
_FLAG = "service-cluster-ip-range"
_COMMAND = Command("apiserver-manifest")
_LABELS = {"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"}
_NOT_THERE = (1, 2)  # grep's status: no line, no file


class _ApiServerManifest:
    name = "kube-apiserver manifest"
    kinds = frozenset({RangeKind.SERVICE})
    trust = 4

    def recognise(self, census: Census) -> tuple[Place, ...]:
        masters = _control_plane(census)
        found: dict[str, Place] = {}
        for pod in census.pods or ():
            if pod.node not in masters:
                continue
            container = next((c for c in pod.containers if _sees_manifest(pod, c)), None)
            if container is not None:
                place = Place(object=pod_object(pod), pod=pod, container=container.name)
                found.setdefault(pod.node, place)
        return tuple(found.values())

    def requests(self, place: Place) -> tuple[Request, ...]:
        return exec_in(place, _COMMAND)

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        for capture in captures:
            if capture.failure is None and capture.exit_code in _NOT_THERE:
                return Reading()
            if not capture.ok:
                return Reading(gaps=(missed(capture, self.name, place.node),))
            return typed(partial(_claims, place, capture.text()), what=self.name, place=place)
        return Reading()


def _control_plane(census: Census) -> set[str]:
    """Nodes that may have the file; a DaemonSet that mounts the folder everywhere has no other."""
    labelled = {node.name for node in census.nodes or () if _LABELS & node.labels.keys()}
    return labelled | {p.pod.node for p in control_plane_pods(census, "kube-apiserver") if p.pod}


def _sees_manifest(pod: Pod, container: Container) -> bool:
    """The container has the node's file under its own path, so the fixed argv reads it."""
    return container.running and any(
        container.mounts.get(volume) == path and _FILE.startswith(f"{path.rstrip('/')}/")
        for volume, path in pod.host_paths.items()
    )


def _claims(place: Place, text: str) -> tuple[RangeClaim, ...]:
    found = find_flag_in_manifest(text, _FLAG)
    if found is None:
        return ()
    value, line = found
    return claims_of(
        parse_networks(value),
        kind=RangeKind.SERVICE,
        source=f"manifest --{_FLAG}",
        object=f"{_FILE} in {place.object}",
        evidence=line,
    )


SOURCE = _ApiServerManifest()
