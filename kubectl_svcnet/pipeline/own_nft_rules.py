"""Which native nft rules of a node belong to a Service: as `own_rules`, for nftables mode.

A verdict map leads to its chains, so the rule that looks it up stands for all of them; it is
told by the chain that it led one of the Service's packets to.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..model import nft
from ..model.address import Family
from ..model.fate import RuleRef
from ..model.nodeview import OwnChains
from ..model.targets import Jump


def own_nft_rules(
    tables: Iterable[nft.Table], own: OwnChains, names: Iterable[str], met: Iterable[RuleRef]
) -> tuple[RuleRef, ...]:
    """`names` are chains by hash, `met` all rules that its packets met."""
    known, seen = tuple(names), tuple(met)
    found: dict[RuleRef, None] = {}
    for table in tables:
        mine = [ref for ref in seen if ref.chain.table == str(table)]
        leads = [ref for ref in mine if own.dispatches(ref.into)]
        shared = [ref for ref in leads if not _is_own(own, ref.chain.chain)]
        found |= dict.fromkeys(sorted(shared, key=lambda ref: (ref.chain, ref.number)))
        starts = [*(ref.into for ref in leads), *sorted(known)]
        for family in nft.SEES.get(table.family, ()):
            for chain in _closure(table, own, starts):
                found |= dict.fromkeys(_rules(table, family, chain))
    return tuple(found)


def _is_own(own: OwnChains, chain: str) -> bool:
    return own.dispatches(chain) or own.translates(chain)


def _closure(table: nft.Table, own: OwnChains, starts: Iterable[str]) -> tuple[str, ...]:
    """These chains and those of the Service that they lead to; endpoints' chains last."""
    todo, seen = list(dict.fromkeys(starts)), dict[str, None]()
    while todo:
        name = todo.pop(0)
        chain = table.chains.get(name)
        if name in seen or chain is None or not _is_own(own, name):
            continue
        seen[name] = None
        todo += [to for rule in chain.rules for to in _targets(rule)]
    return tuple(sorted(seen, key=lambda name: not own.dispatches(name)))


def _targets(rule: nft.Rule) -> Iterable[str]:
    for statement in rule.statements:
        if isinstance(statement, Jump):
            yield statement.chain
        elif isinstance(statement, nft.VerdictMap) and isinstance(statement.table, nft.Elements):
            for element in statement.table.items:
                if isinstance(element.value, Jump):
                    yield element.value.chain


def _rules(table: nft.Table, family: Family, chain: str) -> Iterable[RuleRef]:
    where = table.chain_id(family, chain)
    return (RuleRef(where, rule.number, rule.raw) for rule in table.chains[chain].rules)
