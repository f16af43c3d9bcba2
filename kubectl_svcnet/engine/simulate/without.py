"""The same node without some of its chains, native tables or virtual servers.

What would it do? Rules that jump to a chain that is taken away go with it; all others keep their
numbers. With the virtual servers go the addresses of the device that they are bound to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...model.fate import ChainId
from ...model.ipvs import VirtualServers
from ...model.nodeview import NodeView
from ...model.ruleset import Chain, Rule, Ruleset, Table
from ...model.targets import Jump


def without(
    view: NodeView, chains: frozenset[ChainId], tables: frozenset[str], device: str = ""
) -> NodeView:
    """`tables`: native nft tables, by family and name ("ip kube-proxy"); `device`: that of IPVS,
    "" to leave it."""
    kept = replace(
        view,
        rulesets={key: _ruleset(ruleset, chains) for key, ruleset in view.rulesets.items()},
        nft_tables=tuple(table for table in view.nft_tables if str(table) not in tables),
    )
    if not device:
        return kept
    addresses = view.addresses
    if addresses is not None:
        addresses = tuple(one for one in addresses if one.interface != device)
    return replace(kept, ipvs=VirtualServers(), addresses=addresses)


def is_entered(view: NodeView, chains: frozenset[ChainId]) -> bool:
    """Whether a rule that is none of theirs leads into these chains."""
    return any(
        _leads(rule, {one.chain for one in chains})
        for ruleset in view.rulesets.values()
        for table in ruleset.tables.values()
        for name, chain in table.chains.items()
        if ruleset.chain_id(table.name, name) not in chains
        for rule in chain.rules
    )


def _ruleset(ruleset: Ruleset, chains: frozenset[ChainId]) -> Ruleset:
    gone = {
        table: {
            chain.chain
            for chain in chains
            if (chain.family, chain.backend, chain.table) == (*_key(ruleset), table)
        }
        for table in ruleset.tables
    }
    tables = {
        name: _table(table, gone[name]) if gone[name] else table
        for name, table in ruleset.tables.items()
    }
    return replace(ruleset, tables=tables)


def _key(ruleset: Ruleset) -> tuple[object, object]:
    return ruleset.family, ruleset.backend


def _table(table: Table, gone: set[str]) -> Table:
    kept: Mapping[str, Chain] = {
        name: _chain(chain, gone) for name, chain in table.chains.items() if name not in gone
    }
    return replace(table, chains=kept)


def _chain(chain: Chain, gone: set[str]) -> Chain:
    """As it is where nothing changes: its rules may know by address which of them match."""
    kept = tuple(rule for rule in chain.rules if not _leads(rule, gone))
    return chain if len(kept) == len(chain.rules) else replace(chain, rules=kept)


def _leads(rule: Rule, gone: set[str]) -> bool:
    return isinstance(rule.target, Jump) and rule.target.chain in gone
