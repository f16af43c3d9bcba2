"""The answer to a refused packet is a packet of the node, and must itself get through.

REJECT sends an ICMP error or a TCP reset to the sender, through OUTPUT and POSTROUTING, and to a
process of the node also through lo and INPUT. Where a rule drops it, the sender sees a drop. It
belongs to the refused packet's connection (icmp_glue_bits, nf_send_reset: nf_ct_attach), so it
is RELATED, its mark is 0, and no nat chain sees it.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...model.address import Family, IPAddress
from ...model.fate import FateKind
from ...model.packet import Packet
from .arrival import refused_by_way
from .bridges import passed_up
from .flow import Answering, Branch, Ending, Flow, Tracking
from .path import Path
from .routing import LOOPBACK, Routing, Sought


def answered(path: Path, routing: Routing, refused: Branch) -> list[Branch]:
    """The refused branch, divided where its answer may or may not arrive."""
    ending, flow = refused.ending, refused.flow
    if ending is None or ending.answer is Answering.NOTHING or flow.source is None:
        return [refused]
    if ending.answer is Answering.RESET and _by_bridge(flow, path.view.sysctls):
        if flow.destination_changed:
            because = f"{ending.because}, whose reset comes from {flow.destination}"
            refused.ending = Ending(FateKind.DROP, because)
        return [refused]
    able = _may_answer(flow, routing) if ending.answer is Answering.ICMP else True
    if not able:
        because = f"{ending.because}, and {flow.destination} is no source for an answer"
        refused.ending = Ending(FateKind.UNKNOWN if able is None else FateKind.DROP, because)
        return [refused]
    answer = refused.copy()
    answer.ending = None
    client = _first_source(flow, path.packet, routing)
    if client is None:
        because = f"{ending.because}: who is told of it is not known"
        refused.ending = Ending(FateKind.UNKNOWN, because)
        return [refused]
    answer.flow = _answer_to(flow, client, ending.answer, routing)
    way = answer.flow.way
    if refused_by_way(way, answer.flow) is not None:
        refused.ending = Ending(FateKind.DROP, f"{ending.because}, and no route back to {client}")
        return [refused]
    ends = []
    for end in _sent(path, answer, translated=flow.destination_changed):
        end.flow = flow
        end.ending = _seen(ending, end.ending)
        ends.append(end)
    return ends


def _may_answer(flow: Flow, routing: Routing) -> bool | None:
    """An error answers from where the packet was to arrive (RTCF_LOCAL in icmp_send); where a
    route outside table local takes that in, it is no address of the node to send from."""
    if flow.way.kind != "local" or flow.family is Family.IPV6:
        return True
    return routing.is_source(flow.destination)


def _by_bridge(flow: Flow, sysctls: Mapping[str, str]) -> bool:
    """A frame that br_netfilter passed up is reset from the port that it came by, past all hooks
    and with no translation back (nf_send_reset), so the sender does not know the answer."""
    return flow.physical_in is not None and passed_up(flow.family, sysctls) is True


def _first_source(flow: Flow, packet: Packet, routing: Routing) -> IPAddress | None:
    """The source as it was sent. What came back over lo may have another one since; the nat hook
    of OUTPUT gives the answer the first one back, before filter looks."""
    if not flow.own or flow.source_changed is False:
        return flow.source
    way = routing.way(packet.destination, Sought.of(flow))
    return packet.source or routing.source_for(way, packet.destination)


def _answer_to(flow: Flow, client: IPAddress, kind: Answering, routing: Routing) -> Flow:
    mine = flow.destination if routing.is_local(flow.destination) else None
    way = routing.way(client, Sought.answer(client, mine))
    source = routing.source_for(way, client)
    if kind is Answering.RESET or routing.is_local(flow.destination):
        source = flow.destination
    tracked = flow.tracking is Tracking.NEW
    return flow._replace(
        source=source,
        destination=client,
        in_device="",
        out_device=way.device,
        way=way,
        physical_in=None,
        bridged=False,
        own=True,
        mark=0,
        tracking=Tracking.RELATED if tracked else Tracking.INVALID,
        answering=kind,
        scheduled=None,
    )


def _sent(path: Path, answer: Branch, *, translated: bool) -> list[Branch]:
    """`translated`: in POSTROUTING it gets the address as its source that was asked for
    (nf_nat_icmp_reply_translation); which chains there see the one and which the other stays
    open."""

    def posted(one: Branch) -> list[Branch]:
        if translated:
            one.change(source=None)
        return path.hook("POSTROUTING", one)

    def returned(one: Branch) -> list[Branch]:
        if translated:
            one.change(source=path.packet.destination)
        return path.back_over_loopback(one)

    back = answer.flow.out_device == LOOPBACK
    ends = path.each(path.hook("OUTPUT", answer), posted)
    return path.each(ends, returned) if back else ends


def _seen(refusal: Ending, of_answer: Ending | None) -> Ending:
    if of_answer is None:
        return refusal
    if of_answer.kind is FateKind.UNKNOWN:
        return of_answer
    because = f"{refusal.because}, whose answer is dropped: {of_answer.because}"
    return Ending(FateKind.DROP, because)
