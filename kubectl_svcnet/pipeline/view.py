"""What a node's answers amount to, and the walks through it.

Apart from `nodes`, which asks, because parsers and the simulator take long to import and are not
needed before a node has answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..dataplanes import shown_by
from ..dataplanes.kube_proxy_ipvs import likely
from ..engine.simulate import Simulator
from ..model.address import Family
from ..model.fate import Backend, Fate
from ..model.finding import Gap
from ..model.nodeview import NodeView
from ..model.report import Walk
from ..model.ruleset import Ruleset
from ..model.service import Frontend
from ..node.ipvs import read_ipvs
from ..node.netfilter import LISTING, Wanted
from ..node.nft import read_native, unlisted, without_listed
from ..node.proc import read_state
from ..node.rounds import Answers
from ..node.rulesets import read_rules, read_sets
from .processes import owner_gaps

if TYPE_CHECKING:
    from ..engine.ask import Questions
    from .nodes import NodeReading


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """One round's walks: all their fates, which tell what is still unread."""

    fates: tuple[Fate, ...]
    walks: Mapping[Frontend, tuple[Walk, ...]] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()


def view_of(
    reading: NodeReading, answers: Answers, wanted: tuple[Wanted, ...]
) -> tuple[NodeView, tuple[Gap, ...]]:
    """What is known of the node so far, and what could not be read."""
    state = read_state(answers.captures)
    native = read_native(answers.captures, wanted)
    sets, more_gaps = read_sets(answers.captures)
    gaps = [replace(gap, node=reading.node.name) for gap in (*state.gaps, *more_gaps)]
    rulesets: dict[tuple[Family, Backend], Ruleset] = {}
    for each in wanted:
        found, more = read_rules(answers.captures, each)
        rulesets |= found
        gaps += [replace(gap, node=reading.node.name, blocking=True) for gap in more]
    if native is not None:
        rulesets = without_listed(rulesets, native)
        gaps += [replace(gap, node=reading.node.name, blocking=True) for gap in native.gaps]
    else:
        gaps.append(replace(unlisted(answers.captures.get(LISTING)), node=reading.node.name))
    view = NodeView(
        node=reading.node.name,
        rulesets=rulesets,
        addresses=state.addresses,
        addresses_in_order=state.addresses_in_order,
        masters=state.masters,
        routes=state.routes,
        routing_rules=state.routing_rules,
        further_tables=state.further_tables,
        sysctls=state.sysctls,
        sets=sets,
        foreign_tables=native.foreign if native else (),
        nft_tables=native.tables if native else (),
        nft_order=native.order if native else (),
        own=reading.own,
    )
    servers, more = read_ipvs(answers.captures, likely=likely(view))
    gaps += [replace(gap, node=reading.node.name) for gap in more]
    view = replace(view, ipvs=servers)
    shown = shown_by(view)
    if len(shown) == 1 and reading.owner.reader is not None:
        view = replace(view, own=shown[0].own)
    return view, tuple(gaps)


def walk(view: NodeView, questions: Mapping[Frontend, Questions], *, explain: bool) -> Walked:
    simulator = Simulator(view)
    walks = {
        frontend: tuple(
            Walk(asked=each, fates=simulator.fates(each.packet, explain=explain))
            for each in asked.asked
        )
        for frontend, asked in questions.items()
    }
    packets = [each.packet for asked in questions.values() for each in asked.asked]
    gaps = (*(gap for q in questions.values() for gap in q.gaps), *owner_gaps(view, packets))
    return Walked(
        fates=tuple(fate for each in walks.values() for walk in each for fate in walk.fates),
        walks=walks,
        gaps=tuple(dict.fromkeys(gaps)),
    )
