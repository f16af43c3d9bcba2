"""Rules that ask which user a process of the node runs as: a walk answers for uid 0 alone.

Looked for where each packet of a process starts, in the OUTPUT chains: what such a rule does to
other users is a gap beside the verdict, which holds for root.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..model.fate import RuleRef
from ..model.finding import Gap
from ..model.matches import AddressIn, Owner, Side
from ..model.nodeview import NodeView
from ..model.packet import Hook, Packet
from ..model.ruleset import Rule, Ruleset

#: nat translates, so what filter sees of this packet is not what was dialled.
_AS_DIALLED = ("raw", "mangle", "nat")
_CHAIN = "OUTPUT"


def owner_gaps(view: NodeView, packets: Iterable[Packet]) -> tuple[Gap, ...]:
    """One for each rule that may treat these packets of the node by who sends them."""
    sent = tuple(dict.fromkeys(packet for packet in packets if packet.hook is Hook.OUTPUT))
    found: dict[RuleRef, None] = {}
    for (family, _), ruleset in view.rulesets.items():
        own = [packet for packet in sent if packet.family is family]
        found |= dict.fromkeys(_rules(ruleset, own))
    return tuple(
        Gap(
            what="processes of other users",
            node=view.node,
            why=f"{rule} asks who sends ({rule.raw}); as client, the node is uid 0 here",
        )
        for rule in found
    )


def _rules(ruleset: Ruleset, packets: Sequence[Packet]) -> Iterator[RuleRef]:
    for table in (*_AS_DIALLED, "filter"):
        chain = ruleset.chain(table, _CHAIN)
        for rule in chain.rules if chain and packets else ():
            asks = any(isinstance(m, Owner) and m.what != "socket" for m in rule.matches)
            if asks and (table == "filter" or any(_may_match(rule, each) for each in packets)):
                yield RuleRef(ruleset.chain_id(table, _CHAIN), rule.number, rule.raw)


def _may_match(rule: Rule, packet: Packet) -> bool:
    """Unless it names another destination."""
    return not any(
        isinstance(m, AddressIn)
        and m.side is Side.DESTINATION
        and (packet.destination in m.network) is m.negated
        for m in rule.matches
    )
