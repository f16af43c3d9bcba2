"""`ranges --explain`: what a person would type to see what a source saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..model.capture import ApiRequest, ExecRequest, LogRequest, Request
from ..model.iprange import RangeClaim
from ..model.report import ByHand
from ..model.rights import rights_of
from ..ranges import Place, show_command
from .collect import command_line

#: Of one source: where it looked, with which requests, and what it says now.
Look = tuple[Place, Sequence[Request], Sequence[RangeClaim]]


def explained(looks: Mapping[str, Sequence[Look]]) -> tuple[ByHand, ...]:
    """One step of each source that told of a range: of the first place where it did."""
    steps = []
    for name, places in looks.items():
        telling = [look for look in places if look[2]]
        if not telling:
            continue
        place, requests, claims = telling[0]
        rest = len(telling) - 1
        steps.append(
            ByHand(
                title=name,
                command=" ; ".join(dict.fromkeys(_typed(requests))) or show_command(place),
                lines=tuple(dict.fromkeys(claim.evidence.strip() for claim in claims)),
                note="" if not rest else f"And likewise of {rest} more.",
            )
        )
    return tuple(steps)


def _typed(requests: Iterable[Request]) -> Iterable[str]:
    for request in requests:
        match request:
            case ApiRequest():
                yield from (f"kubectl get {right.object} -o yaml" for right in rights_of(request))
            case LogRequest(namespace=namespace, pod=pod, container=container):
                yield f"kubectl -n {namespace} logs {pod} -c {container}"
            case ExecRequest(namespace=namespace, pod=pod, container=container):
                for command in request.commands:
                    argv = command_line(command)
                    yield f"kubectl -n {namespace} exec {pod} -c {container} -- {argv}"
