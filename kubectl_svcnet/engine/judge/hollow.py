"""A chain of a frontend's own that rules lead to and that leads to no endpoint.

What returns from it leaves no trace in a fate, so that a walk alone looks as if nothing had
dispatched the packet: it is `missing`, not `absent`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ...model.fate import ChainId
from ...model.nft import NAMES
from ...model.nodeview import NodeView, OwnChains
from ...model.report import NodeTrace, Verdict
from ...model.service import Frontend

_VERBS = ("-j", "-g", "jump", "goto")
_TRANSLATES = (" -j DNAT ", "dnat ")


def without_hollow(
    trace: NodeTrace, frontend: Frontend, view: NodeView, names: Iterable[str], own: OwnChains
) -> NodeTrace:
    """`names`: those that the frontend's chains may have."""
    if Verdict.ABSENT not in trace.problems or not trace.expected:
        return trace
    chains = frozenset(name for name in names if own.dispatches(name))
    hollow = next(_hollow(view, frontend, chains, own), None)
    if hollow is None:
        return trace
    problems = {Verdict.MISSING, *trace.problems} - {Verdict.ABSENT}
    ordered = tuple(verdict for verdict in Verdict if verdict in problems)
    return replace(
        trace,
        verdict=ordered[0],
        problems=ordered,
        missing=tuple(a for a in trace.expected if a not in trace.reached),
        reason=f"{hollow} is there and leads to no endpoint",
    )


def _hollow(
    view: NodeView, frontend: Frontend, names: frozenset[str], own: OwnChains
) -> Iterator[ChainId]:
    for (family, _), ruleset in view.rulesets.items():
        nat = ruleset.tables.get("nat")
        if nat is None or family is not frontend.family:
            continue
        led = {getattr(r.target, "chain", "") for c in nat.chains.values() for r in c.rules}
        for name in sorted(names & led & nat.chains.keys()):
            if not _leads_on((rule.raw for rule in nat.chains[name].rules), own):
                yield ruleset.chain_id("nat", name)
    for table in view.nft_tables:
        if table.family != NAMES[frontend.family]:
            continue
        elements = (e for found in table.sets.values() if found.maps for e in found.elements)
        led = {getattr(element.value, "chain", "") for element in elements}
        for name in sorted(names & led & table.chains.keys()):
            chain = table.chains[name]
            if chain.whole and not _leads_on((rule.raw for rule in chain.rules), own):
                yield table.chain_id(frontend.family, name)


def _leads_on(rules: Iterable[str], own: OwnChains) -> bool:
    ways = [f"{verb} {prefix}" for verb in _VERBS for prefix in (*own.dispatch, *own.translate)]
    return any(way in raw for raw in rules for way in (*ways, *_TRANSLATES))
