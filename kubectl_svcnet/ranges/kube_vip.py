"""kube-vip's address pools: ConfigMap kube-system/kubevip of its cloud provider.

Keys `cidr-NAMESPACE` and `range-NAMESPACE`, `global` for all namespaces; values are lists separated
by commas (kube-vip-cloud-provider README). Without the cloud provider nobody gives addresses out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..model.capture import Capture, Request
from ..model.iprange import Census, RangeClaim, RangeKind
from ..parse.kube import parse_config_map
from ._base import Place, Reading, config_map_request, found_object, typed
from ._pods import pods_of
from ._pools import pool_claims

_WHERE = ("kube-system", "kubevip")
_KEYS = ("cidr-", "range-")
_LABELS = (
    ("app", "kube-vip"),
    ("app.kubernetes.io/name", "kube-vip-ds"),
    ("app.kubernetes.io/name", "kube-vip"),
    ("app.kubernetes.io/name", "kube-vip-cloud-provider"),
    ("component", "kube-vip-cloud-provider"),
)


class _KubeVip:
    name = "kube-vip"
    kinds = frozenset({RangeKind.LOAD_BALANCER})
    trust = 1

    def recognise(self, census: Census) -> tuple[Place, ...]:
        if not pods_of(census, *_LABELS):
            return ()
        return (Place(object=f"configmap {'/'.join(_WHERE)}", config_map=_WHERE),)

    def requests(self, place: Place) -> tuple[Request, ...]:
        return config_map_request(place)

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        found, gaps = found_object(captures, "configmap kubevip")
        if found is None:
            return Reading(gaps=gaps)
        return typed(partial(_claims, place, found), what="configmap kubevip", place=place)


def _claims(place: Place, item: Mapping[str, Any]) -> tuple[RangeClaim, ...]:
    return tuple(
        claim
        for key, value in parse_config_map(item).data.items()
        if key.startswith(_KEYS)
        for claim in pool_claims((value,), source=f"kubevip {key}", object=place.object)
    )


SOURCE = _KubeVip()
