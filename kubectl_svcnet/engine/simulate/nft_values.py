"""What an expression of an nft rule is for this packet, and whether a value is in a set.

A value is known, not known (`NotKnown`), one of several (`Spread`: chance, a counter or a hash
picks), or there is none (`NoValue`: the packet lacks the field, and the rule does not match;
nft_payload.c, nft_meta.c and nft_ct.c break off there).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple, TypeAlias

from ...model import nft
from ...model.address import Family, IPAddress, Protocol
from ...model.packet import Packet
from ...model.ruleset import Unknown
from .arrival import frame_kind
from .flow import Answering, Cause, Flow, Tracking
from .matching import NotKnown, Place
from .nft_sets import Sets, Unread
from .questions import SOURCE_PORT, BySender
from .routing import LOOPBACK

MOST_VALUES = 4096  # of one expression; more is not walked


@dataclass(frozen=True, slots=True)
class NoValue:
    pass


@dataclass(frozen=True, slots=True)
class Spread:
    """Each of `values` is as likely as the others; `cause` None: by chance."""

    values: tuple[object, ...]
    cause: Cause | None
    why: str


NO_VALUE = NoValue()
_SPECIAL = (NoValue, Unread, NotKnown, Spread)
Result: TypeAlias = object  # nft.Value, a verdict, NotKnown, Unread, NoValue or Spread


class Sight(NamedTuple):
    """All that an expression may look at."""

    flow: Flow
    place: Place
    packet: Packet
    sets: Sets


_NUMBERS = {Protocol.TCP: 6, Protocol.UDP: 17, Protocol.SCTP: 132}
_WITH_PORTS = {"tcp": 6, "udp": 17, "sctp": 132}
_TRACKED = (Tracking.NEW, Tracking.RELATED)
_STATES = {
    tracking: nft.Flags(frozenset([word]))
    for tracking, word in (
        (Tracking.NONE, "invalid"),
        (Tracking.INVALID, "invalid"),
        (Tracking.UNTRACKED, "untracked"),
        (Tracking.NEW, "new"),
        (Tracking.TEMPLATE, "new"),
        (Tracking.RELATED, "related"),
    )
}


def evaluate(expression: object, sight: Sight) -> Result:
    look = _EVALUATORS.get(type(expression))
    return expression if look is None else look(expression, sight)


def number_of(flow: Flow) -> int:
    if flow.answering is Answering.ICMP:
        return 1 if flow.family is Family.IPV4 else 58
    return _NUMBERS[flow.protocol]


def _field(field: nft.Field, sight: Sight) -> Result:
    flow = sight.flow
    family = nft.FAMILIES.get(field.protocol)
    if family is not None:
        if flow.family is not family:
            return NO_VALUE
        if field.name in ("saddr", "daddr"):
            return _address(flow.source if field.name == "saddr" else flow.destination)
        if field.name not in ("protocol", "nexthdr"):
            return BySender(f"{field.protocol} {field.name} differs from packet to packet")
        return number_of(flow)
    if field.protocol == "th" and flow.answering is Answering.ICMP:
        return NotKnown("an ICMP answer has no ports")
    if field.protocol != "th" and _WITH_PORTS.get(field.protocol) != number_of(flow):
        return NotKnown("the kind of ICMP") if _is_icmp(field, flow) else NO_VALUE
    if field.name == "flags":
        reset = flow.answering is Answering.RESET
        return nft.Flags(frozenset(("rst", "ack") if reset else ("syn",)))
    port = flow.ports[field.name == "dport"]
    return BySender(SOURCE_PORT) if port is None else port


def _is_icmp(field: nft.Field, flow: Flow) -> bool:
    return field.protocol.startswith("icmp") and flow.answering is Answering.ICMP


def _address(address: IPAddress | None) -> Result:
    return NotKnown("the source address is not known") if address is None else address


def _meta(meta: nft.Meta, sight: Sight) -> Result:
    flow = sight.flow
    match meta.key:
        case "l4proto":
            return number_of(flow)
        case "length":
            return BySender("the length differs from packet to packet")
        case "nfproto":
            return "ipv4" if flow.family is Family.IPV4 else "ipv6"
        case "mark":
            return flow.mark
        case "iif" | "iifname":
            return _device(flow.in_device, "input")
        case "oif" | "oifname":
            return _device(flow.out_device, "output")
        case "pkttype":
            return frame_kind(sight.packet, sight.place.routing)
        case "skuid" | "skgid":
            return _owner(sight)
    return NotKnown(f"meta {meta.key}")


def _device(name: str | None, which: str) -> Result:
    """ "" where there is none, which nft_meta.c compares like any name."""
    return NotKnown(f"the {which} device is not known") if name is None else name


def _owner(sight: Sight) -> Result:
    """A node process runs as root; other packets, and the kernel's answers, have no socket."""
    flow = sight.flow
    sent = flow.own and sight.place.hook in ("OUTPUT", "POSTROUTING")
    return 0 if sent and flow.answering is Answering.NOTHING else NO_VALUE


