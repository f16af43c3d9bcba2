"""Which rules of a node belong to a Service, for whoever wants to read them (`trace --steps`).

Found by walking jumps from what its packets met and from the names that hashing gives, never by
looking for its name in comments: above 1,000 endpoints kube-proxy writes none. Only what was
captured is listed, so a chain of which rules were left on the node has gaps in its numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..dataplanes.kube_proxy_iptables import matches_hash
from ..dataplanes.kube_proxy_nftables import matches_hash as matches_nft_hash
from ..model.address import family_of
from ..model.fate import Backend, ChainId, RuleRef
from ..model.ipvs import VirtualServers
from ..model.nodeview import OwnChains
from ..model.ruleset import Ruleset
from ..model.service import Endpoint, Frontend, Service
from ..model.targets import Jump
from .nodes import NodeReading
from .own_nft_rules import own_nft_rules

#: Chains of all Services, whose rules belong to one each.
_SHARED = ("KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-EXTERNAL-SERVICES", "KUBE-PROXY-FIREWALL")
_TABLES = ("nat", "filter")
_JUMP = re.compile(r" -[jg] (\S+)")


def own_rules(
    reading: NodeReading,
    service: Service,
    frontends: Sequence[Frontend],
    endpoints: Sequence[Endpoint],
) -> tuple[RuleRef, ...]:
    """Dispatch rules first, then its chains and its endpoints' chains, each as a whole."""
    view, reader = reading.view, reading.owner.reader
    if view is None or reader is None:
        return ()
    kinds = (*reading.own.dispatch, *reading.own.translate)
    met = dict.fromkeys(_met(reading, frontends))
    if reading.own.ipvs:
        return tuple(_virtual_servers(view.ipvs, met))
    found: dict[RuleRef, None] = {}
    for ruleset in view.rulesets.values():
        own = [f for f in frontends if f.family is ruleset.family]
        addresses = [e.address for e in endpoints]
        places = [a for a in addresses if family_of(a.address) is ruleset.family]
        names = {name for f in own for name in reader.names(service, f, places)}
        starts = [ref.chain for ref in met if _is_of(ruleset, ref)]
        starts += [ruleset.chain_id("nat", name) for name in sorted(names, key=_rank)]
        chains = _closure(ruleset, [c for c in starts if c.chain.startswith(kinds)], kinds)
        dispatch = dict.fromkeys(_dispatch(ruleset, {c.chain for c in chains}))
        dispatch |= dict.fromkeys(r for r in met if _is_of(ruleset, r) and _decides(r, reading.own))
        found |= dict.fromkeys(sorted(dispatch, key=lambda ref: (ref.chain, ref.number)))
        found |= dict.fromkeys(ref for chain in chains for ref in _rules(ruleset, chain))
    if reading.own.within:  # nftables mode
        addresses = [e.address for e in endpoints]
        hashed = {name for f in frontends for name in reader.names(service, f, addresses)}
        native = own_nft_rules(view.nft_tables, reading.own, hashed, met)
        found |= dict.fromkeys(native)
    return tuple(found)


def _virtual_servers(known: VirtualServers | None, met: Iterable[RuleRef]) -> Iterable[RuleRef]:
    """Those that its packets met, each with its real servers; rules ask sets of all Services."""
    by_text = {server.text: server for server in (known.servers if known else ())}
    for ref in met:
        if ref.chain.backend is Backend.IPVS and ref.raw in by_text:
            yield ref
            for number, real in enumerate(by_text[ref.raw].servers, 2):
                yield RuleRef(ref.chain, number, real.text)


def hash_check(refs: Iterable[RuleRef], frontends: Sequence[Frontend], own: OwnChains) -> str:
    """What the names of its chains say: they end in a hash of namespace/name:port and protocol."""
    chains = dict.fromkeys(r.chain.chain for r in refs if own.dispatches(r.chain.chain))
    if not chains:
        return ""
    matches = matches_nft_hash if own.within else matches_hash
    wrong = [name for name in chains if not any(matches(f, name) for f in frontends)]
    if wrong:
        return f"{', '.join(wrong)}: inconsistent, no hash of {_spelled(frontends)}"
    return f"{', '.join(chains)}: the hash is that of {_spelled(frontends)}"


def _spelled(frontends: Iterable[Frontend]) -> str:
    names = dict.fromkeys(
        f"{f.service}{f':{f.port_name}' if f.port_name else ''} and {f.protocol.value.lower()}"
        for f in frontends
    )
    return ", ".join(names)


def _met(reading: NodeReading, frontends: Iterable[Frontend]) -> Iterable[RuleRef]:
    return (
        ref
        for frontend in frontends
        for walk in reading.walks.get(frontend, ())
        for fate in walk.fates
        for ref in fate.rules
    )


def _is_of(ruleset: Ruleset, ref: RuleRef) -> bool:
    return (ref.chain.family, ref.chain.backend) == (ruleset.family, ruleset.backend)


def _rank(name: str) -> tuple[bool, str]:
    """Chains of the Service before those of its endpoints."""
    return name.startswith("KUBE-SEP-"), name


def _closure(
    ruleset: Ruleset, starts: Iterable[ChainId], kinds: tuple[str, ...]
) -> tuple[ChainId, ...]:
    """These chains and the per-Service chains that they lead to, in the order of meeting."""
    todo, seen = list(dict.fromkeys(starts)), dict[ChainId, None]()
    while todo:
        where = todo.pop(0)
        chain = ruleset.chain(where.table, where.chain)
        if where in seen or chain is None:
            continue
        seen[where] = None
        for rule in chain.rules:
            if isinstance(rule.target, Jump) and rule.target.chain.startswith(kinds):
                todo.append(ruleset.chain_id(where.table, rule.target.chain))
    return tuple(sorted(seen, key=lambda chain: chain.chain.startswith("KUBE-SEP-")))


def _dispatch(ruleset: Ruleset, chains: set[str]) -> Iterable[RuleRef]:
    for table in _TABLES:
        for name in _SHARED:
            for ref in _rules(ruleset, ruleset.chain_id(table, name)):
                if _target(ref) in chains:
                    yield ref


def _decides(ref: RuleRef, own: OwnChains) -> bool:
    """A rule of a shared chain that is about one Service: all but jumps to other shared ones."""
    target = _target(ref)
    return ref.chain.chain in _SHARED and (target not in own.names or target == "KUBE-MARK-MASQ")


def _target(ref: RuleRef) -> str:
    found = _JUMP.findall(ref.raw)
    return str(found[-1]) if found else ""


def _rules(ruleset: Ruleset, where: ChainId) -> Iterable[RuleRef]:
    chain = ruleset.chain(where.table, where.chain)
    return (RuleRef(where, rule.number, rule.raw) for rule in (chain.rules if chain else ()))
