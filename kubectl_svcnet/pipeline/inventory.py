"""Reading the API: Services, EndpointSlices, nodes and the pods through which nodes are read.

Every list may fail by itself; what is missing is None in the inventory and a gap beside it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..errors import ClusterError, ParseError, UsageError, did_you_mean
from ..model.capture import ApiRequest, Capture, Failure, Reason
from ..model.finding import Gap
from ..model.service import Endpoint, Inventory, Node, Pod, Service, ServiceName
from ..node.vantage import label_selectors
from ..parse.kube import (
    parse_changed,
    parse_node,
    parse_service,
    parse_slices,
    service_of,
)
from ..parse.kube_fields import Json
from ..parse.kube_pod import parse_pod
from .collect import Collector, gap_of
from .switched_off import with_switched_off

NODES = "/api/v1/nodes"
SLICES = "/apis/discovery.k8s.io/v1/{scope}endpointslices"
SERVICES = "/api/v1/{scope}services"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which Services are read: one by name, or all of a namespace (None: of all namespaces)."""

    namespace: str | None = None
    name: str = ""
    selector: str = ""
    field_selector: str = ""

    def services(self) -> ApiRequest:
        path = SERVICES.format(scope=self._path())
        if self.name:
            return ApiRequest(path=f"{path}/{self.name}", many=False)
        narrowed = (("labelSelector", self.selector), ("fieldSelector", self.field_selector))
        return ApiRequest(path=path, query=tuple(pair for pair in narrowed if pair[1]))

    def slices(self) -> ApiRequest:
        path = SLICES.format(scope=self._path())
        if not self.name:
            return ApiRequest(path=path)
        label = f"kubernetes.io/service-name={self.name}"
        return ApiRequest(path=path, query=(("labelSelector", label),))

    def _path(self) -> str:
        return "" if self.namespace is None else f"namespaces/{self.namespace}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicesRead:
    """`missing` are names that do not exist, in kubectl's sentence. Of Services in `blind` the
    endpoints were not read, so nothing is known of what should be."""

    services: tuple[Service, ...] = ()
    endpoints: dict[ServiceName, tuple[Endpoint, ...]] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    missing: tuple[str, ...] = ()
    blind: frozenset[ServiceName] = frozenset()
    readable: bool = True
    changed: dict[ServiceName, float] = field(default_factory=dict)  # it, or a slice of it


def read_services(
    collector: Collector, scopes: Iterable[Scope], *, dated: bool = False
) -> ServicesRead:
    """Services and their endpoints, `dated`: and when they changed. A Service list that cannot be
    read is `readable` False."""
    scopes = tuple(scopes)
    requests = [request for scope in scopes for request in (scope.services(), scope.slices())]
    captures = collector.map(collector.fetch_one, requests)
    services: dict[ServiceName, Service] = {}
    endpoints: dict[ServiceName, tuple[Endpoint, ...]] = {}
    gaps: list[Gap] = []
    missing: list[str] = []
    blind: set[ServiceName] = set()
    readable = True
    changed: dict[ServiceName, float] = {}
    for scope, listed, sliced in zip(scopes, captures[::2], captures[1::2], strict=True):
        if listed.failure is not None:
            require_selector(listed, "services")
            if listed.failure.reason is Reason.NOT_FOUND and scope.name:
                missing.append(f'services "{scope.name}" not found')
                continue
            readable = False
            gaps.append(_gap(listed, listed.failure, "services"))
            continue
        here = {s.name: s for s in map(parse_service, listed.objects)}
        services |= here
        if sliced.failure is not None:
            blind |= here.keys()
            gaps.append(_gap(sliced, sliced.failure, "endpointslices"))
            readable = False
        joined, broken = join_slices(sliced.objects)
        endpoints |= joined
        gaps += broken.values()
        # Which Service's it is may be what cannot be read.
        blind |= here.keys() if None in broken else here.keys() & broken.keys()
        for name, time in _changes(listed.objects, sliced.objects) if dated else ():
            changed[name] = max(time, changed.get(name, time))
    return ServicesRead(
        services=tuple(services[name] for name in sorted(services)),
        endpoints=endpoints,
        gaps=tuple(gaps),
        missing=tuple(missing),
        blind=frozenset(blind),
        readable=readable,
        changed=changed,
    )


def join_slices(
    items: Sequence[Json],
) -> tuple[dict[ServiceName, tuple[Endpoint, ...]], dict[ServiceName | None, Gap]]:
    """Endpoints by Service, and of Services whose slices cannot all be read a gap instead."""
    try:
        return parse_slices(items), {}
    except ParseError:
        pass  # one of them is to be found
    good: list[Json] = []
    broken: dict[ServiceName | None, Gap] = {}
    for item in items:
        try:
            parse_slices([item])
        except ParseError as error:
            name = _maybe_service(item)
            why = f"one of {name or 'a Service'} cannot be read: {error}"
            broken[name] = Gap(what="endpointslices", why=why, blocking=True)
        else:
            good.append(item)
    found = {name: of for name, of in parse_slices(good).items() if name not in broken}
    return found, broken


