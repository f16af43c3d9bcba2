"""Pods of a source's place: found by label, read by exec or by their log."""

from __future__ import annotations

from ..model.capture import ExecRequest, LogRequest, Request
from ..model.commands import Command
from ..model.iprange import Census
from ..model.service import Pod
from ._base import Place

_HEAD = 64 * 1024  # what is wanted stands within the first 8 KiB of every log seen


def pods_of(census: Census, *labels: tuple[str, str]) -> tuple[Pod, ...]:
    """Those with any of the labels, in any namespace: installers differ."""
    wanted = set(labels)
    return tuple(pod for pod in census.pods or () if not wanted.isdisjoint(pod.labels.items()))


def exec_in(place: Place, *commands: Command) -> tuple[Request, ...]:
    """In the place's container, as plain argv: distroless images may lack sh."""
    pod = place.pod
    if pod is None or not commands:
        return ()
    return (
        ExecRequest(
            node=pod.node,
            namespace=pod.namespace,
            pod=pod.name,
            container=place.container,
            commands=commands,
            shell=False,
        ),
    )


def head_of_log(place: Place) -> tuple[Request, ...]:
    pod = place.pod
    if pod is None:
        return ()
    return (
        LogRequest(
            node=pod.node,
            namespace=pod.namespace,
            pod=pod.name,
            container=place.container,
            limit_bytes=_HEAD,
        ),
    )
