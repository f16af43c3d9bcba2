"""Who holds addresses and node ports: the API's lists of pods, Services and nodes.

Each is read in parts and parsed as it comes, so that of 150,000 pods only what is counted stays.
Each may fail by itself: it is then None in the census, and a gap beside it. Of more pods than
`--max-pods` only those that may program a node are read, which the API server picks out; then
nothing is counted that pods hold, and a gap says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from typing import Generic, TypeVar

from ..errors import ClusterError, ParseError
from ..model.capture import ApiRequest, Capture, Reason
from ..model.finding import Gap
from ..model.iprange import Census, RangeKind
from ..model.options import Options
from ..model.service import Pod
from ..parse.kube import parse_node, parse_service
from ..parse.kube_fields import Json
from ..parse.pods import PodReader
from ..ranges import missed
from .collect import Collector
from .inventory import require_nodes, require_selector
from .selected import Selected

Object = TypeVar("Object")

LISTS = {
    "pods": ApiRequest(path="/api/v1/pods"),
    "services": ApiRequest(path="/api/v1/services"),
    "nodes": ApiRequest(path="/api/v1/nodes"),
}
#: Network plugins: pods of the hosts' network, and of where else their parts run the others. The
#: field selector is there since 1.28 (pkg/apis/core/v1/conversion.go).
AGENTS = (
    ApiRequest(path=LISTS["pods"].path, query=(("fieldSelector", "spec.hostNetwork=true"),)),
    ApiRequest(
        path="/api/v1/namespaces/kube-system/pods",
        query=(("fieldSelector", "spec.hostNetwork=false"),),
    ),
)
#: Kinds that cannot be told, or not whole, without a list.
_TOLD_BY = {
    "pods": frozenset({RangeKind.POD, RangeKind.SERVICE, RangeKind.NODE}),
    "services": frozenset({RangeKind.SERVICE}),
    "nodes": frozenset({RangeKind.POD, RangeKind.NODE}),
}


@dataclass(frozen=True, slots=True)
class CensusRead:
    """The census, who was asked for by --node, and what could not be read."""

    census: Census
    wanted: frozenset[str] | None  # None: all nodes
    gaps: tuple[tuple[Gap, frozenset[RangeKind]], ...]


@dataclass(frozen=True, slots=True)
class _Listed(Generic[Object]):
    """`objects` None: the list was not read. `whole`: it is all that there are; `doubtful`: but
    some are missing."""

    objects: tuple[Object, ...] | None
    end: Capture
    gaps: tuple[Gap, ...]
    whole: bool = True
    doubtful: bool = False


def read_census(
    collector: Collector, options: Options, selected: Selected | None = None
) -> CensusRead:
    """`selected` sees each pod too."""
    with ThreadPoolExecutor(max_workers=len(LISTS)) as pool:
        reading = (
            pool.submit(_pods, collector, options.max_pods, selected),
            pool.submit(_list, collector, "services", parse_service),
            pool.submit(_list, collector, "nodes", parse_node),
        )
    pods, services, nodes = reading[0].result(), reading[1].result(), reading[2].result()
    ends = [pods.end, services.end, nodes.end]
    gaps = [
        (gap, _TOLD_BY[what] if pods.whole or what != "pods" else frozenset[RangeKind]())
        for what, found in zip(LISTS, (pods.gaps, services.gaps, nodes.gaps), strict=True)
        for gap in found
    ]
    if not any(end.ok for end in ends) and not _only_rights_missing(ends):
        raise ClusterError(gaps[0][0].why, next=gaps[0][0].next)
    census = Census(
        pods=pods.objects,
        counted=pods.whole,
        services=services.objects,
        nodes=nodes.objects,
        doubtful=pods.doubtful or services.doubtful or nodes.doubtful,
    )
    return CensusRead(census, _wanted(collector, census, options), tuple(gaps))


def recognisable(census: Census) -> Census:
    """What sources are to look at: of pods that are only counted (`PodReader`) one of each
    namespace and labels, by which alone a source knows them."""
    found: dict[object, Pod] = {}
    for number, pod in enumerate(census.pods or ()):
        key = number if pod.containers else (pod.namespace, tuple(pod.labels.items()))
        found.setdefault(key, pod)
    return replace(census, pods=None if census.pods is None else tuple(found.values()))


def _pods(collector: Collector, most: int | None, selected: Selected | None) -> _Listed[Pod]:
    """All, or of more than `most` those that may program nodes, if the API server finds them."""
    reader = PodReader().read
    if selected is None:
        return _all_pods(collector, most, reader)

    def seen(item: Json) -> Pod:
        selected.see(item)
        return reader(item)

    found = _all_pods(collector, most, seen)
    selected.whole = found.whole and found.objects is not None and not found.end.truncated
    return found


def _all_pods(
    collector: Collector, most: int | None, reader: Callable[[Json], Pod]
) -> _Listed[Pod]:
    with closing(collector.pages(LISTS["pods"])) as pages:
        first = next(pages)
        total = len(first.objects) + first.remaining
        if most is not None and first.ok and (total > most or first.truncated):
            parts = [_listed(collector.pages(request), "pods", reader) for request in AGENTS]
            if all(part.objects is not None for part in parts):
                return _beginning([_listed((first,), "pods", reader), *parts], total, most)
        return _listed(chain((first,), pages), "pods", reader)


def _beginning(parts: Sequence[_Listed[Pod]], total: int, most: int) -> _Listed[Pod]:
    found = {(pod.namespace, pod.name): pod for part in parts for pod in part.objects or ()}
    uncounted = Gap(
        what="pods",
        why=f"more than --max-pods {most}, so only those of the hosts' network and of kube-system "
        "were read: how full pod ranges are, and which pods are outside of them, is not known",
        next=f"kubectl svcnet ranges --max-pods {max(total, 10 * most)} --timeout 10m",
    )
    gaps = (gap for part in parts[1:] for gap in part.gaps)
    return _Listed(tuple(found.values()), parts[0].end, (uncounted, *gaps), whole=False)


def _list(collector: Collector, what: str, parse: Callable[[Json], Object]) -> _Listed[Object]:
    return _listed(collector.pages(LISTS[what]), what, parse)


def _listed(
    pages: Iterable[Capture], what: str, parse: Callable[[Json], Object]
) -> _Listed[Object]:
    """A broken object is a gap, and the others still count; a list that broke off does not."""
    objects, gaps = [], []
    for page in pages:
        end = page
        for item in page.objects:
            try:
                objects.append(parse(item))
            except ParseError as error:
                gaps.append(Gap(what=what, why=f"an object cannot be read: {error}"))
    if not end.ok:
        return _Listed(None, end, (missed(end, what),))
    if end.truncated:
        why = f"only the first {len(objects)} were read"
        gaps.append(Gap(what=what, why=why, blocking=True))
    return _Listed(tuple(objects), replace(end, objects=()), tuple(gaps), doubtful=bool(gaps))


def _only_rights_missing(captures: Iterable[Capture]) -> bool:
    """Then a single object may still be allowed; without an API server nothing is."""
    return all(c.failed(Reason.FORBIDDEN) for c in captures)


def _wanted(collector: Collector, census: Census, options: Options) -> frozenset[str] | None:
    """The nodes of --node and --node-selector, which the API server reads in its own syntax."""
    if not options.nodes and not options.node_selector:
        return None
    found = {node.name for node in census.nodes or ()}
    if options.node_selector:
        query = (("labelSelector", options.node_selector),)
        listed = collector.fetch_one(ApiRequest(path=LISTS["nodes"].path, query=query))
        if not listed.ok:
            require_selector(listed, "nodes")
            raise ClusterError(missed(listed, "nodes").why)
        found = {parse_node(item).name for item in listed.objects}
    if options.node_selector or census.nodes is not None:
        require_nodes(found, selector=options.node_selector, names=options.nodes)
    return frozenset(options.nodes or found)