def _ct(ct: nft.Ct, sight: Sight) -> Result:
    flow = sight.flow
    if ct.key == "state":
        return _STATES[flow.tracking]
    if flow.tracking not in _TRACKED:
        return NO_VALUE
    if ct.key == "zone":
        number, direction = flow.zone
        return number if ct.direction in ("", direction) or not direction else 0
    if ct.direction == "original" or ct.key in ("protocol", "l3proto"):
        return _original(ct.key, sight)
    match ct.key:
        case "status":
            found = [("dnat", flow.destination_changed), ("snat", flow.source_changed)]
            return nft.Flags(frozenset(name for name, holds in found if holds))
        case "mark":
            return flow.connection_mark
        case "direction":
            return "original" if flow.tracking is Tracking.NEW else "reply"
    return NotKnown(f"ct {ct.direction} {ct.key}")


def _original(key: str, sight: Sight) -> Result:
    """The connection as its first packet came."""
    packet, flow = sight.packet, sight.flow
    match key:
        case "ip saddr" | "ip6 saddr":
            same = flow.source_changed is False and flow.answering is Answering.NOTHING
            return _address(packet.source or (flow.source if same else None))
        case "ip daddr" | "ip6 daddr":
            return packet.destination
        case "proto-dst":
            return packet.destination_port
        case "proto-src":
            return packet.source_port or BySender(SOURCE_PORT)
        case "protocol":
            return _NUMBERS[packet.protocol]
        case "l3proto":
            return "ipv4" if packet.family is Family.IPV4 else "ipv6"
    return NotKnown(f"ct original {key}")


def _fib(fib: nft.Fib, sight: Sight) -> Result:
    flow, routing = sight.flow, sight.place.routing
    address = flow.source if "saddr" in fib.selectors else flow.destination
    if fib.result != "type" or "oif" in fib.selectors or "mark" in fib.selectors:
        return _way(fib, address, sight)
    if address is None:
        return "local" if flow.own else NotKnown("the source address is not known")
    kind = routing.kind_of(address)
    if "iif" in fib.selectors and kind == "LOCAL":
        here = None if flow.in_device is None else routing.on_device(address, flow.in_device)
        kind = None if here is None else "LOCAL" if here else "UNICAST"
    return NotKnown("the node's addresses were not read") if kind is None else kind.lower()


def _way(fib: nft.Fib, address: IPAddress | None, sight: Sight) -> Result:
    """Out of which device a packet to this address would go; with iif, only if that is it."""
    if address is None or fib.selectors - {"saddr", "daddr", "iif"} or fib.result == "type":
        return NotKnown(f"fib {fib.result}")
    flow, way = sight.flow, sight.place.routing.way(address)
    if sight.place.hook == "PREROUTING" and flow.in_device == LOOPBACK:  # nft_fib_is_loopback
        return LOOPBACK
    if way.kind == "none" or (way.kind == "local" and flow.in_device):
        return ""  # nft_fib4_eval stores no device for an address of the node
    if way.device is None or way.kind != "unicast" or not flow.in_device:
        return NotKnown(f"fib {fib.result} of {address}")
    return way.device if "iif" not in fib.selectors or way.device == flow.in_device else ""


def _numgen(numgen: nft.Numgen, sight: Sight) -> Result:
    cause = None if numgen.mode == "random" else Cause.STATE
    return _numbers(numgen.modulus, numgen.offset, cause, f"numgen {numgen.mode}")


