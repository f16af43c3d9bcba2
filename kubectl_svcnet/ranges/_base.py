"""What a range source is: one place where clusters write an IP range down.

`recognise` says where in this cluster the place is, of the API's lists alone; `requests` what to
ask there; `ranges` turns the answers into claims. Nothing here reads: the pipeline fetches.
An answer that failed is a gap that names the missing right, never "no range" (law 2); only where
the API says that an object does not exist is that an answer.

A new source is a file with an instance at its foot and a line in `SOURCES`.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from ..errors import ParseError
from ..model.address import IPNetwork
from ..model.capture import (
    ApiRequest,
    Capture,
    ExecRequest,
    LogRequest,
    ProbeRequest,
    Reason,
    Request,
)
from ..model.finding import Gap
from ..model.iprange import Census, CNIFiles, Confidence, RangeClaim, RangeKind
from ..model.rights import rights_of
from ..model.service import Node, Pod
from ..parse.cidr import parse_networks, parse_port_range
from ..parse.flags import find_flag
from ..parse.refusals import parse_refusal

#: The statement of every claim about load balancers: several may hand out addresses of their own
#: beside each other, so their pools are parts of one whole and cannot disagree.
LOAD_BALANCERS = "load balancers"

#: What the evidence of a pool adds that is there and gives nothing.
DISABLED = " (disabled: no new addresses)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One object of this cluster where a source looks. `node` is set where what it says is about
    that node only (so that --node may leave it out)."""

    object: str  # "pod kube-system/kube-apiserver-n1", "configmap kube-system/kube-proxy"
    node: str = ""
    pod: Pod | None = None
    container: str = ""
    about: Node | None = None
    config_map: tuple[str, str] | None = None  # namespace, name
    key: str = ""  # of the ConfigMap, where the pod names it
    networks: tuple[IPNetwork, ...] = ()  # where the API's lists themselves say it


@dataclass(frozen=True, slots=True)
class Reading:
    claims: tuple[RangeClaim, ...] = ()
    gaps: tuple[Gap, ...] = ()
    files: tuple[CNIFiles, ...] = ()


class RangeSource(Protocol):
    """`kinds`: what it may tell; a gap blocks when no other source told of one of them. `trust`:
    1 for whoever hands the addresses out, more the further a place is from that."""

    @property
    def name(self) -> str: ...

    @property
    def kinds(self) -> frozenset[RangeKind]: ...

    @property
    def trust(self) -> int: ...

    def recognise(self, census: Census) -> tuple[Place, ...]: ...

    def requests(self, place: Place) -> tuple[Request, ...]: ...

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading: ...


def pod_object(pod: Pod) -> str:
    return f"pod {pod}"


def control_plane_pods(census: Census, component: str) -> tuple[Place, ...]:
    """The API's copies of a static control-plane pod, in any namespace.

    Only hostNetwork ones: with a network of its own it serves another cluster, whose hosted
    control plane runs here as ordinary pods.
    """
    places = []
    for pod in census.pods or ():
        named = component in (pod.labels.get("component"), pod.labels.get("k8s-app"))
        container = pod.container(component) or next(iter(pod.containers), None)
        if named and pod.host_network and container is not None:
            places.append(Place(object=pod_object(pod), pod=pod, container=container.name))
    return tuple(places)


def command_of(place: Place) -> tuple[str, ...]:
    container = place.pod.container(place.container) if place.pod else None
    return container.command if container else ()


def claims_of(
    networks: Iterable[IPNetwork],
    *,
    kind: RangeKind,
    source: str,
    object: str,
    evidence: str,
    node: str = "",
    confidence: Confidence = Confidence.STATED,
    allocator: str = "",
    statement: str = "",
    closed: bool = False,
) -> tuple[RangeClaim, ...]:
    """One claim per network; together they are one statement."""
    return tuple(
        RangeClaim(
            kind=kind,
            source=source,
            object=object,
            confidence=confidence,
            network=network,
            node=node,
            evidence=evidence,
            allocator=allocator,
            statement=statement or f"{source} of {object}",
            closed=closed,
        )
        for network in networks
    )


def port_claims(value: str, *, source: str, object: str, evidence: str) -> tuple[RangeClaim, ...]:
    """The node ports of a place that states them; none where it leaves them out."""
    if not value:
        return ()
    return (
        RangeClaim(
            kind=RangeKind.NODE_PORT,
            source=source,
            object=object,
            confidence=Confidence.STATED,
            ports=parse_port_range(value),
            evidence=evidence,
            statement=f"{source} of {object}",
        ),
    )


