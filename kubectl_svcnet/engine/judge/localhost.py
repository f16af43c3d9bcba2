"""Node ports asked on 127.0.0.1: SVN524.

Whether kube-proxy serves them there follows from its rules (nodePortAddresses, localhostNodePorts,
its mode); that a packet is led to an endpoint and then may not leave is the kernel's doing. So it
is walked, and only where route_localnet is off for all devices.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from itertools import islice

from ...model.address import Family
from ...model.fate import FateKind
from ...model.finding import Finding
from ...model.nodeview import NodeView
from ...model.packet import Hook, Packet
from ...model.service import Frontend, FrontendKind, Node
from ..codes import finding
from ..simulate import Simulator

LOCALHOST = ip_address("127.0.0.1")
_SYSCTL = "net.ipv4.conf.all.route_localnet"
#: Node ports that are walked, of which one whose endpoints are on other devices tells.
FEW = 3


def localhost_findings(
    node: Node, view: NodeView, served: Iterable[Frontend], vantage: str
) -> tuple[Finding, ...]:
    """`served`: frontends that have endpoints."""
    if view.sysctls.get(_SYSCTL) != "0":
        return ()
    ports = (
        one for one in served if one.kind is FrontendKind.NODE_PORT and one.family is Family.IPV4
    )
    simulator = Simulator(view)
    for one in islice(ports, FEW):
        because = _refused(simulator, one)
        if because:
            namespace, _, pod = vantage.partition("/")
            told = finding(
                "SVN524",
                f"node port {one.port}/{one.protocol.value} is not reached on 127.0.0.1: {because}",
                node=node.name,
                evidence=(f"of {one.service}; {_SYSCTL} is 0",),
                next=f"kubectl -n {namespace} exec {pod} -- "
                f"cat /proc/sys/{_SYSCTL.replace('.', '/')}",
            )
            return (told,)
    return ()


def _refused(simulator: Simulator, port: Frontend) -> str:
    packet = Packet(
        hook=Hook.OUTPUT,
        protocol=port.protocol,
        source=LOCALHOST,
        destination=LOCALHOST,
        destination_port=port.port,
    )
    dropped = (f for f in simulator.fates(packet) if f.kind is FateKind.DROP)
    return next((f.because for f in dropped if f.because.startswith("route_localnet ")), "")
