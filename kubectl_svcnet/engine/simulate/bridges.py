"""What br_netfilter does with packets that came by a port of a bridge, and -m physdev.

While it passes bridged frames up to iptables, a packet that DNAT sends back to its own bridge is
not routed but bridged on (br_nf_pre_routing_finish: bridged_dnat). FORWARD sees the bridge on
both sides then, POSTROUTING no input device at all (br_nf_post_routing).
"""

from __future__ import annotations

from collections.abc import Mapping

from ...model import matches as m
from ...model.address import Family, IPAddress
from .flow import Flow
from .questions import Answer, NotKnown, Place, either
from .routing import Routing

_TOOLS = {Family.IPV4: "iptables", Family.IPV6: "ip6tables"}
_WHY = "the bridge port is not known"


def bridged_on(
    flow: Flow, sent_to: IPAddress, routing: Routing, sysctls: Mapping[str, str]
) -> bool | None:
    """Does it leave by another port of the bridge that it came by? `flow` is routed already."""
    if flow.own or flow.destination == sent_to:
        return False
    if None not in (flow.in_device, flow.out_device) and flow.in_device != flow.out_device:
        return False
    shown = passed_up(flow.family, sysctls)
    by_port = _came_by(m.Physdev("is-in"), flow, routing)
    if shown is False or by_port is False:
        return False
    known = shown and by_port and flow.in_device is not None and flow.out_device is not None
    return True if known else None


def physdev(match: m.Physdev, flow: Flow, place: Place) -> Answer:
    if match.question != "out" or not match.negated:
        return either(_holds(match, flow, place), match.negated, _WHY)
    came_by_port = _holds(m.Physdev("is-in"), flow, place)
    if came_by_port is False:
        return True
    # What came by a port and leaves by none has no name to differ (xt_physdev.c, match_outdev).
    return False if came_by_port and flow.bridged is False else NotKnown(_WHY)


def _holds(match: m.Physdev, flow: Flow, place: Place) -> bool | None:
    """Without the negation. xt_physdev.c sees ports only of what br_netfilter passed up."""
    if flow.own:
        return False
    if match.question in ("in", "is-in"):
        shown = passed_up(flow.family, place.sysctls)
        return _came_by(match, flow, place.routing) if shown else shown
    if flow.bridged is False or not match.name:
        return flow.bridged
    return None if _has_port(match.name, flow.out_device, place.routing) is not False else False


def passed_up(family: Family, sysctls: Mapping[str, str]) -> bool | None:
    """Where the others are known and it is not, the module is not loaded."""
    value = sysctls.get(f"net.bridge.bridge-nf-call-{_TOOLS[family]}")
    return value == "1" if value is not None or sysctls else None


def _came_by(match: m.Physdev, flow: Flow, routing: Routing) -> bool | None:
    if flow.physical_in is not None:
        return not match.name or named(flow.physical_in, match.name)
    device = flow.out_device if flow.bridged else flow.in_device
    return False if _has_port(match.name, device, routing) is False else None


def _has_port(name: str, device: str | None, routing: Routing) -> bool | None:
    """May a packet have come by such a port of this device?"""
    ports = routing.ports_of(device)
    return None if ports is None else any(not name or named(port, name) for port in ports)


def named(device: str, name: str) -> bool:
    """As -i and -o compare: a `+` at its end stands for any rest."""
    return device.startswith(name[:-1]) if name.endswith("+") else device == name
