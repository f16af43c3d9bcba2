"""`packet`: what becomes of one packet, or of many, on one node or under saved rules.

The packet comes in by the interface that the node would answer its source through, unless the
user names one; a packet from an address of the node itself is one of its own processes'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..engine.simulate import Routing, Simulator
from ..errors import ParseError, UsageError, did_you_mean
from ..model.address import Family, IPAddress
from ..model.capture import Source
from ..model.fate import Fate, FateKind
from ..model.finding import Gap
from ..model.nodeview import NodeView
from ..model.options import Options, PacketOptions
from ..model.packet import Hook, Packet, PacketQuestion
from ..model.report import Collected, PacketFates, PacketsReport, PlanReport
from ..model.saved import SavedFiles, SavedText
from ..model.service import Inventory, Node
from ..node.netfilter import Wanted
from ..parse.packets import parse_packets
from .collect import Collector
from .inventory import read_nodes
from .nodes import NodeReader, NodeReading
from .plan import plan_nodes
from .saved import read_saved
from .saved_rules import parsed
from .sender import find_sender, saved_question, spoken


def packet_saved(asked: PacketOptions, files: SavedFiles) -> PacketsReport:
    """Under saved rules. Raises ParseError for a file, UsageError for words."""
    questions = _bulk(files.packets) or (saved_question(spoken(asked)),)
    view, gaps = read_saved(files, {question.packet.family for question in questions})
    explain = files.packets is None
    packets = _followed(view, questions, explain=explain)
    return PacketsReport(
        collected=Collected(),
        packets=packets,
        explained=explain,
        gaps=(*gaps, *_by_which(packets)),
    )


def packet(
    source: Source, options: Options, asked: PacketOptions, packets: SavedText | None = None
) -> PacketsReport | PlanReport:
    """On a node. Raises UsageError for words, or where the node is not known."""
    collector = Collector(source, max_parallel=options.max_parallel)
    words = None if packets else spoken(asked)
    if len(options.nodes) > 1 or (packets and not options.nodes):
        raise UsageError("packets are followed on one node: --node NAME")
    chosen = "".join(options.nodes)
    inventory, gaps = read_nodes(collector, selector=options.node_selector)
    if words is None:
        name, questions = chosen, _bulk(packets)
    else:
        name, question = find_sender(collector, words, inventory.nodes or (), chosen)
        questions = (question,)
    node = _node(inventory, name)
    wanted = wanted_of(questions)
    if options.plan:
        return plan_nodes(collector, inventory, (node,), lambda _, __: wanted, gaps)
    reader = NodeReader(
        collector=collector, agents=inventory.agents or (), wanted=lambda _, __: wanted
    )

    def walk(view: NodeView) -> list[Fate]:
        return [fate for one in _followed(view, questions) for fate in one.fates]

    reading = reader.follow(node, walk)
    found = _of(reading, questions, explain=words is not None)
    return PacketsReport(
        collected=collector.collected(nodes=1, nodes_read=int(reading.view is not None)),
        packets=found,
        explained=words is not None,
        gaps=(*gaps, *reading.gaps, *_by_which(found)),
    )


def _bulk(packets: SavedText | None) -> tuple[PacketQuestion, ...]:
    if packets is None:
        return ()
    questions = parsed(packets, parse_packets)
    if not questions:
        raise ParseError("no packet in it", file=packets.name)
    return questions


def _node(inventory: Inventory, name: str) -> Node:
    if inventory.nodes is None:  # its pods may still be known
        return Node(name=name)
    for node in inventory.nodes:
        if node.name == name:
            return node
    near = did_you_mean(name, (node.name for node in inventory.nodes))
    raise UsageError(
        f'Error from server (NotFound): nodes "{name}" not found{near}', next="kubectl get nodes"
    )


def wanted_of(questions: Sequence[PacketQuestion]) -> tuple[Wanted, ...]:
    """No chain is known by name; of the dispatch only the rules for these destinations."""
    dialled: dict[Family, set[IPAddress]] = {}
    for question in questions:
        packet = question.packet
        dialled.setdefault(packet.family, set()).add(packet.destination)
    return tuple(
        Wanted(family=family, chains=frozenset(), destinations=frozenset(dialled[family]))
        for family in sorted(dialled)
    )


def _of(
    reading: NodeReading, questions: Sequence[PacketQuestion], *, explain: bool
) -> tuple[PacketFates, ...]:
    """A node that was not read, or that something else owns than what is known, is unread."""
    name = reading.node.name
    if reading.view is None or reading.owner.reader is None:
        unread = (Fate(kind=FateKind.UNREAD, probability=None),)
        return tuple(
            PacketFates(id=q.id, packet=q.packet, fates=unread, node=name, note=q.note)
            for q in questions
        )
    return _followed(reading.view, questions, explain=explain)


def _followed(
    view: NodeView, questions: Sequence[PacketQuestion], *, explain: bool = False
) -> tuple[PacketFates, ...]:
    simulator, routing = Simulator(view), Routing(view)
    found = []
    for question in questions:
        entered = _entered(question, routing)
        if question.unfollowed:
            fates: tuple[Fate, ...] = (Fate(kind=FateKind.UNKNOWN, because=question.unfollowed),)
        else:
            fates = simulator.fates(entered, explain=explain)
        found.append(
            PacketFates(
                id=question.id,
                packet=entered,
                fates=fates,
                node=view.node,
                note=question.note,
            )
        )
    return tuple(found)


def _entered(question: PacketQuestion, routing: Routing) -> Packet:
    """Where it comes in, if that follows from its source."""
    packet = question.packet
    if packet.hook is Hook.OUTPUT or packet.in_interface or packet.source is None:
        return packet
    if question.own_source and routing.is_local(packet.source):
        return replace(packet, hook=Hook.OUTPUT)
    return replace(packet, in_interface=routing.way(packet.source).device)


def _by_which(packets: Sequence[PacketFates]) -> tuple[Gap, ...]:
    """Packets of which it is not known by which interface they come in."""
    open_ = [p for p in packets if p.packet.hook is Hook.PREROUTING and not p.packet.in_interface]
    if not open_:
        return ()
    first = open_[0].packet.source
    more = f" and {len(open_) - 1} more" if len(open_) > 1 else ""
    why = f"no route tells by which the packet from {first}{more} comes in; --in names it"
    return (Gap(what="interface", node=open_[0].node, why=why),)
