"""What a real kube-proxy programmed against the expectation, packet by packet.

Stricter than the tool's verdicts: an alternative does not count unless a race of upstream's is
named that makes it (`UPSTREAM`), a refusal has to be of the right kind, and every packet's
masquerade and affinity are compared too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from kubectl_svcnet.model.fate import FateKind
from kubectl_svcnet.model.packet import Client
from kubectl_svcnet.model.report import FrontendTrace, NodeTrace, TraceReport, Walk
from kubectl_svcnet.model.service import FrontendKind, Service

from .reading import places, told


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`why`: the race or the fault of upstream's that makes it; "" if nothing does."""

    what: str  # endpoints, refusal, masquerade, verdict
    service: Service
    place: tuple[FrontendTrace, NodeTrace]
    wanted: str
    found: str
    walk: Walk | None = None
    why: str = ""

    def __str__(self) -> str:
        frontend = self.place[0].frontend
        client = f" from {self.walk.asked.client.value}" if self.walk else ""
        what = f"{self.what} of {frontend} ({self.service.name}){client}"
        return f"{what}: {self.wanted} expected, {self.found} found"


@dataclass(slots=True)
class Comparison:
    frontends: int = 0
    packets: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def unexplained(self) -> list[str]:
        return [str(difference) for difference in self.differences if not difference.why]

    @property
    def races(self) -> set[str]:
        return {difference.why for difference in self.differences if difference.why}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """What kube-proxies of these versions do otherwise than they mean to, or by chance."""

    where: str  # a pattern of VERSION MODE
    what: tuple[str, ...]
    when: Callable[[Difference], bool]
    why: str


def _by_chance(difference: Difference) -> bool:
    endpoints = difference.place[0].endpoints
    return any(endpoint.twins for endpoint in endpoints) and _alternative(difference)


def _zoned(difference: Difference) -> bool:
    endpoints = difference.place[0].endpoints
    return any(endpoint.zone_hints for endpoint in endpoints) and _alternative(difference)


def _alternative(difference: Difference) -> bool:
    assert difference.walk is not None
    reached = frozenset(f.endpoint for f in difference.walk.fates if f.endpoint)
    return reached in difference.walk.asked.expectation.alternatives


def _from_node(difference: Difference) -> bool:
    clients = {walk.asked.client for walk in _blocked(difference.place[1])}
    client = difference.walk.asked.client if difference.walk else None
    return difference.service.external_local and (client or clients.pop()) is Client.NODE


def _blocked(trace: NodeTrace) -> list[Walk]:
    refused = (FateKind.DROP, FateKind.REJECT)
    return [
        walk
        for walk in trace.walks
        if walk.asked.expectation.endpoints and any(f.kind in refused for f in walk.fates)
    ]


def _ranged(difference: Difference) -> bool:
    balanced = difference.place[0].frontend.kind is FrontendKind.LOAD_BALANCER_IP
    return balanced and bool(difference.service.source_ranges)


UPSTREAM = (
    Upstream(
        where=".*",
        what=("endpoints", "refusal"),
        when=_by_chance,
        why="slices disagree of an address, and are met in the order of a map",
    ),
    Upstream(
        where=r"v1\.(3[4-9])\.",
        what=("endpoints",),
        when=_zoned,
        why="the node's zone was missed at start (NewNodeTopologyConfig)",
    ),
    Upstream(
        where=r"v1\.(29|30)\.\d+ nftables",
        what=("endpoints", "verdict"),
        when=_from_node,
        why="the node's own packets meet no-endpoint-services before they are translated",
    ),
    Upstream(
        where=r"v1\.29\.\d+ nftables",
        what=("refusal", "verdict"),
        when=_ranged,
        why="source ranges are asked behind the translation, where the address is another",
    ),
    Upstream(
        where=r".* nftables",
        what=("refusal",),
        when=_ranged,
        why="source ranges are asked before it is looked whether there are endpoints",
    ),
    Upstream(
        where=r"v1\.24\.",
        what=("refusal",),
        when=lambda _: True,
        why="KUBE-MARK-DROP only marks, and what is forwarded is not asked for the mark",
    ),
)


