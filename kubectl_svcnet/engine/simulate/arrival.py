"""What the node does with a packet that came in through a device, beside its rules.

Martians (ip_route_input_slow): addresses of loopback without route_localnet, a source that is the
node's own without accept_local. The filter on the way back (__fib_validate_source): rp_filter 1
wants it out of the same device, 2 any way at all. IPv6 looks at none of them; loopback addresses
it drops before the first hook (ip6_rcv_core).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address

from ...model.address import Family, IPAddress
from ...model.fate import FateKind
from ...model.packet import Hook, Packet
from .flow import Ending, Flow, Way
from .routing import LOOPBACK, Routing, Sought

_CONF = "net.ipv4.conf"
_LOCALHOST = ip_address("127.0.0.1")
_EVERYBODY = ip_address("255.255.255.255")


def refused_on_the_wire(flow: Flow) -> Ending | None:
    """Before PREROUTING, and what a translation there made such (measured)."""
    if flow.family is Family.IPV4 or flow.in_device == LOOPBACK:
        return None
    for address in (flow.source, flow.destination):
        if address is not None and address.is_loopback:
            return Ending(FateKind.DROP, f"{address} comes in from outside")
    return None


def refused_after_prerouting(flow: Flow, sysctls: Mapping[str, str]) -> Ending | None:
    """Before any route is looked up."""
    if flow.family is Family.IPV6:
        return refused_on_the_wire(flow)
    if flow.in_device == LOOPBACK:
        return None
    for address in (flow.destination, flow.source):
        if address is not None and address.is_loopback:
            refused = _loopback_refused(flow.in_device, sysctls)
            if refused is not None:
                return refused
    return None


def refused_by_source(flow: Flow, routing: Routing, sysctls: Mapping[str, str]) -> Ending | None:
    """Once there is a route to the destination."""
    source = flow.source
    if source is None or flow.family is Family.IPV6 or flow.in_device == LOOPBACK:
        return None
    ways = routing.ways(source, Sought.back(flow, source, _marked_back(flow, sysctls)))
    if routing.delivers(source, ways[0]):
        return _own_source(source, flow.in_device, sysctls)
    return _reverse_path(source, ways, flow, routing, sysctls)


def refused_by_way(way: Way, flow: Flow) -> Ending | None:
    match way.kind:
        case "unicast" | "linkdown" | "local" | "multicast" | "anycast":
            return None
        case "blackhole":
            return Ending(FateKind.DROP, f"a blackhole route to {flow.destination}")
        case "none":
            return Ending(FateKind.REJECT, f"no route to {flow.destination}")
        case _:
            return Ending(FateKind.REJECT, f"a route of type {way.kind} to {flow.destination}")


def refused_to_leave(flow: Flow, sysctls: Mapping[str, str]) -> Ending | None:
    """What a process sends; from loopback only with route_localnet (__mkroute_output)."""
    refused = refused_by_way(flow.way, flow)
    if refused is None and flow.way.device != LOOPBACK and flow.source == _LOCALHOST:
        return _loopback_refused(flow.way.device, sysctls)
    return refused


def _loopback_refused(device: str | None, sysctls: Mapping[str, str]) -> Ending | None:
    """A martian, unless route_localnet is on for all devices or for this one."""
    values = _values("route_localnet", device, sysctls)
    if "1" in values:
        return None
    if None in values or device is None:
        because = f"route_localnet of {device or 'the device'} was not read"
        return Ending(FateKind.UNKNOWN, because)
    return Ending(FateKind.DROP, f"route_localnet is off on {device}")


def forwarding_off(flow: Flow, sysctls: Mapping[str, str]) -> str:
    """The sysctl by which the packet goes no further. IPv4 has one for each input device, which
    decides; ip_forward sets them all, so where it is off it is the reason."""
    if flow.family is Family.IPV6:
        every = of_device = "net.ipv6.conf.all.forwarding"
    else:
        every, of_device = "net.ipv4.ip_forward", f"{_CONF}.{flow.in_device}.forwarding"
    off = sysctls.get(of_device, sysctls.get(every)) == "0"
    return next((name for name in (every, of_device) if off and sysctls.get(name) == "0"), "")


def frame_kind(packet: Packet, routing: Routing) -> str:
    """How the frame was addressed that brought the packet, which a translation does not change:
    unicast, broadcast, multicast. Broadcasts to another network come by unicast."""
    destination, device = packet.destination, packet.in_interface
    if packet.hook is Hook.OUTPUT:
        return "unicast"
    if destination.is_multicast:
        return "multicast"
    if destination == _EVERYBODY or routing.broadcasts(destination, device):
        return "broadcast"
    return "unicast"


def _own_source(source: IPAddress, device: str | None, sysctls: Mapping[str, str]) -> Ending | None:
    values = _values("accept_local", device, sysctls)
    if "1" in values:
        return None
    because = f"{source} is an address of this node, and accept_local is"
    if None in values:
        return Ending(FateKind.UNKNOWN, f"{because} not known")
    return Ending(FateKind.DROP, f"{because} off")


def _reverse_path(
    source: IPAddress,
    ways: Sequence[Way],
    flow: Flow,
    routing: Routing,
    sysctls: Mapping[str, str],
) -> Ending | None:
    """The larger of the two values counts. A device without an address has no loose way."""
    values = _values("rp_filter", flow.in_device, sysctls)
    if flow.in_device is None or None in values or set(values) == {"0"}:
        return None
    loose = "2" in values and routing.addresses_of(flow.in_device, flow.family) != []
    back = [way.device for way in ways if way.kind in ("unicast", "linkdown")]
    if back and (loose or flow.in_device in back):
        return None
    because = f"rp_filter: the way back to {source} is not"
    if None in back:
        return Ending(FateKind.UNKNOWN, f"{because} known")
    return Ending(FateKind.DROP, f"{because} by {flow.in_device}")


def _marked_back(flow: Flow, sysctls: Mapping[str, str]) -> int:
    return flow.mark if "1" in _values("src_valid_mark", flow.in_device, sysctls) else 0


def _values(name: str, device: str | None, sysctls: Mapping[str, str]) -> list[str | None]:
    names = ("all", device) if device else ("all",)
    return [sysctls.get(f"{_CONF}.{one}.{name}") for one in names]
