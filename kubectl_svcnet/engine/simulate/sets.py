"""Is the packet in this ipset? As the kernel's set types look it up (net/netfilter/ipset).

Words of the packet are taken by side: `dst,src` asks a hash:ip,port for the destination address
and the source port. Networks are tried from the longest prefix on, and the first that is there
decides: a `nomatch` member is an exception from the wider ones. A set of fewer parts ignores
further sides; one of more parts, or of the other family, has no match, whatever is in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from itertools import product
from typing import TypeAlias

from ...model import matches as m
from ...model.address import Family, IPAddress, Protocol
from ...model.ipset import Device, IPSet, Mark, Member, Part, PortOf, SetName
from .flow import Answering, Flow

_PORTS = {Protocol.TCP: 6, Protocol.UDP: 17, Protocol.SCTP: 132}
_BITMAP_PORTS = (6, 17)  # ip_set_get_ip_port


@dataclass(frozen=True, slots=True)
class Open:
    """Nobody knows whether it is in the set, because of this. `state`: time decides."""

    why: str
    state: bool = False


def is_member(
    sets: Mapping[str, IPSet], match: m.InSet, flow: Flow, *, nested: bool = False
) -> bool | Open:
    """Whether the set answers yes; the rule's `!` is not looked at."""
    found = sets.get(match.name)
    if found is None:
        return Open(f"no set {match.name}")
    if found.kinds == ("set",):
        return _in_list(sets, found, match, flow)
    if len(match.sides) < len(found.kinds) or found.family not in (None, flow.family):
        return False
    if not found.members and not found.unclear:
        return False
    member = _find(found, match.sides, flow)
    if found.unclear:
        return Open(f"set {match.name}: not understood: {found.unclear[0].raw}")
    if isinstance(member, _Unseen):
        return Open(f"set {match.name}: {member.why}", member.state)
    if member is None:
        return False
    if member.expires:
        return Open(f"whether its member of set {match.name} is there still", state=True)
    return member.nomatch is (match.exception and "net" in found.kinds)  # IPSET_TYPE_NOMATCH


def key_of(found: IPSet, sides: tuple[m.Side, ...], flow: Flow) -> tuple[Part, ...] | None:
    """The member that a rule adds for this packet, or deletes; None where several may be meant,
    or it may not get in."""
    if found.bitmap or found.full or not set(found.kinds) <= {"ip", "port", "mark"}:
        return None
    if len(sides) < len(found.kinds):
        return None
    choices = [
        _parts(found, kind, side, flow) for kind, side in zip(found.kinds, sides, strict=False)
    ]
    parts = [choice[0] for choice in choices if not isinstance(choice, _Unseen) and choice]
    return tuple(parts) if len(parts) == len(choices) else None


def fed(sets: Mapping[str, IPSet], names: frozenset[str]) -> frozenset[str]:
    """All sets that change where rules change these: what is done to a list is done to its
    members, and a list changes with them."""
    found = set(names)
    for name, one in sets.items():
        if one.kinds == ("set",):
            members = {part.name for (part,) in one.members if isinstance(part, SetName)}
            if name in names:
                found |= members
            elif members & names:
                found.add(name)
    return frozenset(found & set(sets))


def _in_list(sets: Mapping[str, IPSet], found: IPSet, match: m.InSet, flow: Flow) -> bool | Open:
    """The first member that says yes (list_set_ktest)."""
    doubt: Open | None = None
    for (part,) in found.members:
        if not isinstance(part, SetName):
            continue
        inner = m.InSet(part.name, match.sides, exception=match.exception)
        answer = is_member(sets, inner, flow, nested=True)
        if answer is True:
            return True
        if isinstance(answer, Open):
            doubt = answer
    return False if doubt is None else doubt


@dataclass(frozen=True, slots=True)
class _Unseen:
    """A word of the packet that the set asks for is not known. `state`: the sender chooses it."""

    why: str
    state: bool = False


_Choice: TypeAlias = "tuple[Part, ...] | _Unseen"


def _find(found: IPSet, sides: tuple[m.Side, ...], flow: Flow) -> Member | None | _Unseen:
    choices = [
        _parts(found, kind, side, flow) for kind, side in zip(found.kinds, sides, strict=False)
    ]
    unseen = next((choice for choice in choices if isinstance(choice, _Unseen)), None)
    if unseen is not None:
        return unseen if any(_may_be(key, choices) for key in found.members) else None
    known = [choice for choice in choices if not isinstance(choice, _Unseen)]
    for key in product(*known):
        member = found.members.get(key)
        if member is not None:
            return member
        if "iface" in found.kinds and key[-1] == known[-1][-1] and _has(found, key[0]):
            return None
    return None


def _may_be(key: tuple[Part, ...], choices: Sequence[_Choice]) -> bool:
    """By the words that are known."""
    return all(
        isinstance(choice, _Unseen) or part in choice
        for part, choice in zip(key, choices, strict=False)
    )


def _has(found: IPSet, network: Part) -> bool:
    """A hash:net,iface looks no further than the longest network that it has with any device
    (hash_netiface4_data_equal counts it before it compares the device)."""
    return any(key[0] == network for key in found.members)


def _parts(found: IPSet, kind: str, side: m.Side, flow: Flow) -> _Choice:
    """Under which parts this word of the packet may stand in the set, the decisive one first."""
    source = side is m.Side.SOURCE
    match kind:
        case "ip" | "net":
            address = flow.source if source else flow.destination
            if address is None:
                return _Unseen("the source address is not known")
            return _networks(found, kind, address)
        case "port":
            return _ports(found, flow, source=source)
        case "iface":
            return _devices(found, flow.in_device if source else flow.out_device)
        case "mark":
            return (Mark(flow.mark & found.markmask),)
    return _Unseen(f"the packet's {kind}")


def _networks(found: IPSet, kind: str, address: IPAddress) -> tuple[Part, ...]:
    if kind == "net":
        lengths = [length for length in found.lengths if length <= address.max_prefixlen]
        return tuple(ip_network((address, length), strict=False) for length in lengths)
    if found.netmask is not None:
        address = ip_network((address, found.netmask), strict=False).network_address
    return (ip_network(address),)


def _ports(found: IPSet, flow: Flow, *, source: bool) -> _Choice:
    if flow.answering is Answering.ICMP:
        protocol = 1 if flow.family is Family.IPV4 else 58
        if not found.bitmap and any(_is_of(protocol, key) for key in found.members):
            return _Unseen("the type of an ICMP answer")
        return ()
    protocol = _PORTS[flow.protocol]
    if found.bitmap and protocol not in _BITMAP_PORTS:
        return ()
    port = flow.ports[not source]
    if port is None:
        return _Unseen("the source port is not known", state=True)
    return (PortOf(None if found.bitmap else protocol, port),)


def _is_of(protocol: int, key: tuple[Part, ...]) -> bool:
    return any(isinstance(part, PortOf) and part.protocol == protocol for part in key)


def _devices(found: IPSet, device: str | None) -> _Choice:
    if device is None:
        return _Unseen("the device is not known")
    if not device:
        return ()
    return (Device(device), *(one for one in found.wildcards if device.startswith(one.name)))
