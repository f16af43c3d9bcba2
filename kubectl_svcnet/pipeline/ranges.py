"""`ranges`: every IP range of the cluster, with its sources, usage and conflicts.

Two rounds: the lists of pods, Services and nodes; then whatever the sources that recognise
something there want to know. Each source fails by itself, and its gap blocks only where nobody
else told of the kinds of range that it knows; never where it only looks at rules that follow from
them, which in a cloud is often all that could be looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..engine.allocators import with_room
from ..engine.judge.ranges import judge_ranges
from ..engine.usage import given_claims, merge_claims
from ..errors import ClusterError
from ..model.address import IPNetwork
from ..model.capture import Capture, ExecRequest, LogRequest, Request, Source
from ..model.commands import Needs
from ..model.finding import Gap
from ..model.iprange import Census, CNIFiles, Confidence, IPRange, RangeClaim, RangeKind
from ..model.kube_proxy import is_proxy, proxy_container
from ..model.options import Options
from ..model.report import Collected, PlanReport, RangesReport
from ..node.rounds import nft_unproven
from ..ranges import PROBE, SOURCES, Place, RangeSource, RulesSource, unseen
from .by_hand import Look, explained
from .census import LISTS, CensusRead, read_census, recognisable
from .collect import Collector
from .planned import planned
from .selected import Selected


@dataclass(frozen=True, slots=True, kw_only=True)
class RangesRead:
    """All ranges, those of nodes that were not `wanted` too."""

    ranges: tuple[IPRange, ...]
    census: Census
    wanted: frozenset[str] | None
    gaps: tuple[Gap, ...]
    files: tuple[CNIFiles, ...]
    collected: Collected
    looks: Mapping[str, Sequence[Look]]


def run(source: Source, options: Options, selected: Selected | None = None) -> RangesReport:
    """Raises ClusterError where nothing at all could be read. `selected` sees all pods too."""
    collector = Collector(source, max_parallel=options.max_parallel)
    read = read_ranges(collector, options, selected=selected)
    return RangesReport(
        collected=read.collected,
        ranges=tuple(range for range in read.ranges if _shown(range, read.wanted)),
        findings=judge_ranges(read.ranges, read.census, read.files),
        gaps=read.gaps,
        steps=explained(read.looks) if options.explain else (),
    )


def read_ranges(
    collector: Collector,
    options: Options,
    sources: Sequence[RangeSource] = SOURCES,
    selected: Selected | None = None,
) -> RangesRead:
    read = read_census(collector, options, selected)
    jobs = _jobs(read, options, sources)
    asked = [request for job in jobs for request in job[2]]
    answers = _fetch(collector, asked, _proxied(read.census))
    claims: list[RangeClaim] = []
    files: list[CNIFiles] = []
    looks: dict[str, list[Look]] = {}
    gaps = list(read.gaps)
    follows: set[Gap] = set()
    for origin, place, requests in jobs:
        captures = [capture for request in requests for capture in answers[request]]
        reading = origin.ranges(place, captures)
        claims += reading.claims
        files += reading.files
        looks.setdefault(origin.name, []).append((place, requests, reading.claims))
        gaps += [(gap, origin.kinds) for gap in reading.gaps]
        follows |= {*reading.gaps} if isinstance(origin, RulesSource) else set()
    if not claims and len(read.gaps) == len(LISTS):
        raise ClusterError(read.gaps[0][0].why, next=read.gaps[0][0].next)
    claims += given_claims(options.beside)
    nodes = read.wanted if read.wanted is not None else read.census.nodes or ()
    return RangesRead(
        ranges=with_room(merge_claims(_news(claims), read.census), read.census),
        census=read.census,
        wanted=read.wanted,
        files=tuple(files),
        gaps=(
            *_weighed(gaps, claims, follows),
            *_untold(claims, gaps),
            *unseen((source.name, place) for source, place, _ in jobs),
        ),
        collected=collector.collected(nodes=len(nodes), nodes_read=_nodes_read(answers)),
        looks=looks,
    )


def plan(source: Source, options: Options) -> PlanReport:
    """What `run` would run on nodes and read of logs, after reading the API's lists."""
    collector = Collector(source, max_parallel=options.max_parallel)
    read = read_census(collector, options)
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


