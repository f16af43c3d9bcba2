"""`ranges`: every IP range of the cluster, with its sources, usage and conflicts.

Two rounds: the lists of pods, Services and nodes; then whatever the sources that recognise
something there want to know. Each source fails by itself, and its gap blocks only where nobody
else told of the kinds of range that it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ..engine.judge.ranges import judge_ranges
from ..engine.usage import given_claims, merge_claims
from ..errors import ClusterError, ParseError
from ..model.capture import ApiRequest, Capture, ExecRequest, LogRequest, Reason, Request, Source
from ..model.finding import Gap
from ..model.iprange import Census, Confidence, IPRange, RangeClaim, RangeKind
from ..model.options import Options
from ..model.report import Collected, PlanReport, RangesReport
from ..parse.kube import Json, parse_node, parse_pod, parse_service
from ..ranges import PROBE, SOURCES, Place, RangeSource, missed, unseen
from .by_hand import Look, explained
from .collect import Collector
from .inventory import require_nodes
from .planned import planned

Object = TypeVar("Object")

_LISTS = {
    "pods": ApiRequest(path="/api/v1/pods"),
    "services": ApiRequest(path="/api/v1/services"),
    "nodes": ApiRequest(path="/api/v1/nodes"),
}
#: Kinds that cannot be told, or not whole, without a list.
_TOLD_BY = {
    "pods": frozenset({RangeKind.POD, RangeKind.SERVICE, RangeKind.NODE}),
    "services": frozenset({RangeKind.SERVICE}),
    "nodes": frozenset({RangeKind.POD, RangeKind.NODE}),
}


@dataclass(frozen=True, slots=True)
class _Read:
    """The census, who was asked for by --node, and what could not be read."""

    census: Census
    wanted: frozenset[str] | None  # None: all nodes
    gaps: tuple[tuple[Gap, frozenset[RangeKind]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RangesRead:
    """All ranges, those of nodes that were not `wanted` too."""

    ranges: tuple[IPRange, ...]
    census: Census
    wanted: frozenset[str] | None
    gaps: tuple[Gap, ...]
    collected: Collected
    looks: Mapping[str, Sequence[Look]]


def run(source: Source, options: Options) -> RangesReport:
    """Raises ClusterError where nothing at all could be read."""
    collector = Collector(source, max_parallel=options.max_parallel)
    read = read_ranges(collector, options)
    return RangesReport(
        collected=read.collected,
        ranges=tuple(range for range in read.ranges if _shown(range, read.wanted)),
        findings=judge_ranges(read.ranges, read.census),
        gaps=read.gaps,
        steps=explained(read.looks) if options.explain else (),
    )


def read_ranges(collector: Collector, options: Options) -> RangesRead:
    read = _read_census(collector, options)
    jobs = _jobs(read, options)
    answers = _fetch(collector, [request for job in jobs for request in job[2]])
    claims: list[RangeClaim] = []
    looks: dict[str, list[Look]] = {}
    gaps = list(read.gaps)
    for origin, place, requests in jobs:
        captures = [capture for request in requests for capture in answers[request]]
        reading = origin.ranges(place, captures)
        claims += reading.claims
        looks.setdefault(origin.name, []).append((place, requests, reading.claims))
        gaps += [(gap, origin.kinds) for gap in reading.gaps]
    if not claims and len(read.gaps) == len(_LISTS):
        raise ClusterError(read.gaps[0][0].why, next=read.gaps[0][0].next)
    claims += given_claims(options.beside)
    nodes = read.wanted if read.wanted is not None else read.census.nodes or ()
    return RangesRead(
        ranges=merge_claims(_news(claims), read.census),
        census=read.census,
        wanted=read.wanted,
        gaps=(*_weighed(gaps, claims), *_untold(claims, gaps), *_unseen(jobs)),
        collected=collector.collected(nodes=len(nodes), nodes_read=_nodes_read(answers)),
        looks=looks,
    )


def plan(source: Source, options: Options) -> PlanReport:
    """What `run` would run on nodes and read of logs, after reading the API's lists."""
    collector = Collector(source, max_parallel=options.max_parallel)
    read = _read_census(collector, options)
    commands = [
        command
        for _, _, requests in _jobs(read, options)
        for request in requests
        for command in planned(request)
    ]
    return PlanReport(
        collected=collector.collected(nodes=len(read.census.nodes or ())),
        commands=tuple(commands),
        gaps=_weighed(list(read.gaps), []),
    )


def _read_census(collector: Collector, options: Options) -> _Read:
    captures = dict(zip(_LISTS, collector.map(collector.fetch_one, _LISTS.values()), strict=True))
    gaps: list[tuple[Gap, frozenset[RangeKind]]] = []
    for what, capture in captures.items():
        if not capture.ok:
            gaps.append((missed(capture, what), _TOLD_BY[what]))
    if len(gaps) == len(captures) and not _only_rights_missing(captures.values()):
        raise ClusterError(gaps[0][0].why, next=gaps[0][0].next)

    def typed(what: str, parse: Callable[[Json], Object]) -> tuple[Object, ...] | None:
        objects, broken = _typed(captures[what], what, parse)
        gaps.extend((gap, _TOLD_BY[what]) for gap in broken)
        return objects

    census = Census(
        pods=typed("pods", parse_pod),
        services=typed("services", parse_service),
        nodes=typed("nodes", parse_node),
    )
    return _Read(census, _wanted(collector, census, options), tuple(gaps))


