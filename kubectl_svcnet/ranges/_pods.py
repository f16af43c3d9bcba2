"""Pods of a source's place: found by label, read by exec or by their log."""

from __future__ import annotations

from ..model.capture import ExecRequest, Request, log_head
from ..model.commands import Command
from ..model.iprange import Census
from ..model.service import Pod
from ._base import Place


def pods_of(census: Census, *labels: tuple[str, str]) -> tuple[Pod, ...]:
    """Those with any of the labels, in any namespace: installers differ."""
    wanted = set(labels)
    return tuple(pod for pod in census.pods or () if not wanted.isdisjoint(pod.labels.items()))


def exec_in(place: Place, *commands: Command, shell: bool = False) -> tuple[Request, ...]:
    """In the place's container, by itself as plain argv: distroless images may lack sh."""
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
            shell=shell,
        ),
    )


def head_of_log(place: Place) -> tuple[Request, ...]:
    pod = place.pod
    if pod is None:
        return ()
    return (log_head(pod, place.container),)
