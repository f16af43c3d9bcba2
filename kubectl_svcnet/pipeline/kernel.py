"""What `check` reads and states of the nodes' kernels beside their rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..engine.judge.health import health_findings
from ..engine.judge.kernel import conntrack_findings, hairpin_findings, kernel_findings
from ..engine.judge.localhost import localhost_findings
from ..model.address import IPAddress, Protocol, SocketAddress
from ..model.commands import Command
from ..model.finding import Finding, Gap
from ..model.service import dialled, frontends
from ..node.bridges import BRIDGE_PORTS, read_bridge_ports
from ..node.conntrack import conntrack_commands, read_conntrack
from .expected import Expected
from .inventory import ServicesRead
from .nodes import NodeReading


def commands_beside(read: ServicesRead) -> tuple[Command, ...]:
    """For each node's first round: tracked connections to the UDP ports of these Services, and
    the ports of bridges."""
    ports, answering = set(), set()
    for service in read.services:
        for frontend in frontends(service):
            if frontend.protocol is Protocol.UDP:
                ports.add(frontend.port)
        answering |= {
            endpoint.address
            for endpoint in read.endpoints.get(service.name, ())
            if endpoint.protocol is Protocol.UDP
        }
    return BRIDGE_PORTS, *conntrack_commands(ports, answering)


def judge(
    expected: Expected, readings: Iterable[NodeReading]
) -> tuple[list[Finding], tuple[Gap, ...]]:
    found: list[Finding] = []
    gaps: dict[Gap, None] = {}
    targets = [f for service in expected.services for f in frontends(service)]
    served = [frontend for frontend in targets if expected.of(frontend)]
    families = frozenset(frontend.family for frontend in targets)
    for reading in readings:
        if reading.view is None or reading.vantage is None:
            continue
        vantage = f"{reading.vantage.namespace}/{reading.vantage.pod}"
        found += kernel_findings(reading.node, reading.view, families, vantage)
        services: dict[SocketAddress, str] = {}
        answering: dict[SocketAddress, frozenset[SocketAddress]] = {}
        for frontend in targets:
            address = dialled(frontend, reading.node)
            if frontend.protocol is Protocol.UDP and address is not None:
                place = SocketAddress(address, frontend.port)
                services[place] = str(frontend.service)
                answering[place] = frozenset(e.address for e in expected.of(frontend))
        found += localhost_findings(reading.node, reading.view, served, vantage)
        found += health_findings(reading.node, reading.view, expected.services)
        ports, unseen = read_bridge_ports(reading.captures)
        here = _here(expected, reading)
        found += hairpin_findings(reading.node, reading.view, ports, here, vantage)
        seen, more = read_conntrack(reading.captures)
        found += conntrack_findings(reading.node, seen, services, answering, vantage)
        gaps |= dict.fromkeys(replace(gap, node=reading.node.name) for gap in (*unseen, *more))
    return found, tuple(gaps)


def _here(expected: Expected, reading: NodeReading) -> dict[str, list[IPAddress]]:
    """By Service that has an address to be dialled: the addresses of its endpoints on this node."""
    found: dict[str, list[IPAddress]] = {}
    for service in expected.services:
        every = expected.endpoints.get(service.name, ()) if frontends(service) else ()
        here = [e.address.address for e in every if e.ready and e.node == reading.node.name]
        if here:
            found[str(service.name)] = here
    return found
