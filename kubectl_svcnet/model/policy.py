"""NetworkPolicies (networking.k8s.io/v1), as far as they say who may reach a pod."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .address import IPNetwork, Protocol


class Operator(str, Enum):
    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    key: str
    operator: Operator
    values: tuple[str, ...] = ()


#: All of them hold of what is selected; none selects everything.
Selector = tuple[Requirement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A block, or pods: those of the policy's own namespace where `namespaces` is None."""

    block: IPNetwork | None = None
    without: tuple[IPNetwork, ...] = ()
    pods: Selector = ()
    namespaces: Selector | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortSpan:
    """`first` is None for all ports, or one by its name."""

    protocol: Protocol
    first: int | None = None
    last: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingress:
    """No `peers`: from everywhere; no `ports`: to all of them."""

    peers: tuple[Peer, ...] = ()
    ports: tuple[PortSpan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPolicy:
    """`isolates`: what enters the pods it selects is refused, but for what `ingress` lets in."""

    namespace: str
    name: str
    pods: Selector = ()
    isolates: bool = True
    ingress: tuple[Ingress, ...] = ()
