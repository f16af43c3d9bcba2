"""Who else claims an address of a Service that was asked about by name, or in its namespace.

Two Services may claim one address, and a node serves one of them: what then looks like stale and
missing endpoints is the other's. So where an address is at fault, all Services are listed once for
those that claim it too.
"""

from __future__ import annotations

from ipaddress import ip_address

from ..errors import ParseError
from ..model.address import IPAddress, Protocol
from ..model.finding import Gap
from ..model.report import ServiceTrace
from ..model.service import Frontend, Service, ServiceName, frontends
from ..parse.kube import parse_service
from ..parse.kube_fields import Json
from .collect import Collector, gap_of
from .inventory import Scope
from .judging import Judged, services_of
from .trace import Tracing

_Place = tuple[IPAddress, int, Protocol]


def trace_claims(
    tracing: Tracing, judged: Judged
) -> tuple[tuple[ServiceTrace, ...], tuple[Gap, ...]]:
    """The Services that are not among the `judged` and claim an address that is at fault there."""
    names, gaps = _unread_claims(tracing.collector, judged)
    return (services_of(tracing.of_others(names).outcome()) if names else ()), gaps


def _unread_claims(
    collector: Collector, judged: Judged
) -> tuple[tuple[ServiceName, ...], tuple[Gap, ...]]:
    at_fault = {_place(front, t.address) for (front, _), t in judged.items() if t.amiss} - {None}
    if not at_fault:
        return (), ()
    request = Scope().services()
    listed = collector.fetch_one(request)
    if listed.failure is not None:
        what = "who else claims the address"
        return (), (gap_of(request, listed.failure, what=what, blocking=False),)
    known = {frontend.service for frontend, _ in judged}
    found = [
        service.name
        for service in map(_maybe_service, listed.objects)
        if service is not None
        and service.name not in known
        and any(_place(frontend) in at_fault for frontend in frontends(service))
    ]
    return tuple(sorted(found)), ()


def _place(front: Frontend, dialled: str | None = None) -> _Place | None:
    """`dialled`: where a node port was, which may be an external IP of another Service."""
    address = front.address or (ip_address(dialled) if dialled else None)
    return None if address is None else (address, front.port, front.protocol)


def _maybe_service(item: Json) -> Service | None:
    try:
        return parse_service(item)
    except ParseError:
        return None
