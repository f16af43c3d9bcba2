"""What is wrong with a Service's selector and target ports, from its pods.

A selector matches a pod that has all of its labels (core/v1); a targetPort by name is looked up in
the pod's containers and its init containers with restartPolicy Always (k8s.io/endpointslice,
findPort), a number is taken as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import SequenceMatcher

from ...model.address import Protocol
from ...model.counted import counted
from ...model.finding import Finding, Level
from ...model.service import ContainerPort, Endpoint, Pod, Service, ServicePort
from ..codes import finding

#: Pods that a finding names before it counts the rest.
FEW = 3
#: Labels less alike than this are others.
LIKE = 0.75


def suspicious(service: Service, endpoints: Iterable[Endpoint]) -> bool:
    """Whether its pods are worth a look: for some port, nothing is ready."""
    ready = {(e.port_name, e.protocol) for e in endpoints if e.ready}
    return not ready or any((p.name, p.protocol) not in ready for p in service.ports)


def unselected(service: Service, endpoints: Sequence[Endpoint]) -> tuple[Finding, ...]:
    """A Service without selector that nobody writes endpoints for."""
    if service.selector or endpoints or service.headless or service.external_name:
        return ()
    name = service.name
    return (
        finding(
            "SVN406",
            "it has no selector, and no EndpointSlice has an endpoint for it",
            service=str(name),
            next=f"kubectl -n {name.namespace} describe service {name.name}",
        ),
    )


def unmatched(service: Service, pods: Iterable[Pod]) -> Finding:
    """Its selector matches none of `pods`, those of its namespace."""
    namespace = service.name.namespace
    return finding(
        "SVN401",
        f"no pod has {_written(service.selector)}",
        service=str(service.name),
        evidence=_nearest(service.selector, pods),
        next=f"kubectl -n {namespace} get pods --show-labels",
    )


def _nearest(selector: Mapping[str, str], pods: Iterable[Pod]) -> tuple[str, ...]:
    """The labels that come nearest, and who has them; nothing, if none comes near."""
    near: dict[str, list[str]] = {}
    for pod in pods:
        meant = [_meant(key, value, pod.labels) for key, value in selector.items()]
        if all(meant):
            near.setdefault(",".join(meant), []).append(pod.name)
    if not near:
        return ()
    wanted = _written(selector)
    best = max(sorted(near), key=lambda labels: _likeness(wanted, labels))
    return (f"nearest: {best} of {_named('pod', near[best])}",)


def _meant(key: str, value: str, labels: Mapping[str, str]) -> str:
    """The label that is, or may be meant; "" where none is like it."""
    wanted = f"{key}={value}"
    likeness, label = max(
        ((_likeness(wanted, f"{k}={v}"), f"{k}={v}") for k, v in labels.items()), default=(0.0, "")
    )
    return label if likeness >= LIKE else ""


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


def unready(service: Service, pods: Sequence[Pod]) -> tuple[Finding, ...]:
    """Its pods are there, and none is ready."""
    if service.publish_not_ready or not pods or any(pod.ready for pod in pods):
        return ()
    namespace = service.name.namespace
    return (
        finding(
            "SVN402",
            f"none of {counted(len(pods), 'pod')} with {_written(service.selector)} is ready",
            service=str(service.name),
            evidence=_shown([f"pod {pod.name}: {_why(pod)}" for pod in pods]),
            next=f"kubectl -n {namespace} describe pod {pods[0].name}",
        ),
    )


def _why(pod: Pod) -> str:
    if pod.deleting:
        return "is being deleted"
    waiting = [f"container {c.name} waits: {c.waiting}" for c in pod.containers if c.waiting]
    ended = [f"container {c.name} ended: {c.ended_why}" for c in pod.containers if c.ended_why]
    told = [*waiting, *ended, *filter(None, (pod.unready_why,))]
    return "; ".join(told[:2]) or f"phase {pod.phase or 'unknown'}, not ready"


def misaimed(
    service: Service, pods: Sequence[Pod], endpoints: Iterable[Endpoint]
) -> tuple[Finding, ...]:
    """Ports of the Service whose target none of its pods declares. While an endpoint is ready,
    what is not declared may well be listened on."""
    declared = [port for pod in pods for port in pod.ports]
    if not declared:
        return ()
    ready = {(e.port_name, e.protocol) for e in endpoints if e.ready}
    return tuple(
        found
        for port in service.ports
        if (found := _misaimed(service, port, declared, pods[0], ready)) is not None
    )


def _misaimed(
    service: Service,
    port: ServicePort,
    declared: Sequence[ContainerPort],
    pod: Pod,
    ready: Collection[tuple[str, Protocol]],
) -> Finding | None:
    target = port.target_port or str(port.port)
    number = int(target) if target.isdecimal() else None
    same = [d for d in declared if (d.name == target if number is None else d.number == number)]
    if any(each.protocol is port.protocol for each in same):
        return None
    code = "SVN403" if number is None else "SVN404"
    wanted = f"{target}/{port.protocol.value}"
    shown = sorted({f"{d.number}/{d.protocol.value} {d.name}".strip() for d in same or declared})
    only = " only" if same else ""
    maybe = number is not None and (not same or (port.name, port.protocol) in ready)
    return finding(
        code,
        f"port {port.port} leads to {wanted}; its pods declare {', '.join(shown[:FEW])}{only}",
        service=str(service.name),
        next=f"kubectl -n {pod.namespace} describe pod {pod.name}",
        level=Level.INFO if maybe else None,
    )


def _written(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in labels.items())


def _named(kind: str, names: Sequence[str]) -> str:
    first = ", ".join(names[:FEW])
    rest = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return f"{kind if len(names) == 1 else f'{kind}s'} {first}{rest}"


def _shown(lines: Sequence[str]) -> tuple[str, ...]:
    rest = len(lines) - FEW
    return (*lines[:FEW], *((f"and {rest} more",) if rest > 0 else ()))
