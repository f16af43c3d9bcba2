"""Health check node ports that a load balancer cannot ask: SVN525.

Under externalTrafficPolicy Local kube-proxy itself answers there, on each node, whether it has
endpoints; a node that does not answer is left out by the load balancer. A packet from outside is
walked; what answers it is no rule's business. Where rules may let in others, the balancer may be
among them, which nothing tells.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address

from ...model.address import Protocol
from ...model.fate import Fate, FateKind
from ...model.finding import Finding, Level
from ...model.nodeview import NodeView
from ...model.packet import Hook, Packet
from ...model.service import Node, Service
from ..codes import finding
from ..simulate import Routing, Simulator
from .findings import blame

#: A client outside, of a block that RFC 5737 keeps for documentation.
_BALANCER = ip_address("198.51.100.77")


def health_findings(node: Node, view: NodeView, services: Iterable[Service]) -> tuple[Finding, ...]:
    asked = [s for s in services if s.health_check_node_port and not s.other_proxy]
    address = next((one for one in node.addresses if one.version == 4), None)
    if not asked or address is None:
        return ()
    device = Routing(view).way(_BALANCER).device
    simulator = Simulator(view)
    found = []
    for service in asked:
        port = service.health_check_node_port
        packet = Packet(
            hook=Hook.PREROUTING,
            protocol=Protocol.TCP,
            source=_BALANCER,
            destination=address,
            destination_port=port,
            in_interface=device,
        )
        fates = simulator.fates(packet)
        if _lost(fates):
            whoever = _lost(simulator.fates(replace(packet, source=None)))
            some = "" if whoever else f", if it is from {_BALANCER}; others may be let in"
            found.append(
                finding(
                    "SVN525",
                    f"its load balancer's question at health check node port {port} is "
                    f"{_LOST[fates[0].kind]}{some}",
                    service=str(service.name),
                    node=node.name,
                    evidence=blame(fates[0]) or _rules(fates[0]),
                    next=f"kubectl svcnet packet tcp {_BALANCER} {address}:{port} "
                    f"--node {node.name}",
                    level=None if whoever else Level.INFO,
                )
            )
    return tuple(found)


_LOST = {
    FateKind.DROP: "dropped",
    FateKind.REJECT: "refused",
    FateKind.ENDPOINT: "led elsewhere",
}


def _lost(fates: Iterable[Fate]) -> bool:
    return all(fate.kind in _LOST for fate in fates)


def _rules(fate: Fate) -> tuple[str, ...]:
    rule = fate.translated_by
    return (f"{rule}  {rule.raw}",) if rule else ()
