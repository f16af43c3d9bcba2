"""What the kernel does with the first packet of a flow: the *set* of its possible fates.

This is the one judge behind `trace`, `check` and `packet`. It answers `unread` where a chain was
not read and `unknown` where something is not understood and could change the outcome; it never
guesses. A packet that arrives at an endpoint is `endpoint` even if that is the node itself;
`masquerade` says whether the endpoint sees another source address than the one it was sent from.
"""

from __future__ import annotations

from ...model.address import Family
from ...model.fate import Fate
from ...model.nodeview import NodeView
from ...model.packet import Hook, Packet
from .answers import answered
from .fates import fates_of
from .flow import Branch, Flow
from .path import Path
from .repeats import Repeats
from .routing import Routing
from .stages import Plan
from .walk import Bases, Walk, fed_sets

#: `Routing` too is had from here: importlib locks a module before its package, so of two threads
#: one that imports `simulate.routing` and one that imports this package may block each other.
__all__ = ["Routing", "Simulator", "simulate"]


class Simulator:
    """One node, many packets: what can be worked out once about the node is kept."""

    def __init__(self, view: NodeView) -> None:
        self._view, self._routing = view, Routing(view)
        self._plan = Plan(view.nft_tables, view.ipvs, view.nft_order)
        self._bases: dict[tuple[Family, str, str], Bases] = {}
        self._repeats, self._fed = Repeats(), fed_sets(view)

    def fates(self, packet: Packet, *, explain: bool = False) -> tuple[Fate, ...]:
        """Every possible fate; `steps` are filled only if `explain` asks for them."""
        walk = Walk(
            self._view,
            packet,
            self._routing,
            explain,
            known=self._bases,
            repeats=self._repeats,
            fed=self._fed,
        )
        path = Path(walk, self._plan)
        own = packet.hook is Hook.OUTPUT
        branch = Branch(
            Flow(
                family=packet.family,
                protocol=packet.protocol,
                source=packet.source,
                source_port=packet.source_port,
                destination=packet.destination,
                destination_port=packet.destination_port,
                in_device="" if own else packet.in_interface,
                out_device="",
                physical_in=packet.physical_in,
                own=own,
                mark=packet.mark,
            )
        )
        ends = path.from_process(branch) if own else path.forwarded_or_local(branch)
        ends = [told for end in ends for told in answered(path, self._routing, end)]
        return fates_of(ends, frozenset(walk.wanted))


def simulate(view: NodeView, packet: Packet, *, explain: bool = False) -> tuple[Fate, ...]:
    """Every possible fate of the first packet of a flow on this node."""
    return Simulator(view).fates(packet, explain=explain)
