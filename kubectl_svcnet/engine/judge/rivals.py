"""Addresses that two Services claim: whom each node serves, and what the others lack for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from ...model.address import IPAddress, Protocol, SocketAddress
from ...model.finding import Finding
from ...model.report import FrontendTrace, NodeTrace, ServiceTrace, Verdict
from ...model.service import Frontend
from ..codes import finding

State = Callable[[ServiceTrace], tuple[Finding, ...]]
_Place = tuple[IPAddress, int, Protocol]


@dataclass(slots=True)
class Rivals:
    findings: list[Finding] = field(default_factory=list)
    others: list[ServiceTrace] = field(default_factory=list)  # without what those explain


def rivals(traces: Sequence[ServiceTrace], state: State) -> Rivals:
    """`state` says what is wrong with a Service; of whom a node serves another in its place, the
    finding has it among its objects."""
    claims: dict[_Place, list[tuple[ServiceTrace, FrontendTrace]]] = {}
    for trace in traces:
        for each in trace.frontends:
            place = _place(each.frontend)
            if place is not None:
                claims.setdefault(place, []).append((trace, each))
    claims = {
        place: rows
        for place, rows in claims.items()
        if len({trace.service.name for trace, _ in rows}) > 1
    }
    found = Rivals(findings=[_finding(place, rows, state) for place, rows in claims.items()])
    for trace in traces:
        kept = tuple(
            _without(each, claims.get(place, ()) if (place := _place(each.frontend)) else ())
            for each in trace.frontends
        )
        found.others.append(trace if kept == trace.frontends else replace(trace, frontends=kept))
    return found


def _place(front: Frontend) -> _Place | None:
    return None if front.address is None else (front.address, front.port, front.protocol)


def _without(
    one: FrontendTrace, rows: Iterable[tuple[ServiceTrace, FrontendTrace]]
) -> FrontendTrace:
    lost = _lost(one, rows)
    nodes = tuple(node for node in one.nodes if node not in lost)
    return replace(one, nodes=nodes) if lost else one


def _lost(
    one: FrontendTrace, rows: Iterable[tuple[ServiceTrace, FrontendTrace]]
) -> tuple[NodeTrace, ...]:
    """Nodes that serve another of those that claim its address."""
    served = frozenset[str]().union(
        *(_serving(each) for _, each in rows if each.frontend.service != one.frontend.service)
    )
    return tuple(n for n in one.nodes if n.node in served and n.verdict is not Verdict.OK)


def _serving(one: FrontendTrace) -> frozenset[str]:
    return frozenset(node.node for node in one.nodes if node.verdict is Verdict.OK)


def _finding(
    place: _Place, rows: Sequence[tuple[ServiceTrace, FrontendTrace]], state: State
) -> Finding:
    address, port, protocol = place
    fronts = [each.frontend for _, each in rows]
    who = " and ".join(f"{front.service} ({front.kind.value})" for front in fronts)
    lost = (
        replace(trace, frontends=(replace(each, nodes=nodes),))
        for trace, each in rows
        if (nodes := _lost(each, rows))
    )
    told = finding(
        "SVN413",
        f"{SocketAddress(address, port)}/{protocol.value} is claimed by {who}",
        service=str(fronts[0].service),
        evidence=tuple(
            f"{each.frontend.service} is served on {', '.join(sorted(_serving(each))) or 'no node'}"
            for _, each in rows
        ),
        next="kubectl get services -A -o wide",
    )
    return replace(told, objects=tuple(one for trace in lost for one in state(trace)))