def compare(report: TraceReport, version: str, mode: str) -> Comparison:
    comparison = Comparison()
    services = {trace.service.name: trace.service for trace in report.services}
    for place in places(report):
        frontend, node = place
        comparison.frontends += 1
        comparison.packets += len(node.walks)
        service = services[frontend.frontend.service]
        found = list(_differences(service, place, mode))
        if node.verdict.value != "ok":
            found.append(
                Difference(
                    what="verdict",
                    service=service,
                    place=place,
                    wanted="ok",
                    found=node.verdict.value,
                )
            )
        comparison.differences += [_explained(one, f"{version} {mode}") for one in found]
    return comparison


def _explained(difference: Difference, here: str) -> Difference:
    whys = (
        row.why
        for row in UPSTREAM
        if re.match(row.where, here) and difference.what in row.what and row.when(difference)
    )
    return Difference(
        what=difference.what,
        service=difference.service,
        place=difference.place,
        wanted=difference.wanted,
        found=difference.found,
        walk=difference.walk,
        why=next(whys, ""),
    )


def _differences(
    service: Service, place: tuple[FrontendTrace, NodeTrace], mode: str
) -> Iterator[Difference]:
    for walk in place[1].walks:
        for what, wanted, found in (*_ends(walk, mode), *_sources(walk)):
            yield Difference(
                what=what, service=service, place=place, wanted=wanted, found=found, walk=walk
            )


def _ends(walk: Walk, mode: str) -> Iterator[tuple[str, str, str]]:
    """Where it should arrive, or how it should be refused."""
    wanted = walk.asked.expectation
    kinds = {fate.kind.value for fate in walk.fates}
    reached = {fate.endpoint for fate in walk.fates if fate.kind is FateKind.ENDPOINT}
    if wanted.endpoints:
        if reached != wanted.endpoints or kinds != {"endpoint"}:
            yield "endpoints", _texts(wanted.endpoints), _texts(reached) or str(kinds)
        return
    refusal = "reject" if wanted.why == "no endpoints" else "drop"
    if wanted.may_pass and mode == "iptables":
        refusal = "pass"
    if kinds != {refusal}:
        yield "refusal", f"{refusal} ({wanted.why})", str(kinds)


def _sources(walk: Walk) -> Iterator[tuple[str, str, str]]:
    """Which source it should arrive with. What ends on the node keeps its own; a node's packets
    may have the right one before they are masqueraded."""
    node = walk.asked.client is Client.NODE
    for fate in walk.fates:
        if fate.kind is not FateKind.ENDPOINT or fate.endpoint is None:
            continue
        wanted = walk.asked.expectation.masquerade
        if fate.endpoint in walk.asked.expectation.here:
            wanted = False
        elif fate.endpoint.address == walk.asked.packet.source:
            wanted = True
        if fate.masquerade is not wanted and not (node and wanted):
            yield "masquerade", f"{wanted} at {fate.endpoint}", str(fate.masquerade)
    sticky = {f.endpoint for f in walk.fates if f.probability is None}
    seconds = walk.asked.expectation.affinity
    if (seconds is not None) != bool(sticky) and walk.asked.expectation.endpoints:
        yield "affinity", str(seconds), _texts(sticky)
    kept = {rule.remembers for fate in walk.fates for rule in fate.rules if rule.remembers}
    if sticky and kept != {(seconds,)}:
        yield "affinity", str(seconds), _texts(kept)


def _texts(values: object) -> str:
    return ", ".join(sorted(map(str, values)))  # type: ignore[call-overload]


def check_as_expected(report: TraceReport, version: str, mode: str, *, more_than: int) -> None:
    """Everything as expected or explained, nothing else stated, and enough was looked at."""
    comparison = compare(report, version, mode)
    assert not comparison.unexplained, "\n".join(comparison.unexplained)
    assert comparison.frontends > more_than
    named = {finding.service for finding in report.findings}
    explained = {d.service.name for d in comparison.differences if d.what == "verdict"}
    assert named == set(map(str, explained)), told(report)
    assert not [gap for gap in report.gaps if gap.blocking], told(report)
