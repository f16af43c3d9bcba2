"""A node's iptables rules: which commands list them, and the rulesets that their answers make.

On the nft backend the nat table is read chain by chain, each chain's listing costing 5 ms and a
dump of 215,000 rules seconds; the other tables are small and read whole. On the legacy backend
`iptables-legacy-save` is the one safe command, so its output is filtered on the node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..errors import ParseError
from ..model.address import Family, IPAddress
from ..model.capture import Capture, Reason
from ..model.commands import Command
from ..model.fate import Backend, ChainId
from ..model.finding import Gap
from ..model.nodeview import ForeignTable
from ..model.ruleset import Chain, Ruleset, Table
from ..parse.iptables_save import (
    parse_chain,
    parse_chain_numbered,
    parse_save,
    parse_save_numbered,
)
from ..parse.nft_chains import parse_chain_listing
from .filters import CHAIN_LISTING, FIRST_DISPATCH, any_of, other_addresses, other_chains
from .proc import LEGACY_TABLES, Captures

PREFIX = {Family.IPV4: "iptables", Family.IPV6: "ip6tables"}
NFT_FAMILY = {Family.IPV4: ("ip", "inet"), Family.IPV6: ("ip6", "inet")}

#: Tables beside nat; all are read whole.
WHOLE_TABLES = ("raw", "mangle", "filter", "security")
BASE_CHAINS = ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING")
DISPATCH = "KUBE-SERVICES"

#: More chains than this are cheaper as one filtered dump, and would not fit one exec.
MANY_CHAINS = 40

LISTING = Command("nft-chains", (CHAIN_LISTING,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of one family's rules matters: own nat chains by name, and every address dialled.

    Of nat/KUBE-SERVICES, rules of other single addresses than `destinations` may stay behind.
    """

    family: Family
    chains: frozenset[str]
    destinations: frozenset[IPAddress]


def first_rules(wanted: Wanted) -> tuple[Command, ...]:
    """The first round's commands for one family, both backends."""
    prefix = PREFIX[wanted.family]
    chains = other_chains(wanted.chains)
    addresses = other_addresses(wanted.destinations)
    legacy = Command(f"{prefix}-legacy-save-all-filtered", (any_of(chains, addresses),))
    first = Command(f"{prefix}-legacy-first-rule", (FIRST_DISPATCH,))
    return (
        *_nat(wanted, prefix, chains, addresses),
        *(Command(f"{prefix}-nft-save", (table,)) for table in WHOLE_TABLES),
        legacy,
        first,
        Command(f"{prefix}-save-all"),
    )


def _nat(wanted: Wanted, prefix: str, chains: str, addresses: str) -> tuple[Command, ...]:
    """nat of the nft backend: chain by chain, dispatch and own chains again at the end, because
    chains read one by one are no snapshot. Many chains: one filtered dump, which is one."""
    if len(wanted.chains) > MANY_CHAINS:
        return (Command(f"{prefix}-nft-save-filtered", ("nat", any_of(chains, addresses))),)
    dispatch = Command(f"{prefix}-nft-chain", ("nat", DISPATCH))
    if addresses:
        dispatch = Command(f"{prefix}-nft-chain-filtered", ("nat", DISPATCH, addresses))
    own = tuple(Command(f"{prefix}-nft-chain", ("nat", name)) for name in sorted(wanted.chains))
    shared = (*BASE_CHAINS, "KUBE-POSTROUTING", "KUBE-MARK-MASQ")
    return (
        *(Command(f"{prefix}-nft-chain", ("nat", name)) for name in shared),
        dispatch,
        *own,
        dispatch,
        *own,
    )


def further_rules(
    unread: Iterable[ChainId], asked: Mapping[Command, Capture]
) -> tuple[Command, ...]:
    """Commands for chains that a walk met and did not find; the dump for those that would not
    be listed alone, and for all of the legacy backend."""
    commands: dict[Command, None] = {}
    for chain in sorted(unread):
        prefix = PREFIX[chain.family]
        if chain.backend is Backend.LEGACY:
            commands[Command(f"{prefix}-legacy-save-all")] = None
            continue
        alone = Command(f"{prefix}-nft-chain", (chain.table, chain.chain))
        filtered = chain.table == "nat" and chain.chain == DISPATCH
        if alone in asked or filtered:
            commands[Command(f"{prefix}-nft-save-all")] = None
        else:
            commands[alone] = None
    if len(commands) > MANY_CHAINS:
        return dumps({chain.family for chain in unread}, {chain.backend for chain in unread})
    return tuple(commands)


def dumps(families: Iterable[Family], backends: Iterable[Backend]) -> tuple[Command, ...]:
    return tuple(
        Command(f"{PREFIX[family]}-{backend.value}-save-all")
        for family in sorted(families)
        for backend in sorted(backends)
    )


def read_rules(
    answers: Captures, wanted: Wanted
) -> tuple[dict[tuple[Family, Backend], Ruleset], tuple[Gap, ...]]:
    """The rulesets of one family that these answers hold. What they do not hold is missing
    from the rulesets, never empty; a listing that cannot be read is missing too, with a gap."""
    found: dict[tuple[Family, Backend], Ruleset] = {}
    gaps: list[Gap] = []
    for backend, read in ((Backend.NFT, _nft), (Backend.LEGACY, _legacy)):
        try:
            ruleset = read(answers, wanted)
        except ParseError as error:
            gaps.append(Gap(what=f"rules of the {backend.value} backend", why=str(error)))
            continue
        if ruleset is not None:
            found[wanted.family, backend] = ruleset
    return found, tuple(gaps)


