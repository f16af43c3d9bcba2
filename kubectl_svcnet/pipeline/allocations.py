"""IPAddress objects: whether an address of a Service range that no Service has is given out anyway.

The API server's allocator keeps one for each ClusterIP (KEP-1880; networking.k8s.io/v1, v1beta1 in
1.31 and 1.32) and gives nobody an address that has one. Of a Service that is gone it stays until a
repair loop finds it (pkg/registry/core/service/ipallocator/controller/repairip.go), and of what
others reserve for good. A cluster without the resource answers 404, as where there is no object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..errors import ParseError
from ..model.address import IPAddress
from ..model.capture import ApiRequest, Capture, Reason
from ..model.finding import Gap
from ..parse.fields import text_at
from ..parse.kube import parse_service
from ..parse.kube_fields import Json
from ..ranges import missed
from .collect import Collector
from .inventory import Scope

_PATHS = tuple(f"/apis/networking.k8s.io/{version}/ipaddresses" for version in ("v1", "v1beta1"))
_MOST = 100  # asked one by one; free text may hold thousands
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocations:
    """`owners` of addresses that are given out. Of what could not be asked a gap tells: no Service
    has it, and what one that is gone has left there is repaired within minutes."""

    owners: dict[IPAddress, str] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()


def read_allocations(collector: Collector, addresses: Iterable[IPAddress]) -> Allocations:
    wanted = list(addresses)
    asked, rest = wanted[:_MOST], wanted[_MOST:]
    requests = [ApiRequest(path=f"{path}/{a}", many=False) for a in asked for path in _PATHS]
    captures = collector.map(collector.fetch_one, requests)
    found: list[tuple[IPAddress, Json]] = []
    gaps: list[Gap] = []
    for address, *answers in zip(asked, captures[::2], captures[1::2], strict=True):
        failed = [c for c in answers if not (c.ok or c.failed(Reason.NOT_FOUND))]
        objects = [c.objects[0] for c in answers if c.ok and c.objects]
        if objects:
            found.append((address, objects[0]))
        elif failed and not gaps:  # the others' is the same, but for the address
            gaps.append(missed(failed[0], "ipaddresses"))
    if rest:
        why = f"{len(wanted)} addresses of Service ranges have no Service; {_MOST} were looked up"
        gaps.append(Gap(what="ipaddresses", why=why))
    owners = collector.map(lambda one: _owner(collector, *one), found)
    return Allocations(
        owners={address: owner for (address, _), owner in zip(found, owners, strict=True)},
        gaps=tuple(gaps),
    )


def _owner(collector: Collector, address: IPAddress, item: Json) -> str:
    """Whom it is given to, and whether that has it: read anew, as it may just have been made."""
    parent = {key: text_at(item, f"spec.parentRef.{key}") for key in _PARENT}
    group, resource, namespace, name = parent.values()
    kind = f"{resource}.{group}" if group else resource
    place = f"{namespace}/{name}" if namespace else name
    if kind != "services":
        return f"{kind} {place}".strip()
    service = f"service {place}"
    if not (_NAME.fullmatch(namespace) and _NAME.fullmatch(name)):
        return service
    answer = collector.fetch_one(Scope(namespace=namespace, name=name).services())
    return service + _holds(address, answer)


_PARENT = ("group", "resource", "namespace", "name")


def _holds(address: IPAddress, answer: Capture) -> str:
    if answer.failed(Reason.NOT_FOUND):
        return ", which does not exist"
    try:
        services = [parse_service(item) for item in answer.objects]
    except ParseError:
        return ""
    if not answer.ok or any(address in service.cluster_ips for service in services):
        return ""
    return ", which does not have it"