def _only_rights_missing(captures: Iterable[Capture]) -> bool:
    """Then a single object may still be allowed; without an API server nothing is."""
    return all(c.failure is not None and c.failure.reason is Reason.FORBIDDEN for c in captures)


def _typed(
    capture: Capture, what: str, parse: Callable[[Json], Object]
) -> tuple[tuple[Object, ...] | None, list[Gap]]:
    """A broken object is a gap, and the others still count."""
    if not capture.ok:
        return None, []
    objects, gaps = [], []
    for item in capture.objects:
        try:
            objects.append(parse(item))
        except ParseError as error:
            gaps.append(Gap(what=what, why=f"an object cannot be read: {error}"))
    if capture.truncated:
        gaps.append(Gap(what=what, why=f"only the first {len(objects)} were read", blocking=True))
    return tuple(objects), gaps


def _wanted(collector: Collector, census: Census, options: Options) -> frozenset[str] | None:
    """The nodes of --node and --node-selector, which the API server reads in its own syntax."""
    if not options.nodes and not options.node_selector:
        return None
    found = {node.name for node in census.nodes or ()}
    if options.node_selector:
        query = (("labelSelector", options.node_selector),)
        listed = collector.fetch_one(ApiRequest(path=_LISTS["nodes"].path, query=query))
        if not listed.ok:
            raise ClusterError(missed(listed, "nodes").why)
        found = {parse_node(item).name for item in listed.objects}
    if options.node_selector or census.nodes is not None:
        require_nodes(found, selector=options.node_selector, names=options.nodes)
    return frozenset(options.nodes or found)


def _jobs(read: _Read, options: Options) -> list[tuple[RangeSource, Place, tuple[Request, ...]]]:
    return [
        (source, place, source.requests(place))
        for source in sorted(SOURCES, key=lambda source: source.trust)
        if options.probe or source is not PROBE
        for place in source.recognise(read.census)
        if read.wanted is None or not place.node or place.node in read.wanted
    ]


def _fetch(collector: Collector, requests: Iterable[Request]) -> dict[Request, tuple[Capture, ...]]:
    """Each request once, however many places ask it."""
    distinct = list(dict.fromkeys(requests))
    return dict(zip(distinct, collector.map(collector.fetch, distinct), strict=True))


def _nodes_read(answers: dict[Request, tuple[Capture, ...]]) -> int:
    return len(
        {
            request.node
            for request, captures in answers.items()
            if isinstance(request, (ExecRequest, LogRequest)) and any(c.ok for c in captures)
        }
    )


def _news(claims: Sequence[RangeClaim]) -> list[RangeClaim]:
    """Without what only fills gaps: a Service range that is assumed where one is known, and
    addresses that load balancers were seen to have out of a pool that is stated."""
    known = {
        claim.network.version
        for claim in claims
        if claim.kind is RangeKind.SERVICE
        and claim.confidence is not Confidence.ASSUMED
        and claim.network is not None
    }
    pools = [
        claim.network
        for claim in claims
        if claim.kind is RangeKind.LOAD_BALANCER
        and claim.confidence is Confidence.STATED
        and claim.network is not None
    ]

    def old(claim: RangeClaim) -> bool:
        network = claim.network
        match claim.kind, claim.confidence:
            case RangeKind.SERVICE, Confidence.ASSUMED:
                return network is not None and network.version in known
            case RangeKind.LOAD_BALANCER, Confidence.OBSERVED:
                return network is not None and any(network.network_address in p for p in pools)
        return False

    return [claim for claim in claims if not old(claim)]


def _weighed(
    gaps: Iterable[tuple[Gap, frozenset[RangeKind]]], claims: Iterable[RangeClaim]
) -> tuple[Gap, ...]:
    told = _told(claims)
    return tuple(
        dict.fromkeys(
            replace(gap, blocking=gap.blocking or not kinds <= told) for gap, kinds in gaps
        )
    )


def _untold(
    claims: Iterable[RangeClaim], gaps: Iterable[tuple[Gap, frozenset[RangeKind]]]
) -> tuple[Gap, ...]:
    """Kinds that nobody told of although nothing failed: managed clusters hide them."""
    failed = {kind for _, kinds in gaps for kind in kinds}
    return tuple(
        Gap(
            what=f"{kind.value} range",
            why="no place that is known to state it exists in this cluster",
            next="kubectl cluster-info dump | grep -m1 cidr",
        )
        for kind in (RangeKind.SERVICE, RangeKind.POD)
        if kind not in _told(claims) | failed
    )


def _told(claims: Iterable[RangeClaim]) -> set[RangeKind]:
    """The kinds that somebody knows: a default is only assumed."""
    return {claim.kind for claim in claims if claim.confidence is not Confidence.ASSUMED}


def _unseen(jobs: Iterable[tuple[RangeSource, Place, tuple[Request, ...]]]) -> tuple[Gap, ...]:
    return unseen([place for source, place, _ in jobs if RangeKind.NODE in source.kinds])


def _shown(range: IPRange, wanted: frozenset[str] | None) -> bool:
    return wanted is None or not range.node or range.node in wanted