def flag_claims(
    place: Place,
    component: str,
    flag: str,
    kind: RangeKind,
    *,
    note: str = "",
    allocator: str = "",
) -> Reading:
    """The claims of one flag in the arguments of the place's container."""
    value = find_flag(command_of(place), flag)
    if not value:
        return Reading()
    source = f"{component} --{flag}"
    evidence = f"--{flag}={value}{note}"

    def claims() -> tuple[RangeClaim, ...]:
        return claims_of(
            parse_networks(value),
            kind=kind,
            source=source,
            object=place.object,
            evidence=evidence,
            allocator=allocator,
        )

    return typed(claims, what=source, place=place)


def typed(read: Callable[[], tuple[RangeClaim, ...]], *, what: str, place: Place) -> Reading:
    """What `read` claims; text that it cannot read is a gap."""
    try:
        return Reading(read())
    except ParseError as error:
        return Reading(
            gaps=(
                Gap(
                    what=what,
                    why=f"{place.object}: {error}",
                    node=place.node,
                    next=show_command(place),
                ),
            )
        )


def read_answers(
    read: Callable[[Place, str], tuple[RangeClaim, ...]],
    place: Place,
    captures: Sequence[Capture],
    *,
    what: str,
) -> Reading:
    """What `read` claims by the text of each answer; one that failed is a gap."""
    return joined(
        *(
            typed(partial(read, place, capture.text()), what=what, place=place)
            if capture.ok
            else Reading(gaps=(missed(capture, what, place.node),))
            for capture in captures
        )
    )


def joined(*readings: Reading) -> Reading:
    return Reading(
        tuple(claim for reading in readings for claim in reading.claims),
        tuple(gap for reading in readings for gap in reading.gaps),
        tuple(found for reading in readings for found in reading.files),
    )


def missed(capture: Capture, what: str, node: str = "") -> Gap:
    """The gap that a failed answer leaves: why, which right is missing, what to type."""
    failure = capture.failure
    if failure is None:
        said = capture.stderr.decode("utf-8", "replace").strip()
        why = f"the command ended with {capture.exit_code}" + (f": {said}" if said else "")
        return Gap(what=what, why=why, node=node, next=by_hand(capture))
    refused = failure.reason in (Reason.FORBIDDEN, Reason.UNAUTHORIZED)
    right = rights_of(capture.request)[-1] if refused else None
    why = parse_refusal(failure.message) if refused else failure.message
    if failure.reason.value not in why:
        why = f"{failure.reason.value}: {why}" if why else failure.reason.value
    if right and f"cannot {right.verb} resource" not in why and "(needs " not in why:
        why += f" (needs {right.verb} {right.named})"
    next = right.can_i() if right else by_hand(capture)
    return Gap(what=what, why=why, node=node, next=next)


def no_such_chain(capture: Capture) -> bool:
    """nft says that there is none, or there is no nft, which whoever uses it brings along."""
    if capture.failure is not None:
        return capture.failure.reason is Reason.NO_TOOL
    return capture.exit_code == 1 and b"No such file or directory" in capture.stderr


def by_hand(capture: Capture) -> str:
    """What a person would type for the same answer."""
    match capture.request:
        case LogRequest(namespace=namespace, pod=pod, container=container):
            return f"kubectl -n {namespace} logs {pod} -c {container}"
        case ExecRequest(namespace=namespace, pod=pod, container=container):
            argv = shlex.join(capture.command.argv()) if capture.command else ""
            return f"kubectl -n {namespace} exec {pod} -c {container} -- {argv}".rstrip()
        case ApiRequest(path=path):
            return f"kubectl get --raw {path}"
        case ProbeRequest(address=address):
            asked = f"--tcp=1 --clusterip={address}"
            return f"kubectl create service clusterip svcnet-probe {asked} --dry-run=server"
        case _:
            return ""


def show_command(place: Place) -> str:
    """What shows the object of a place whole."""
    kind, _, path = place.object.partition(" ")
    namespace, _, name = path.rpartition("/")
    scope = ("-n", namespace) if namespace else ()
    return " ".join(filter(None, ("kubectl get", *scope, kind, name, "-o yaml")))


def config_map_request(place: Place) -> tuple[Request, ...]:
    """One object by its name: listing ConfigMaps would read what is none of our business."""
    if place.config_map is None:
        return ()
    namespace, name = place.config_map
    return (ApiRequest(path=f"/api/v1/namespaces/{namespace}/configmaps/{name}", many=False),)


def found_object(
    captures: Sequence[Capture], what: str
) -> tuple[Mapping[str, Any] | None, tuple[Gap, ...]]:
    """The object; or None, with a gap unless the API says that there is none."""
    for capture in captures:
        if capture.ok and capture.objects:
            return capture.objects[0], ()
        if capture.failure is not None and not capture.failed(Reason.NOT_FOUND):
            return None, (missed(capture, what),)
    return None, ()
