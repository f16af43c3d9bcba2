"""`packet`: the walk of one packet, hook by hook; of many, where each may end."""

from __future__ import annotations

from ...model.address import SocketAddress
from ...model.fate import Fate
from ...model.packet import Hook
from ...model.report import PacketFates, PacketsReport
from ..columns import columns
from ..style import Style
from .statements import page
from .walk import followed, outcome, share

HEAD = ("ID", "SHARE", "FATE", "MASQUERADE")


def render(report: PacketsReport, style: Style) -> str:
    if report.explained:
        lines = [line for packet in report.packets for line in _walk(packet, style)]
    else:
        lines = _ends(report, style)
    return page(lines, report, style)


def _walk(one: PacketFates, style: Style) -> list[str]:
    packet = one.packet
    sender = "a process of the node"
    if packet.source is not None:
        port = packet.source_port
        sender = str(SocketAddress(packet.source, port) if port else packet.source)
    if one.note:
        sender += f" ({one.note})"
    if packet.hook is Hook.PREROUTING:
        sender += f", in by {packet.in_interface or 'some interface'}"
    elif packet.source is not None:
        sender += ", of the node itself"
    target = SocketAddress(packet.destination, packet.destination_port)
    mark = f", mark {packet.mark:#x}" if packet.mark else ""
    where = one.node or "saved rules"
    head = f"{where}: {sender} -> {target}/{packet.protocol.value}{mark}"
    return [*style.paragraph(head), *followed(one.fates, style)]


def _ends(report: PacketsReport, style: Style) -> list[str]:
    head = (*HEAD, "RULES") if style.wide else HEAD
    rows = [_row(one, fate, style) for one in report.packets for fate in one.fates]
    lines = columns([head, *rows])
    return lines if style.headers else lines[1:]


def _row(one: PacketFates, fate: Fate, style: Style) -> tuple[str, ...]:
    masquerade = {True: "yes", False: "no", None: "-"}[fate.masquerade]
    row = (str(one.id), share([fate]), outcome(fate), masquerade)
    return (*row, " ".join(map(str, fate.rules)) or "-") if style.wide else row