def requests_of(
    collector: Collector, options: Options
) -> tuple[tuple[Request, ...], tuple[Gap, ...]]:
    """What `run` would ask for after the API's lists, and which of these could not be read."""
    read = read_census(collector, options)
    asked = (request for _, _, requests in _jobs(read, options) for request in requests)
    return tuple(dict.fromkeys(asked)), tuple(gap for gap, _ in read.gaps)


def _jobs(
    read: CensusRead, options: Options, sources: Sequence[RangeSource] = SOURCES
) -> list[tuple[RangeSource, Place, tuple[Request, ...]]]:
    census = recognisable(read.census)
    return [
        (source, place, source.requests(place))
        for source in sorted(sources, key=lambda source: source.trust)
        if options.probe or source is not PROBE
        for place in source.recognise(census)
        if read.wanted is None or not place.node or place.node in read.wanted
    ]


def _fetch(
    collector: Collector, requests: Iterable[Request], proxied: Collection[str]
) -> dict[Request, tuple[Capture, ...]]:
    """Each request once, however many places ask it."""

    def fetch(request: Request) -> tuple[Capture, ...]:
        captures = collector.fetch(request)
        if isinstance(request, ExecRequest) and request.node in proxied:
            captures = (*captures, *_withheld(collector, request, captures))
            captures = tuple({capture.command: capture for capture in captures}.values())
        return captures

    distinct = list(dict.fromkeys(requests))
    return dict(zip(distinct, collector.map(fetch, distinct), strict=True))


def _withheld(
    collector: Collector, request: ExecRequest, captures: Sequence[Capture]
) -> tuple[Capture, ...]:
    """What nobody could prove to be in the kernel (EKS' images have no cat), and kube-proxy uses
    itself."""
    if not (held := nft_unproven(captures)):
        return ()
    again = replace(request, commands=held, in_use=frozenset({Needs.NF_TABLES}))
    return tuple(capture for capture in collector.fetch(again) if capture.ok)


def _proxied(census: Census) -> frozenset[str]:
    """The nodes where kube-proxy runs in a pod."""
    return frozenset(
        pod.node
        for pod in census.pods or ()
        if is_proxy(pod) and (container := proxy_container(pod)) and container.running
    )


def _nodes_read(answers: dict[Request, tuple[Capture, ...]]) -> int:
    return len(
        {
            request.node
            for request, captures in answers.items()
            if isinstance(request, (ExecRequest, LogRequest)) and any(c.ok for c in captures)
        }
    )


def _news(claims: Sequence[RangeClaim]) -> list[RangeClaim]:
    """Without what only fills gaps: a Service range that is assumed where one is known, or a wider
    one assumed, and addresses that load balancers were seen to have out of a pool that is stated.
    """
    services = _networks(claims, RangeKind.SERVICE)
    pools = [
        network
        for network, confidence in _networks(claims, RangeKind.LOAD_BALANCER)
        if confidence is Confidence.STATED
    ]

    def old(claim: RangeClaim) -> bool:
        network = claim.network
        match claim.kind, claim.confidence:
            case RangeKind.SERVICE, Confidence.ASSUMED:
                return network is not None and any(
                    network.version == other.version
                    and (confidence is not Confidence.ASSUMED or _inside(network, other))
                    for other, confidence in services
                )
            case RangeKind.LOAD_BALANCER, Confidence.OBSERVED:
                return network is not None and any(network.network_address in p for p in pools)
        return False

    return [claim for claim in claims if not old(claim)]


def _networks(claims: Iterable[RangeClaim], kind: RangeKind) -> list[tuple[IPNetwork, Confidence]]:
    return list(
        dict.fromkeys(
            (claim.network, claim.confidence)
            for claim in claims
            if claim.kind is kind and claim.network is not None
        )
    )


def _inside(network: IPNetwork, other: IPNetwork) -> bool:
    return network.prefixlen > other.prefixlen and network.network_address in other


def _weighed(
    gaps: Iterable[tuple[Gap, frozenset[RangeKind]]],
    claims: Iterable[RangeClaim],
    follows: Collection[Gap] = (),
) -> tuple[Gap, ...]:
    told = _told(claims)
    return tuple(
        dict.fromkeys(
            replace(gap, blocking=gap.blocking or not (gap in follows or kinds <= told))
            for gap, kinds in gaps
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


def _shown(range: IPRange, wanted: frozenset[str] | None) -> bool:
    return wanted is None or not range.node or range.node in wanted