def _text(answers: Captures, command: Command) -> str | None:
    capture = answers.get(command)
    return capture.text() if capture is not None and capture.ok else None


def _nft(answers: Captures, wanted: Wanted) -> Ruleset | None:
    family, prefix = wanted.family, PREFIX[wanted.family]
    whole = _text(answers, Command(f"{prefix}-nft-save-all"))
    if whole is not None:
        return parse_save(whole, family, Backend.NFT)
    if _absent(answers, Command(f"{prefix}-nft-save", ("filter",))):
        return Ruleset(family=family, backend=Backend.NFT, complete=True)
    tables: dict[str, Table] = {}
    complete = True
    for name in WHOLE_TABLES:
        text = _text(answers, Command(f"{prefix}-nft-save", (name,)))
        complete &= text is not None
        if text is not None:
            tables |= parse_save(text, family, Backend.NFT, complete=False).tables
    nat = _nft_nat(answers, wanted)
    if nat is not None:
        tables["nat"] = nat
    return Ruleset(
        family=family, backend=Backend.NFT, tables=tables, complete=complete and nat is not None
    )


def _absent(answers: Captures, command: Command) -> bool:
    """The kernel has no nf_tables, so nothing is in it: law 3's precondition said no."""
    capture = answers.get(command)
    failure = capture.failure if capture else None
    return failure is not None and failure.reason is Reason.NOT_PRESENT


def _nft_nat(answers: Captures, wanted: Wanted) -> Table | None:
    """nat, from a filtered dump and from single chains; later listings of a chain win."""
    chains: dict[str, Chain] = {}
    seen = incompatible = False
    for command, capture in answers.items():
        if not capture.ok or not command.name.startswith(f"{PREFIX[wanted.family]}-nft-"):
            continue
        kind = command.name.removeprefix(f"{PREFIX[wanted.family]}-nft-")
        if kind == "save-filtered":
            table = _filtered(capture.text(), wanted, Backend.NFT, {}).tables.get("nat")
            incompatible |= table is not None and table.incompatible
            chains |= dict(table.chains) if table else {}
        elif kind == "chain" and command.arguments[0] == "nat":
            chain = parse_chain(capture.text(), wanted.family, Backend.NFT, "nat")
            chains[chain.name] = chain
        elif kind == "chain-filtered":
            chain = parse_chain_numbered(
                capture.text(), wanted.family, Backend.NFT, "nat", covers=wanted.destinations
            )
            chains[chain.name] = chain
        else:
            continue
        seen = True
    return Table(name="nat", chains=chains, incompatible=incompatible) if seen else None


def _filtered(
    text: str, wanted: Wanted, backend: Backend, first: Mapping[tuple[str, str], int]
) -> Ruleset:
    return parse_save_numbered(
        text,
        wanted.family,
        backend,
        partial=frozenset([("nat", DISPATCH)]),
        covers=wanted.destinations,
        first_lines=first,
    )


def _legacy(answers: Captures, wanted: Wanted) -> Ruleset | None:
    family, prefix = wanted.family, PREFIX[wanted.family]
    for whole in (Command(f"{prefix}-legacy-save-all"), Command(f"{prefix}-save-all")):
        text = _text(answers, whole)
        if text is not None:
            return parse_save(text, family, Backend.LEGACY)
    for command, capture in answers.items():
        if command.name == f"{prefix}-legacy-save-all-filtered" and capture.ok:
            first = _first_line(answers, prefix)
            return _all_legacy(_filtered(capture.text(), wanted, Backend.LEGACY, first))
    names = answers.get(LEGACY_TABLES[family])
    if names is not None and not names.text().split() and names.exit_code is not None:
        return Ruleset(family=family, backend=Backend.LEGACY, complete=True)
    return None


def _all_legacy(ruleset: Ruleset) -> Ruleset:
    """The filter leaves out chains of nat alone, so every table is listed, the others whole."""
    if ruleset.stray or any(table.truncated for table in ruleset.tables.values()):
        return ruleset
    tables = {
        name: table if name == "nat" or table.garbled else replace(table, complete=True)
        for name, table in ruleset.tables.items()
    }
    return replace(ruleset, tables=tables, complete=True)


def _first_line(answers: Captures, prefix: str) -> dict[tuple[str, str], int]:
    text = _text(answers, Command(f"{prefix}-legacy-first-rule", (FIRST_DISPATCH,)))
    number = (text or "").partition(":")[0]
    return {("nat", DISPATCH): int(number)} if number.isdecimal() else {}


def read_foreign(answers: Captures, families: Iterable[Family]) -> tuple[ForeignTable, ...] | None:
    """Native nft tables with base chains, and native base chains in iptables' own tables.
    None: they were not looked for (no nft in the image)."""
    capture = answers.get(LISTING)
    if capture is None:
        return None
    if capture.failure is not None and capture.failure.reason is Reason.NOT_PRESENT:
        return ()
    if not capture.ok:
        return None
    known = {name for family in families for name in NFT_FAMILY[family]}
    found = []
    for table in parse_chain_listing(capture.text()):
        if table.family not in known:
            continue
        own = table.name in ("nat", *WHOLE_TABLES)
        hooks = {
            hook for chain, (_, hook, _) in table.base.items() if not (own and chain.isupper())
        }
        if hooks or not own:
            found.append(
                ForeignTable(family=table.family, name=table.name, hooks=frozenset(hooks), raw="")
            )
    return tuple(found)