def _hashed(hashed: nft.Hashed, sight: Sight) -> Result:
    return _numbers(hashed.modulus, hashed.offset, Cause.STATE, "a hash with a secret seed")


def _numbers(modulus: int, offset: int, cause: Cause | None, why: str) -> Result:
    if modulus > MOST_VALUES:
        return NotKnown(f"{why} of {modulus}")
    values = tuple(range(offset, offset + modulus))
    return values[0] if modulus == 1 else Spread(values, cause, why)


_OPERATORS: Mapping[str, Callable[[int, int], int]] = {
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "<<": lambda a, b: a << b if b < 32 else 0,
    ">>": lambda a, b: a >> b,
}


def _bits(bits: nft.Bits, sight: Sight) -> Result:
    values = left, right = evaluate(bits.left, sight), evaluate(bits.right, sight)
    if isinstance(left, int) and isinstance(right, int):  # most are
        return _with_operator(bits.operator, left, right)
    return combined(values, lambda values: _with_operator(bits.operator, *values))


def _with_operator(operator: str, left: object, right: object) -> Result:
    if isinstance(left, int) and isinstance(right, int):
        return _OPERATORS[operator](left, right) & 0xFFFFFFFF
    if isinstance(left, IPAddress) and isinstance(right, IPAddress) and operator == "&":
        return type(left)(int(left) & int(right))
    if isinstance(left, nft.Flags) and isinstance(right, nft.Flags) and operator == "&":
        return nft.Flags(left.words & right.words)
    return NotKnown(f"{operator} of {left} and {right}")


def _joined(joined: nft.Joined, sight: Sight) -> Result:
    """Parts that are not known stay so one by one: another part may rule out every element."""
    parts = tuple([evaluate(item, sight) for item in joined.items])
    if not [part for part in parts if isinstance(part, _SPECIAL)]:
        return nft.Parts(parts)  # type: ignore[arg-type]
    hidden = tuple(_Hidden(part) if isinstance(part, NotKnown) else part for part in parts)
    return combined(hidden, lambda values: nft.Parts(tuple(map(_shown, values))))


@dataclass(frozen=True, slots=True)
class _Hidden:
    doubt: NotKnown


def _shown(value: object) -> Any:
    return value.doubt if isinstance(value, _Hidden) else value


def combined(results: tuple[Result, ...], make: Callable[[tuple[object, ...]], Result]) -> Result:
    """What several results make together; a Spread in one of them spreads the whole."""
    special = [result for result in results if isinstance(result, _SPECIAL)]
    if not special:
        return make(results)
    for kind in (NoValue, Unread, NotKnown):
        found = next((result for result in special if isinstance(result, kind)), None)
        if found is not None:
            return found
    spreads = [result for result in special if isinstance(result, Spread)]
    size = 1
    for spread in spreads:
        size *= len(spread.values)
    if size > MOST_VALUES:
        return NotKnown(f"{size} values")
    causes = {spread.cause for spread in spreads}
    choices = product(*(r.values if isinstance(r, Spread) else (r,) for r in results))
    cause = None if causes == {None} else Cause.STATE
    return Spread(tuple(make(values) for values in choices), cause, spreads[0].why)


def _lookup(lookup: nft.Lookup, sight: Sight) -> Result:
    def found(values: tuple[object, ...]) -> Result:
        (key,) = values
        element = sight.sets.find(lookup.table, key, sight.flow)
        if isinstance(element, nft.Element):
            return NO_VALUE if element.value is None else element.value
        if element is None or isinstance(element, Unread):
            return NO_VALUE if element is None else element
        return NotKnown(element.why)

    return combined((evaluate(lookup.key, sight),), found)


def _unknown(unknown: Unknown, sight: Sight) -> Result:
    return NotKnown(f"not understood: {unknown.raw}")


# Any: each function takes the class beside it, which a dict cannot express.
_EVALUATORS: Mapping[type, Callable[[Any, Sight], Result]] = {
    nft.Bits: _bits,
    nft.Ct: _ct,
    nft.Fib: _fib,
    nft.Field: _field,
    nft.Hashed: _hashed,
    nft.Joined: _joined,
    nft.Lookup: _lookup,
    nft.Meta: _meta,
    nft.Numgen: _numgen,
    Unknown: _unknown,
}
