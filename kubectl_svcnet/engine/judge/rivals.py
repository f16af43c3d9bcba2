"""Addresses that two Services claim: whom each node serves, and what the others lack for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from ...model.address import IPAddress, Protocol, SocketAddress
from ...model.finding import Finding
from ...model.report import FrontendTrace, NodeTrace, ServiceTrace, Verdict
from ...model.service import Frontend
from ..codes import finding

State = Callable[[ServiceTrace], tuple[Finding, ...]]
_OPEN = (Verdict.UNREAD, Verdict.UNKNOWN)
_Place = tuple[IPAddress, int, Protocol]
_Row = tuple[ServiceTrace, FrontendTrace]


@dataclass(slots=True)
class Rivals:
    findings: list[Finding] = field(default_factory=list)
    others: list[ServiceTrace] = field(default_factory=list)  # without what those explain


def rivals(traces: Sequence[ServiceTrace], state: State) -> Rivals:
    """`state` says what is wrong with a Service; of whom a node serves another in its place, the
    finding has it among its objects."""
    claims = _claims(traces)
    lost: dict[Frontend, list[NodeTrace]] = {}
    for rows in claims.values():
        for _, one in rows:
            lost.setdefault(one.frontend, []).extend(_lost(one, rows))
    found = Rivals(findings=[_finding(place, rows, state) for place, rows in claims.items()])
    for trace in traces:
        kept = tuple(_without(each, lost.get(each.frontend, ())) for each in trace.frontends)
        found.others.append(trace if kept == trace.frontends else replace(trace, frontends=kept))
    return found


def _claims(traces: Iterable[ServiceTrace]) -> dict[_Place, list[_Row]]:
    """By what is dialled, where several Services claim it. A node port is dialled at each node's
    own address, which may be an external IP of another."""
    claims: dict[_Place, list[_Row]] = {}
    ports: list[_Row] = []
    for trace in traces:
        for each in trace.frontends:
            if (address := each.frontend.address) is None:
                ports.append((trace, each))
            else:
                claims.setdefault(_place(address, each.frontend), []).append((trace, each))
    numbers = {(port, protocol) for _, port, protocol in claims}
    for trace, each in ports:
        for node in each.nodes if (each.frontend.port, each.frontend.protocol) in numbers else ():
            place = _place(ip_address(node.address), each.frontend) if node.address else None
            if place in claims:
                claims[place].append((trace, replace(each, nodes=(node,))))
    return {
        place: rows
        for place, rows in claims.items()
        if len({trace.service.name for trace, _ in rows}) > 1
    }


def _place(address: IPAddress, front: Frontend) -> _Place:
    return address, front.port, front.protocol


def _without(one: FrontendTrace, lost: Collection[NodeTrace]) -> FrontendTrace:
    return replace(one, nodes=tuple(n for n in one.nodes if n not in lost)) if lost else one


def _lost(one: FrontendTrace, rows: Iterable[_Row]) -> tuple[NodeTrace, ...]:
    """Nodes that serve another of those that claim its address."""
    served = frozenset[str]().union(
        *(_serving(each) for _, each in rows if each.frontend.service != one.frontend.service)
    )
    return tuple(n for n in one.nodes if n.node in served and n.verdict is not Verdict.OK)


def _serving(one: FrontendTrace) -> frozenset[str]:
    return frozenset(node.node for node in one.nodes if node.verdict is Verdict.OK)


def _where(one: FrontendTrace) -> str:
    served = ", ".join(sorted(_serving(one))) or "no node"
    unknown = ", ".join(sorted(n.node for n in one.nodes if n.verdict in _OPEN))
    return f"{served}; not known of {unknown}" if unknown else served


def _finding(place: _Place, rows: Sequence[_Row], state: State) -> Finding:
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
        evidence=tuple(f"{each.frontend.service} is served on {_where(each)}" for _, each in rows),
        next="kubectl get services -A -o wide",
    )
    return replace(told, objects=tuple(one for trace in lost for one in state(trace)))
