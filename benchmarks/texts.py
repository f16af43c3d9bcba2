"""How fast a saved dump answers for one Service, beside the node's own time to print it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from kubectl_svcnet.dataplanes.kube_proxy_iptables import OWN
from kubectl_svcnet.engine.simulate import simulate
from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.fate import Backend
from kubectl_svcnet.model.nodeview import InterfaceAddress, NodeView, Route
from kubectl_svcnet.model.packet import Hook, Packet
from kubectl_svcnet.model.ruleset import Ruleset
from kubectl_svcnet.parse.iptables_save import parse_save
from tests.lab import namespaces, node
from tests.lab.shell import LabError, run
from tests.lab.topology import Node

from .figures import median_of
from .sizes import PORT, Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Seconds: the node printing its dump, splitting it by chain, walking one packet."""

    lines: int
    printing: float
    parsing: float
    walking: float


def measure(where: Node, size: Size, address: str, times: int) -> Answered:
    found = [once(where, size, address) for _ in range(times)]
    return Answered(
        lines=found[-1].lines,
        printing=median_of(found, lambda each: each.printing),
        parsing=median_of(found, lambda each: each.parsing),
        walking=median_of(found, lambda each: each.walking),
    )


def once(where: Node, size: Size, address: str) -> Answered:
    backend = node.backend(where)
    started = time.monotonic()
    text = run([*namespaces.prefix(where), f"iptables-{backend}-save"], timeout=600)
    printed = time.monotonic()
    view = view_of(text, Backend(backend), where)
    parsed = time.monotonic()
    reached = endpoints(view, where, address)
    walked = time.monotonic()
    if len(reached) != size.endpoints:
        raise LabError(f"The dump of {where.name} leads to {reached}, not to {size.endpoints}.")
    return Answered(
        lines=text.count("\n"),
        printing=printed - started,
        parsing=parsed - printed,
        walking=walked - parsed,
    )


def view_of(text: str, backend: Backend, where: Node) -> NodeView:
    """With the little beside its rules that a packet's way needs."""
    family = Family.IPV4
    [other] = {Backend.NFT, Backend.LEGACY} - {backend}
    own = ip_address(where.ipv4)
    pods = ip_network(where.pod_range4)
    routes = (
        Route(destination=ip_network("0.0.0.0/0"), interface="eth0", gateway=own),
        Route(destination=pods, interface="cni0"),
    )
    return NodeView(
        node=where.name,
        rulesets={
            (family, backend): parse_save(text, family, backend),
            (family, other): Ruleset(family=family, backend=other, complete=True),
        },
        addresses=(InterfaceAddress(own, "eth0", 24), InterfaceAddress(pods[1], "cni0", 24)),
        routes=routes,
        sysctls={"net.ipv4.ip_forward": "1"},
        own=OWN,
    )


def endpoints(view: NodeView, where: Node, address: str) -> Sequence[str]:
    packet = Packet(
        hook=Hook.PREROUTING,
        protocol=Protocol.TCP,
        source=ip_network(where.pod_range4)[9],
        destination=ip_address(address),
        destination_port=PORT,
        in_interface="cni0",
    )
    return [str(fate.endpoint) for fate in simulate(view, packet) if fate.endpoint is not None]
