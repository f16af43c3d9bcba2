"""The CNI configuration of a node: the range that host-local really hands out there.

Read where a CNI's own pod has the node's directory mounted, and writes a file with ranges into it:
kindnet and kube-router. Others leave the allocation to their own programs, or have the directory
only in an init container, which no exec reaches.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..model.capture import Capture, Request
from ..model.commands import Command
from ..model.iprange import NODE_IPAM, Census, Confidence, RangeClaim, RangeKind
from ..model.service import Container
from ..parse.cni_config import parse_cni_config
from ._base import Place, Reading, claims_of, pod_object, read_answers
from ._pods import exec_in, pods_of

_DIRECTORY = "/etc/cni/net.d"
#: Label, container, and the file that this CNI writes.
_FILES = (
    ("app", "kindnet", "kindnet-cni", "10-kindnet.conflist"),
    ("k8s-app", "kube-router", "kube-router", "10-kuberouter.conflist"),
)


class _CNIConfig:
    name = "CNI configuration"
    kinds = frozenset({RangeKind.POD})
    trust = 1

    def recognise(self, census: Census) -> tuple[Place, ...]:
        return tuple(
            Place(
                object=pod_object(pod),
                node=pod.node,
                pod=pod,
                container=name,
                key=f"{_DIRECTORY}/{file}",
            )
            for key, value, name, file in _FILES
            for pod in pods_of(census, (key, value))
            if _reaches(pod.container(name))
        )

    def requests(self, place: Place) -> tuple[Request, ...]:
        return exec_in(place, Command("cat", (place.key,)))

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        return read_answers(_claims, place, captures, what=self.name)


def _reaches(container: Container | None) -> bool:
    return (
        container is not None
        and container.running
        and any(path.rstrip("/") == _DIRECTORY for path in container.mounts.values())
    )


def _claims(place: Place, text: str) -> tuple[RangeClaim, ...]:
    networks = parse_cni_config(text)
    return claims_of(
        networks,
        kind=RangeKind.POD,
        source="CNI configuration",
        object=f"{place.key} in {place.object}",
        node=place.node,
        confidence=Confidence.OBSERVED,
        evidence=f"host-local: {', '.join(map(str, networks))}",
        allocator=NODE_IPAM,
    )


SOURCE = _CNIConfig()