def _maybe_service(item: Json) -> ServiceName | None:
    try:
        return service_of(item)
    except ParseError:
        return None


def _changes(
    services: Iterable[Json], slices: Iterable[Json]
) -> Iterator[tuple[ServiceName, float]]:
    for item in (*services, *slices):
        name = service_of(item)
        time = parse_changed(item)
        if name is not None and time is not None:
            yield name, time


def _gap(capture: Capture, failure: Failure, what: str) -> Gap:
    return gap_of(capture.request, failure, what=what, blocking=True)


def read_nodes(
    collector: Collector, *, selector: str = "", names: tuple[str, ...] = ()
) -> tuple[Inventory, tuple[Gap, ...]]:
    """Nodes and agents; `selector` is for the API server, in its own syntax. Raises UsageError
    as `require_nodes` does, and ClusterError where nobody tells which nodes have the labels."""
    selectors = [
        ApiRequest(path="/api/v1/pods", query=(("labelSelector", s),)) for s in label_selectors()
    ]
    query = (("labelSelector", selector),) if selector else ()
    request = ApiRequest(path=NODES, query=query)
    captures = collector.map(collector.fetch_one, [request, *selectors])
    gaps: list[Gap] = []
    nodes = None
    if captures[0].failure is None:
        listed = sorted(map(parse_node, captures[0].objects), key=lambda node: node.name)
        nodes = with_switched_off(listed)
        require_nodes({node.name for node in nodes}, selector=selector, names=names)
    else:
        require_selector(captures[0], "nodes")
        gaps.append(_gap(captures[0], captures[0].failure, "nodes"))
        if selector:
            raise ClusterError(gaps[0].why, next=gaps[0].next or None)
    agents: dict[tuple[str, str], Pod] = {}
    refused = next((c for c in captures[1:] if c.failure is not None), None)
    for capture in captures[1:]:
        agents |= {(p.namespace, p.name): p for p in map(parse_pod, capture.objects)}
    if refused is not None and refused.failure is not None:
        gaps.append(_gap(refused, refused.failure, "pods"))
    if nodes is None:
        nodes = _nodes_of(names or {pod.node for pod in agents.values()})
    return (
        Inventory(
            nodes=_only(nodes, names),
            every=nodes or (),
            agents=tuple(agents.values()) if refused is None or agents else None,
            read_at=collector.source.now(),
        ),
        tuple(gaps),
    )


#: What the API server says of a selector itself (apimachinery `labels`, `fields`, and which
#: fields a resource has).
_BROKEN = re.compile(
    r"unable to parse requirement|found '.*', expected: |invalid selector|field label not supported"
)


def require_selector(listed: Capture, what: str) -> None:
    """Raises UsageError, in kubectl's sentence, where a list was refused for its selector."""
    failure, request = listed.failure, listed.request
    if (
        failure is None
        or failure.reason is not Reason.REFUSED
        or not isinstance(request, ApiRequest)
    ):
        return
    asked = dict(request.query)
    said = failure.message.partition(": ")[2]
    if asked and _BROKEN.search(said):
        labels, fields = asked.get("labelSelector", ""), asked.get("fieldSelector", "")
        raise UsageError(
            f'Error from server (BadRequest): Unable to find "/v1, Resource={what}" that match '
            f'label selector "{labels}", field selector "{fields}": {said}'
        )


def require_nodes(found: Collection[str], *, selector: str, names: Iterable[str]) -> None:
    """Raises UsageError where none has the labels, or one that is named is not among them."""
    if selector and not found:
        raise UsageError(
            f"No resources found: no node matches --node-selector {selector}",
            next="kubectl get nodes --show-labels",
        )
    for name in names:
        if name not in found:
            near = did_you_mean(name, found)
            sentence = f'Error from server (NotFound): nodes "{name}" not found{near}'
            raise UsageError(sentence, next="kubectl get nodes")


def _only(nodes: tuple[Node, ...] | None, names: tuple[str, ...]) -> tuple[Node, ...] | None:
    return tuple(node for node in nodes or () if not names or node.name in names) or None


def _nodes_of(names: Iterable[str]) -> tuple[Node, ...] | None:
    """Without the right to list nodes: those that were named, or that have pods."""
    return tuple(Node(name=name) for name in sorted(set(names)) if name) or None


def require_services(read: ServicesRead) -> None:
    """Raises UsageError where none of the named Services exists, ClusterError where they could
    not be read at all."""
    if read.missing and not read.services:
        raise UsageError(
            f"Error from server (NotFound): {'; '.join(read.missing)}",
            next="kubectl get services -A",
        )
    if not read.readable and not read.services:
        raise ClusterError(read.gaps[0].why, next=read.gaps[0].next or None)
