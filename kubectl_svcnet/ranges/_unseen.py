"""Nodes where a source knows a place that no pod shows: one gap for all, which blocks nothing."""

from __future__ import annotations

from collections.abc import Iterable

from ..model.finding import Gap
from ._base import Place

_NAMED = 3  # nodes that a gap names before it counts
#: By source: the pod that is missing, and what shows it, or the thing itself.
_WAYS = {
    "node routes": (
        "kube-proxy pod on {nodes} through which to read them",
        "kubectl get pods -A -o wide -l k8s-app=kube-proxy",
    ),
    "CNI configurations": (
        "pod on {nodes} that has their directory mounted, and grep",
        "kubectl debug node/{first} -it --image=busybox -- ls /host/etc/cni/net.d",
    ),
}


def unseen(places: Iterable[tuple[str, Place]]) -> tuple[Gap, ...]:
    """`places`: each with the name of its source."""
    found: dict[str, list[str]] = {}
    for source, place in places:
        if source in _WAYS and place.pod is None and place.about and place.about.addresses:
            found.setdefault(source, []).append(place.node)
    return tuple(_gap(source, nodes) for source, nodes in found.items())


def _gap(source: str, nodes: list[str]) -> Gap:
    rest = f" and {len(nodes) - _NAMED} more" if len(nodes) > _NAMED else ""
    way, shown = _WAYS[source]
    return Gap(
        what=source,
        why="no running " + way.format(nodes=", ".join(nodes[:_NAMED]) + rest),
        next=shown.format(first=nodes[0]),
    )
