"""Antrea: the range of its own node allocator, and its pools for pods.

antrea-controller.conf states clusterCIDRs only where Antrea allocates in the controller manager's
stead. An IPPool (crd.antrea.io) holds networks or stretches of addresses that chosen namespaces
and pods draw from, beside node.spec.podCIDRs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from ipaddress import ip_address, summarize_address_range
from typing import Any

from ..errors import ParseError
from ..model.address import IPNetwork
from ..model.capture import Capture, Request
from ..model.iprange import NODE_IPAM, Census, Confidence, RangeClaim, RangeKind
from ..parse.antrea import parse_antrea_agent, parse_antrea_controller
from ..parse.fields import name_of, networks_at, text_at
from ..parse.kube import parse_config_map
from ._base import (
    Place,
    Reading,
    claims_of,
    config_map_request,
    found_object,
    typed,
)
from ._objects import Resource
from ._pods import pods_of

_VOLUME = "antrea-config"  # of the agent; older releases hang a checksum on the ConfigMap's name
_KEY, _AGENT_KEY = "antrea-controller.conf", "antrea-agent.conf"
_WHAT = "antrea clusterCIDRs"
_POOLS = Resource(
    "Antrea IPPool",
    "ippools.crd.antrea.io",
    ("/apis/crd.antrea.io/v1beta1/ippools", "/apis/crd.antrea.io/v1alpha2/ippools"),
)


class _Antrea:
    name = "antrea"
    kinds = frozenset({RangeKind.POD})
    trust = 1

    def recognise(self, census: Census) -> tuple[Place, ...]:
        agents = [
            pod
            for pod in pods_of(census, ("component", "antrea-agent"))
            if pod.labels.get("app") == "antrea"
        ]
        where = dict.fromkeys(
            (pod.namespace, pod.config_maps.get(_VOLUME, _VOLUME)) for pod in agents
        )
        places = [Place(object=f"configmap {'/'.join(w)}", config_map=w, key=_KEY) for w in where]
        return (*places, Place(object=_POOLS.kubectl)) if places else ()

    def requests(self, place: Place) -> tuple[Request, ...]:
        return config_map_request(place) if place.config_map else _POOLS.requests()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        if place.config_map is None:
            return _POOLS.read(captures, _pool)
        found, gaps = found_object(captures, _WHAT)
        if found is None:
            return Reading(gaps=gaps)
        return typed(partial(_configured, place, found), what=_WHAT, place=place)


def _configured(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    data = parse_config_map(item).data
    pods = parse_antrea_controller(data.get(_KEY, ""))
    services = parse_antrea_agent(data.get(_AGENT_KEY, ""))
    return claims_of(
        pods,
        kind=RangeKind.POD,
        source=_WHAT,
        object=place.object,
        evidence=f"nodeIPAM.clusterCIDRs: {', '.join(map(str, pods))}",
        allocator=NODE_IPAM,
    ) + claims_of(
        services,
        kind=RangeKind.SERVICE,
        source="antrea serviceCIDR",
        object=place.object,
        evidence=f"serviceCIDR: {', '.join(map(str, services))}",
        confidence=Confidence.ASSUMED,  # with AntreaProxy nothing follows it
    )


def _pool(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    """Not `stated`: a pool is one beside the cluster's range, and says nothing against it."""
    claims: tuple[RangeClaim, ...] = ()
    spec = item.get("spec")
    ranges = spec.get("ipRanges") if isinstance(spec, Mapping) else None
    for part in ranges if isinstance(ranges, list) else ():
        first, last = text_at(part, "start"), text_at(part, "end")
        networks = networks_at(part, "cidr") or _stretch(first, last)
        claims += claims_of(
            networks,
            kind=RangeKind.POD,
            source=f"Antrea IPPool/{name_of(item)}",
            object=place.object,
            confidence=Confidence.OBSERVED,
            evidence=f"spec.ipRanges: {text_at(part, 'cidr') or f'{first}-{last}'}",
        )
    return claims


def _stretch(first: str, last: str) -> tuple[IPNetwork, ...]:
    """The networks that make up a stretch of addresses."""
    try:
        return tuple(summarize_address_range(ip_address(first), ip_address(last)))
    except (ValueError, TypeError) as error:
        raise ParseError("not a stretch of addresses", text=f"{first}-{last}") from error


SOURCE = _Antrea()
