"""What conntrack knows of the packet: its state and mark, its status, its two tuples.

IPVS alters what answers of a connection look like and not its status: that is no DNAT.
Before tracking (raw) there is no connection. Then a state of INVALID is all that there is to
ask, a connection's mark never matches, negated or not, and of `-m conntrack` with a state that
held nothing else is asked (xt_conntrack.c, conntrack_mt; xt_connmark.c).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...model import matches as m
from ...model.address import IPAddress
from .flow import Answering, Flow, Tracking
from .questions import SOURCE_PORT, Answer, BySender, NotKnown, Place, either, port_in

_CONNECTED = (Tracking.NEW, Tracking.RELATED, Tracking.TEMPLATE)

#: What raw sees of a packet that conntrack has not seen yet is INVALID.
_STATES = {
    Tracking.NONE: "INVALID",
    Tracking.INVALID: "INVALID",
    Tracking.UNTRACKED: "UNTRACKED",
    Tracking.NEW: "NEW",
    Tracking.TEMPLATE: "NEW",
    Tracking.RELATED: "RELATED",
}


def connected(flow: Flow) -> bool:
    return flow.tracking in _CONNECTED


def _connmark(match: m.ConnmarkIs, flow: Flow, place: Place) -> Answer:
    if not connected(flow):
        return False
    return (flow.connection_mark & match.mask == match.value) is not match.negated


def _state(match: m.CtState, flow: Flow, place: Place) -> Answer:
    found = _STATES[flow.tracking] in match.states
    if connected(flow):
        found = (
            found
            or ("DNAT" in match.states and flow.destination_changed and flow.scheduled is None)
            or ("SNAT" in match.states and flow.source_changed is True)
        )
    return found is not match.negated


def _status(match: m.CtStatus, flow: Flow, place: Place) -> Answer:
    """A new connection has none of them; one that came back over lo was confirmed, and what
    was refused is not (the answer goes out before it)."""
    if not connected(flow):
        return not match.alone
    if "EXPECTED" in match.words:
        return NotKnown("whether a helper expects this connection")
    came_back = flow.own and place.hook in ("PREROUTING", "INPUT")
    return (came_back and "CONFIRMED" in match.words) is not match.negated


def _direction(match: m.CtDirection, flow: Flow, place: Place) -> Answer:
    if not connected(flow):
        return not match.alone
    return (flow.answering is not Answering.NOTHING) is match.reply


def _tuple(match: m.CtTuple, flow: Flow, place: Place) -> Answer:
    if not connected(flow):
        return not match.alone
    what = match.what
    if flow.tracking is Tracking.TEMPLATE:
        return _of_template(what)
    packet = place.packet
    if packet is None:
        return NotKnown("the words of the connection")
    if isinstance(what, m.IPProtocol):
        return (what.number == _NUMBERS[packet.protocol.value]) is not what.negated
    if not match.original and flow.answering is not Answering.NOTHING:
        return NotKnown("the words of a refused connection")
    if isinstance(what, m.AddressIn):
        return _address(what, _addresses(flow, place, original=match.original))
    ports: tuple[int | None, int | None] = (packet.source_port, packet.destination_port)
    if not match.original:  # its answers come from where it goes
        ports = (flow.destination_port, flow.source_port)
    found = port_in(ports[what.side is not m.Side.SOURCE], what.ranges)
    return BySender(SOURCE_PORT) if found is None else found is not what.negated


def _of_template(what: m.AddressIn | m.Ports | m.IPProtocol) -> Answer:
    """A connection that is none yet has nothing but zeros in its tuples."""
    if isinstance(what, m.IPProtocol):
        return (what.number == 0) is not what.negated
    if isinstance(what, m.Ports):
        return (port_in(0, what.ranges) is True) is not what.negated
    return (int(what.network.network_address) == 0) is not what.negated


_NUMBERS = {"TCP": 6, "UDP": 17, "SCTP": 132}


def _addresses(
    flow: Flow, place: Place, *, original: bool
) -> tuple[IPAddress | None, IPAddress | None]:
    """Source and destination."""
    if not original:
        return flow.destination, flow.source
    packet = place.packet
    assert packet is not None
    source = packet.source
    if source is None and flow.source_changed is False and flow.answering is Answering.NOTHING:
        source = flow.source
    return source, packet.destination


def _address(what: m.AddressIn, addresses: tuple[IPAddress | None, IPAddress | None]) -> Answer:
    address = addresses[what.side is not m.Side.SOURCE]
    found = None if address is None else address in what.network
    return either(found, what.negated, "the source address is not known")


# Any: each function takes the class beside it, which a dict cannot express.
TRACKED: Mapping[type, Callable[[Any, Flow, Place], Answer]] = {
    m.ConnmarkIs: _connmark,
    m.CtDirection: _direction,
    m.CtState: _state,
    m.CtStatus: _status,
    m.CtTuple: _tuple,
}
