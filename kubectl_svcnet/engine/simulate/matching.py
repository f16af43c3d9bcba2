"""Does this match hold for this packet, now? Yes, no, or who decides it instead.

One function per class of `model.matches`, in one table. A class that is not in it, and every
`Unknown`, answers `NotKnown`: unknown is never yes and never no.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any

from ...model import matches as m
from ...model.address import Family, IPAddress, Protocol
from ...model.fate import Backend, ChainId
from ...model.ruleset import Unknown
from .arrival import frame_kind
from .bridges import named, physdev
from .flow import Answering, Flow
from .noted import Noting, recalled
from .questions import (
    SOURCE_PORT,
    Answer,
    BySender,
    Depends,
    NotKnown,
    NotRead,
    Odds,
    Place,
    either,
    port_in,
)
from .routing import LOOPBACK, Routing, Sought
from .sets import Open, is_member, key_of
from .tracked import TRACKED

__all__ = ["Answer", "BySender", "Depends", "NotKnown", "NotRead", "Odds", "Place", "answer"]

_NUMBERS = {Protocol.TCP: 6, Protocol.UDP: 17, Protocol.SCTP: 132}


def answer(match: object, flow: Flow, place: Place) -> Answer | Noting:
    evaluate = _EVALUATORS.get(type(match))
    if evaluate is None:
        words = match.raw if isinstance(match, Unknown) else type(match).__name__
        return NotKnown(f"not understood: {words}")
    return evaluate(match, flow, place)


def _address(match: m.AddressIn, flow: Flow, place: Place) -> Answer:
    address = flow.source if match.side is m.Side.SOURCE else flow.destination
    if address is None:
        if match.network.prefixlen == 0:
            return not match.negated
        return NotKnown("the source address is not known")
    if address.version != match.network.version:
        return False
    return (address in match.network) is not match.negated


def _masked(match: m.AddressMasked, flow: Flow, place: Place) -> Answer:
    address = flow.source if match.side is m.Side.SOURCE else flow.destination
    if address is None:
        return NotKnown("the source address is not known")
    if address.version != match.address.version:
        return False
    same = (int(address) ^ int(match.address)) & int(match.mask) == 0
    return same is not match.negated


def _address_range(match: m.AddressRange, flow: Flow, place: Place) -> Answer:
    address = flow.source if match.side is m.Side.SOURCE else flow.destination
    if address is None:
        return NotKnown("the source address is not known")
    if address.version != match.first.version:
        return False
    return (int(match.first) <= int(address) <= int(match.last)) is not match.negated


def _interface(match: m.Interface, flow: Flow, place: Place) -> Answer:
    device = flow.out_device if match.outgoing else flow.in_device
    if match.name == "+":
        return not match.negated
    if device is None:
        which = "output" if match.outgoing else "input"
        return NotKnown(f"the {which} device is not known")
    return named(device, match.name) is not match.negated


def _protocol(match: m.IPProtocol, flow: Flow, place: Place) -> Answer:
    return (match.number in (0, _number(flow))) is not match.negated


def _number(flow: Flow) -> int:
    if flow.answering is Answering.ICMP:
        return 1 if flow.family is Family.IPV4 else 58
    return _NUMBERS[flow.protocol]


def _fragment(match: m.Fragment, flow: Flow, place: Place) -> Answer:
    return match.negated


def _ports(match: m.Ports, flow: Flow, place: Place) -> Answer:
    if flow.answering is Answering.ICMP:
        return False
    source, destination = flow.ports
    sides = {m.Side.SOURCE: (source,), m.Side.DESTINATION: (destination,)}
    asked = sides.get(match.side, flow.ports)
    found = [port_in(port, match.ranges) for port in asked]
    whole = True if True in found else None if None in found else False
    return BySender(SOURCE_PORT) if whole is None else whole is not match.negated


def _tcp_flags(match: m.TcpFlags, flow: Flow, place: Place) -> Answer:
    if flow.protocol is not Protocol.TCP:
        return False
    if flow.answering is Answering.ICMP:
        return False
    flags = {"RST", "ACK"} if flow.answering is Answering.RESET else {"SYN"}
    return (match.mask & flags == match.set) is not match.negated


def _icmp(match: m.Icmp, flow: Flow, place: Place) -> Answer:
    if flow.answering is not Answering.ICMP:
        return False
    if match.kind.split("/")[0] not in _UNREACHABLE:
        return match.negated
    if match.kind in _ANY_CODE:
        return not match.negated
    return NotKnown("the code of the ICMP answer")


_ANY_CODE = ("255", "any", "3", "destination-unreachable", "1")
_UNREACHABLE = (*_ANY_CODE, *(f"{what}-unreachable" for what in ("port", "host", "network")))


def _mark(match: m.MarkIs, flow: Flow, place: Place) -> Answer:
    return (flow.mark & match.mask == match.value) is not match.negated


def _address_type(match: m.AddressType, flow: Flow, place: Place) -> Answer:
    """Only the local table is asked, so all that is not in it is UNICAST (xt_addrtype.c)."""
    address = flow.source if match.side is m.Side.SOURCE else flow.destination
    if address is None:
        # The source of a node's own packet is one of its addresses unless it asks otherwise.
        asks = flow.own and flow.answering is Answering.NOTHING
        kinds = _kinds_of("LOCAL", address) if asks else None
    else:
        kind = place.routing.kind_of(address)
        if kind in ("LOCAL", "BROADCAST") and match.same_device:
            there = _on_packet_device(match, address, flow, place.routing)
            kind = None if there is None else kind if there else "UNICAST"
        kinds = None if kind is None else _kinds_of(kind, address)
    if kinds is None:
        found: bool | None = None
    elif flow.family is Family.IPV6:  # match_type6 wants all of them
        found = match.kinds <= kinds
    else:
        found = bool(match.kinds & kinds)
    return either(found, match.negated, "the node's addresses were not read")


def _kinds_of(kind: str, address: IPAddress | None) -> frozenset[str]:
    """An IPv6 address that is LOCAL is UNICAST too (ipv6_addr_type)."""
    if kind == "LOCAL" and (address is None or address.version == 6):
        return frozenset({"LOCAL", "UNICAST"}) if address is not None else frozenset({"LOCAL"})
    return frozenset({kind})


def _on_packet_device(
    match: m.AddressType, address: IPAddress, flow: Flow, routing: Routing
) -> bool | None:
    device = flow.in_device if match.same_device == "in" else flow.out_device
    return None if device is None else routing.on_device(address, device)


def _chance(match: m.Chance, flow: Flow, place: Place) -> Answer:
    yes = 1 - match.probability if match.negated else match.probability
    if yes in (0.0, 1.0):
        return yes == 1.0
    return Odds(yes)


def _recent(match: m.Recent, flow: Flow, place: Place) -> Answer | Noting:
    """recent_mt (net/netfilter/xt_recent.c)."""
    address = flow.source if match.side is m.Side.SOURCE else flow.destination
    if address is not None and match.mask:
        address = type(address)(int(address) & int(ip_address(match.mask)))
    where, why = ("recent", match.name), f"whether {match.name} remembers this client"
    if match.action == "set":
        return Noting((where, address), None if address is None else True, not match.negated)
    listed = recalled(flow, (where, address), Depends(why, usual=False), why)
    if listed is True and match.hits > 1:
        listed = Depends(why)
    if isinstance(listed, Depends):
        usual = None if listed.usual is None else match.negated
        found: Answer = Depends(why, usual)
    else:
        found = listed is not match.negated
    if match.action == "remove":
        return Noting((where, address), None if address is None else False, found)
    return found


def _limit(match: m.Limit, flow: Flow, place: Place) -> Answer:
    return Depends(f"limit {match.words}")


def _owner(match: m.Owner, flow: Flow, place: Place) -> Answer:
    if not flow.own or place.hook not in ("OUTPUT", "POSTROUTING"):
        return match.negated
    if match.what == "socket":
        return not match.negated
    if flow.answering is not Answering.NOTHING:  # the kernel's own socket has no file
        return match.negated
    return (match.first <= 0 <= match.last) is not match.negated  # uid 0, gid 0


def _packet_type(match: m.PacketType, flow: Flow, place: Place) -> Answer:
    if place.packet is None:
        return NotKnown("how the frame was addressed")
    return (match.kind == frame_kind(place.packet, place.routing)) is not match.negated


def _in_set(match: m.InSet, flow: Flow, place: Place) -> Answer:
    if place.sets is None:
        where = ChainId(flow.family, Backend.NFT, "ipset", match.name)
        return NotRead(f"set {match.name} was not read", where)
    found = is_member(place.sets, match, flow)
    listed: Answer
    if isinstance(found, Open):
        listed = Depends(found.why) if found.state else NotKnown(found.why)
    elif found and match.counters:
        why = f"how often the member of set {match.name} was hit: {match.counters}"
        listed = Depends(why)
    else:
        listed = _fed(match, found, flow, place)
    if isinstance(listed, bool):
        return listed is not match.negated
    if isinstance(listed, Depends) and listed.usual is not None:
        return Depends(listed.why, listed.usual is not match.negated)
    return listed


def _fed(match: m.InSet, found: bool, flow: Flow, place: Place) -> Answer:
    """Rules may have put other packets into the set since it was listed, and this one just now."""
    if match.name not in place.fed or place.sets is None:
        return found
    why = f"whether rules put it into set {match.name}"
    key = key_of(place.sets[match.name], match.sides, flow)
    return recalled(flow, (("set", match.name), key), Depends(why, usual=found), why)


def _reverse_path(match: m.ReversePath, flow: Flow, place: Place) -> Answer:
    """xt_rpfilter looks up the way back, and lets lo pass."""
    if flow.in_device == LOOPBACK:
        return not match.negated
    if flow.source is None or flow.in_device is None:
        return NotKnown("the source or the input device is not known")
    mark = flow.mark if match.mark else 0
    way = place.routing.way(flow.source, Sought.back(flow, flow.source, mark))
    if way.kind == "local":
        return match.own_address is not match.negated
    if way.kind not in ("unicast", "linkdown"):
        return match.negated
    found = True if match.loose else None if way.device is None else way.device == flow.in_device
    if not found and flow.family is Family.IPV6:  # it prefers any route by the input device
        found = None
    return either(found, match.negated, "the way back to the source is not known")


def _has_socket(match: m.HasSocket, flow: Flow, place: Place) -> Answer:
    local = place.routing.is_local(flow.destination)
    why = f"whether a process has a socket for {flow.destination}"
    return Depends(why, usual=False if local is False else None)


def _ipsec(match: m.Ipsec, flow: Flow, place: Place) -> Answer:
    """What comes in is as it was sent. Policies for what goes out are in no listing here."""
    if match.outgoing:
        return Depends("whether an IPsec policy covers it", usual=match.none)
    return match.none


def _by_ipvs(match: m.ByIpvs, flow: Flow, place: Place) -> Answer:
    """xt_ipvs.c. Without a connection there is no match, whatever `!` says of its words."""
    if not match.asked:
        return (flow.scheduled is not None) is not match.negated
    virtual = flow.scheduled
    if virtual is None:
        return False
    port = virtual.port
    then = flow._replace(destination=virtual.address, destination_port=port)
    answers = [
        found.then if isinstance(found, Noting) else found
        for found in (answer(one, then, place) for one in match.asked)
    ]
    return False if False in answers else next((a for a in answers if a is not True), True)


def _never(match: m.Never, flow: Flow, place: Place) -> Answer:
    return False


def _varies(match: m.Varies, flow: Flow, place: Place) -> Answer:
    return Depends(match.words)


# Any: each function takes the class beside it, which a dict cannot express.
_EVALUATORS: Mapping[type, Callable[[Any, Flow, Place], Answer | Noting]] = {
    m.AddressIn: _address,
    m.AddressMasked: _masked,
    m.AddressRange: _address_range,
    m.AddressType: _address_type,
    m.ByIpvs: _by_ipvs,
    m.Chance: _chance,
    m.Fragment: _fragment,
    m.HasSocket: _has_socket,
    m.Icmp: _icmp,
    m.InSet: _in_set,
    m.Interface: _interface,
    m.IPProtocol: _protocol,
    m.Ipsec: _ipsec,
    m.Limit: _limit,
    m.MarkIs: _mark,
    m.Never: _never,
    m.Owner: _owner,
    m.PacketType: _packet_type,
    m.Physdev: physdev,
    m.Ports: _ports,
    m.Recent: _recent,
    m.ReversePath: _reverse_path,
    m.TcpFlags: _tcp_flags,
    m.Varies: _varies,
    **TRACKED,
}
