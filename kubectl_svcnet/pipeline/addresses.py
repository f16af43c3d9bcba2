"""`ranges --ip`: what an address is. The ranges as `ranges` reads them, and all endpoints."""

from __future__ import annotations

from dataclasses import replace

from ..engine.addresses import address_uses
from ..model.address import IPAddress
from ..model.capture import Source
from ..model.options import Options
from ..model.report import AddressesReport
from ..parse.kube import parse_slices
from ..ranges import missed
from .collect import Collector
from .inventory import Scope
from .ranges import read_ranges


def addresses(source: Source, options: Options, asked: tuple[IPAddress, ...]) -> AddressesReport:
    """Raises ClusterError where nothing at all could be read."""
    collector = Collector(source, max_parallel=options.max_parallel)
    slices = collector.fetch_one(Scope().slices())
    read = read_ranges(collector, options)
    endpoints = parse_slices(slices.objects) if slices.ok else None
    gaps = read.gaps
    if endpoints is None:
        gaps += (replace(missed(slices, "endpointslices"), blocking=True),)
    census = replace(read.census, endpoints=endpoints)
    collected = collector.collected(
        nodes=read.collected.nodes, nodes_read=read.collected.nodes_read
    )
    return AddressesReport(
        collected=collected,
        addresses=address_uses(asked, read.ranges, census),
        gaps=gaps,
    )
