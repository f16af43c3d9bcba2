"""`ranges --ip`: what an address is. The ranges as `ranges` reads them, all endpoints, and
IPAddress objects of what no Service has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..engine.addresses import address_uses, unheld_cluster_ips
from ..errors import ParseError
from ..model.address import IPAddress
from ..model.capture import Source
from ..model.finding import Gap
from ..model.options import Options
from ..model.report import AddressesReport
from ..model.service import Endpoint, ServiceName
from ..parse.kube import parse_slice, parse_slices
from ..parse.kube_fields import Json
from ..ranges import SOURCES, missed
from .allocations import read_allocations
from .collect import Collector
from .inventory import Scope
from .ranges import read_ranges

#: Those that tell of ranges: others look for leftovers, which are nothing to an address.
_TELLING = tuple(source for source in SOURCES if source.kinds)


def addresses(source: Source, options: Options, asked: tuple[IPAddress, ...]) -> AddressesReport:
    """Raises ClusterError where nothing at all could be read."""
    collector = Collector(source, max_parallel=options.max_parallel)
    endpoints, gaps = _endpoints(collector, frozenset(asked))
    read = read_ranges(collector, replace(options, max_pods=None), _TELLING)
    doubtful = read.census.doubtful or bool(gaps)
    allocations = read_allocations(collector, unheld_cluster_ips(asked, read.ranges, read.census))
    census = replace(
        read.census,
        endpoints=endpoints,
        doubtful=doubtful,
        allocated=allocations.owners,
    )
    collected = collector.collected(
        nodes=read.collected.nodes, nodes_read=read.collected.nodes_read
    )
    return AddressesReport(
        collected=collected,
        addresses=address_uses(asked, read.ranges, census),
        gaps=(*read.gaps, *gaps, *allocations.gaps),
    )


def _endpoints(
    collector: Collector, asked: frozenset[IPAddress]
) -> tuple[Mapping[ServiceName, tuple[Endpoint, ...]] | None, tuple[Gap, ...]]:
    """Those at the addresses, and their Services' other ones of the same slices; the slices of a
    large cluster are let go as they come."""
    slices: list[Json] = []
    gaps: dict[Gap, None] = {}
    for page in collector.pages(Scope().slices()):
        if not page.ok:
            return None, (replace(missed(page, "endpointslices"), blocking=True),)
        for item in page.objects:
            try:
                if any(e.address.address in asked for e in parse_slice(item).endpoints):
                    slices.append(item)
            except ParseError as error:
                gaps[Gap(what="endpointslices", why=f"an object cannot be read: {error}")] = None
    return parse_slices(slices), tuple(gaps)
