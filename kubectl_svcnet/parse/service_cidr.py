"""ServiceCIDR objects (networking.k8s.io v1, v1beta1) as JSON: the API's own list of ranges.

A range is in use until the deletion of its object is through (KEP-1880), so one with a deletion
timestamp counts; but of one whose condition Ready is not True the API server gives no further
addresses (pkg/registry/core/service/ipallocator/cidrallocator.go, isReady). A CIDR that is none
raises ParseError.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ParseError
from ..model.address import IPNetwork
from .cidr import parse_networks
from .kube_fields import mapping, mappings


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCIDR:
    name: str
    networks: tuple[IPNetwork, ...]
    deleting: bool = False
    closed: bool = False


def parse_service_cidr(item: Mapping[str, Any]) -> ServiceCIDR:
    meta, spec = item.get("metadata"), item.get("spec")
    name = meta.get("name") if isinstance(meta, Mapping) else None
    cidrs = spec.get("cidrs") if isinstance(spec, Mapping) else None
    if not isinstance(name, str) or not name or not isinstance(meta, Mapping):
        raise ParseError("a ServiceCIDR without a name", text=str(item)[:120])
    if not isinstance(cidrs, list) or not all(isinstance(cidr, str) for cidr in cidrs):
        raise ParseError(f"ServiceCIDR {name} without cidrs", text=str(item)[:120])
    return ServiceCIDR(
        name=name,
        networks=parse_networks(",".join(cidrs)),
        deleting="deletionTimestamp" in meta,
        closed=any(
            condition.get("type") == "Ready" and condition.get("status") != "True"
            for condition in mappings(mapping(item, "status"), "conditions")
        ),
    )
