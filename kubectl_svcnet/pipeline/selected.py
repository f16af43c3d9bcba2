"""Pods by the Services that select them, from lists of all pods: one list for many Services.

A list may be long, so it is looked at part by part: `ranges` reads all pods anyway and lets this
see them, else those of a namespace are listed. Only what is selected stays, and of it what is
judged. A list of more than `--max-pods` is not read.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass, replace

from ..errors import ParseError
from ..model.capture import ApiRequest, Failure
from ..model.service import Container, Pod, Service, ServiceName
from ..parse.kube_fields import Json, labels, mapping, text
from ..parse.kube_pod import parse_pod
from .collect import Collector

#: Pods that are kept at most of one Service.
PODS = 500


@dataclass(frozen=True, slots=True)
class _Wanted:
    service: ServiceName
    labels: frozenset[tuple[str, str]]


class Selected:
    """`whole`: every pod was seen, so that a Service without any here selects none."""

    def __init__(self, services: Collection[Service]) -> None:
        self.whole = False
        self._pods: dict[ServiceName, list[Pod]] = {}
        self._containers: dict[object, tuple[Container, ...]] = {}
        self._asked = {service.name: service.selector for service in services}
        self._wanted: dict[tuple[str, str, str], list[_Wanted]] = {}
        for service in services:
            if service.selector:
                first = (service.name.namespace, *next(iter(service.selector.items())))
                wanted = _Wanted(service.name, frozenset(service.selector.items()))
                self._wanted.setdefault(first, []).append(wanted)

    def of(self, service: Service) -> tuple[Pod, ...] | None:
        """None: it was another one, or none, when the pods were listed."""
        if not self.whole or self._asked.get(service.name) != service.selector:
            return None
        return tuple(self._pods.get(service.name, ()))

    def see(self, item: Json) -> None:
        """A pod that cannot be read is nobody's."""
        meta = mapping(item, "metadata")
        own, namespace = labels(meta, "labels").items(), text(meta, "namespace")
        by = {
            each.service
            for key, value in own
            for each in self._wanted.get((namespace, key, value), ())
            if each.labels <= own
        }
        if not by:
            return
        try:
            pod = self._slim(parse_pod(item))
        except ParseError:
            return
        for service in by:
            pods = self._pods.setdefault(service, [])
            if len(pods) < PODS:
                pods.append(pod)

    def _slim(self, pod: Pod) -> Pod:
        """Of containers that run only their ports count, which many pods have alike."""
        kept = tuple(
            (c.name, c.ports, c.waiting, "" if pod.ready else c.ended_why) for c in pod.containers
        )
        shared = self._containers.get(kept)
        if shared is None:
            shared = self._containers[kept] = tuple(
                Container(name=name, ports=ports, waiting=waiting, ended_why=ended)
                for name, ports, waiting, ended in kept
            )
        return replace(pod, containers=shared, config_maps={}, host_paths={})


@dataclass(frozen=True, slots=True)
class Listed:
    """`selected` None: the list was not read, for `failure`, or because it is too long."""

    selected: Selected | None
    request: ApiRequest
    failure: Failure | None = None


def list_selected(
    collector: Collector, namespace: str, services: Collection[Service], most: int | None
) -> Listed:
    """All pods of a namespace, for these Services of it."""
    request = ApiRequest(path=f"/api/v1/namespaces/{namespace}/pods")
    selected, seen = Selected(services), 0
    with closing(collector.pages(request)) as pages:
        for page in pages:
            seen += len(page.objects)
            if page.failure is not None:
                return Listed(None, request, page.failure)
            if most is not None and (page.truncated or seen + page.remaining > most):
                return Listed(None, request)
            for item in page.objects:
                selected.see(item)
    selected.whole = True
    return Listed(selected, request)
