"""IP ranges that a cluster uses, and where each one is written down."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .address import Family, IPAddress, IPNetwork


class RangeKind(str, Enum):
    SERVICE = "Service"
    POD = "Pod"
    NODE = "Node"
    NODE_PORT = "NodePort"
    LOAD_BALANCER = "LoadBalancer"
    TUNNEL = "Tunnel"


class Confidence(str, Enum):
    STATED = "stated"  # a configuration says so
    OBSERVED = "observed"  # seen in use
    ASSUMED = "assumed"  # a default, or derived


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeClaim:
    """One place that says (or shows) one range. For a NodePort, `ports` instead of `network`."""

    kind: RangeKind
    source: str  # "kube-apiserver --service-cluster-ip-range"
    object: str  # "pod kube-system/kube-apiserver-n1"
    confidence: Confidence
    network: IPNetwork | None = None
    ports: tuple[int, int] | None = None
    node: str = ""
    evidence: str = ""  # the line or field itself, raw
    address: IPAddress | None = None  # the node's own address inside it (a bridge's, a tunnel's)


@dataclass(frozen=True, slots=True, kw_only=True)
class IPRange:
    """One range with every claim of it. `used` and `size` are None where they are not known."""

    kind: RangeKind
    text: str  # "10.96.0.0/16", "30000-32767"
    claims: tuple[RangeClaim, ...]
    family: Family | None = None
    network: IPNetwork | None = None
    node: str = ""
    used: int | None = None
    size: int | None = None
