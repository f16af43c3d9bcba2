"""How many Services were looked at, and how they fared: the last line of a check."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...model.report import FAULTS, Coverage, NodeTrace, ServiceTrace, Verdict

_OPEN = (Verdict.UNREAD, Verdict.UNKNOWN)


def coverage_of(services: Sequence[ServiceTrace], read: frozenset[str], nodes: int) -> Coverage:
    """`read`: the nodes that were. On the others every Service is unread, which the gaps say."""
    kinds = [_kind(service, read) for service in services]
    where = {
        trace.node
        for service in services
        for trace in _places(service)
        if trace.settled and FAULTS.intersection(trace.problems)
    }
    return Coverage(
        ok=kinds.count("ok"),
        differ=kinds.count("differ"),
        where=tuple(sorted(where)),
        unsettled=kinds.count("unsettled"),
        unknown=kinds.count("unknown"),
        without=kinds.count("without"),
        nodes=nodes,
        nodes_read=len(read),
    )


def _places(service: ServiceTrace) -> Iterable[NodeTrace]:
    return (trace for frontend in service.frontends for trace in frontend.nodes)


def _kind(service: ServiceTrace, read: frozenset[str]) -> str:
    if service.sentence:
        return "without"
    places = list(_places(service))
    faulty = [trace for trace in places if FAULTS.intersection(trace.problems)]
    if faulty:
        return "differ" if any(trace.settled for trace in faulty) else "unsettled"
    here = [trace for trace in places if trace.node in read and not trace.excused]
    open_ = any(trace.verdict in _OPEN for trace in here)
    return "unknown" if open_ or not here else "ok"
