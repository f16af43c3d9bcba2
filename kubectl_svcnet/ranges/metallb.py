"""MetalLB's address pools: IPAddressPool (metallb.io/v1beta1), before 0.13 ConfigMap `config`.

`autoAssign: false` is a pool for those who ask for it by name. The ConfigMap lies in the namespace
of MetalLB's pods; a cluster that was moved to 0.13 may have kept it, and then it counts no longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..model.capture import Capture, Request
from ..model.iprange import Census, RangeClaim, RangeKind
from ..parse.fields import name_of, text_at, texts_at
from ..parse.kube import parse_config_map
from ..parse.metallb import parse_metallb_config
from ._base import Place, Reading, config_map_request, found_object, joined, typed
from ._objects import Resource
from ._pods import pods_of
from ._pools import pool_claims

_CONFIG_MAP = "config"
_POOLS = Resource(
    "IPAddressPool", "ipaddresspools.metallb.io", ("/apis/metallb.io/v1beta1/ipaddresspools",)
)


class _MetalLB:
    name = "metallb"
    kinds = frozenset({RangeKind.LOAD_BALANCER})
    trust = 1

    def recognise(self, census: Census) -> tuple[Place, ...]:
        found = pods_of(census, ("app", "metallb"), ("app.kubernetes.io/name", "metallb"))
        return tuple(
            Place(
                object=f"configmap {namespace}/{_CONFIG_MAP}", config_map=(namespace, _CONFIG_MAP)
            )
            for namespace in dict.fromkeys(pod.namespace for pod in found)
        )

    def requests(self, place: Place) -> tuple[Request, ...]:
        return (*_POOLS.requests(), *config_map_request(place))

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        pools = _POOLS.read(captures, _pool)
        if pools.claims:
            return pools
        old, gaps = found_object(captures[len(_POOLS.paths) :], f"metallb {_CONFIG_MAP}")
        if old is None:
            return joined(pools, Reading(gaps=gaps))
        return joined(pools, typed(partial(_old, place, old), what="metallb config", place=place))


def _pool(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    by_hand = text_at(item, "spec.autoAssign") == "false"
    return pool_claims(
        texts_at(item, "spec.addresses[]"),
        source=f"IPAddressPool/{name_of(item)}",
        object=place.object,
        note=" (autoAssign: false)" if by_hand else "",
    )


def _old(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    pools = parse_metallb_config(parse_config_map(item).data.get(_CONFIG_MAP, ""))
    return tuple(
        claim
        for name, spans in pools
        for claim in pool_claims(spans, source=f"metallb pool {name}", object=place.object)
    )


SOURCE = _MetalLB()
