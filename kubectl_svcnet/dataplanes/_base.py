"""What programs Services on a node: whose node it is, and which names a Service has there.

A dataplane never walks rules. It says from the API alone whether a node may be its own
(`recognise`), proves it from what was read (`proof`), and knows the chain names that hashing
gives a Service (`names`), so that the first round can ask for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from ..model.address import Family, IPAddress, SocketAddress
from ..model.nodeview import Dispatched, NodeView, OwnChains
from ..model.service import Frontend, Node, Pod, Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose node it is. `reader` is None for a dataplane that cannot be read yet; `why` says
    what proves it, or what is missing. `proven` is law 2's: only then may a verdict be absent."""

    name: str  # "kube-proxy/iptables", "kube-proxy" where its mode is not known, "cilium"
    reader: Dataplane | None = None
    proven: bool = False
    why: str = ""
    next: str = ""
    blocking: bool = True


class Dataplane(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def own(self) -> OwnChains: ...

    def recognise(self, node: Node, agents: tuple[Pod, ...]) -> Owner | None:
        """From the API: may this node be mine? None: no."""

    def names(
        self, service: Service, frontend: Frontend, endpoints: Iterable[SocketAddress]
    ) -> frozenset[str]:
        """The nat chains that this frontend and the endpoints it should lead to may have."""

    def programmed(self, view: NodeView, family: Family | None = None) -> str:
        """What in the kernel shows that this dataplane programs the node, in this family or in
        any; "" if nothing."""

    def dispatched(self, view: NodeView) -> Iterable[Dispatched]:
        """The addresses with a port that it leads to Services, but of node ports; nothing of what
        was read in part."""

    def node_ports_elsewhere(self, view: NodeView, address: IPAddress) -> str:
        """Why node ports are not served at this address of the node; "" if they are."""
