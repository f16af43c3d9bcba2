"""A node's iptables rules: which commands list them, and the rulesets that their answers make.

On the nft backend nat is read chain by chain, each costing 2 ms however many there are, and the
other tables by `-S`: a save, even of one small table, makes iptables-nft fetch every rule of all
tables first. Which tables there are is learned from nft; in images without it, and on the legacy
backend, a save is the one command that surely creates none, so its output is filtered there.
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
from ..model.ipset import IPSet
from ..model.ruleset import Chain, Ruleset, Table
from ..parse.ipset_save import parse_sets
from ..parse.iptables_save import (
    parse_chain,
    parse_chain_numbered,
    parse_save,
    parse_save_numbered,
    parse_table,
)
from .filters import CHAIN_LISTING, FIRST_DISPATCH, any_of, other_addresses, other_chains
from .proc import LEGACY_TABLES, Captures

PREFIX = {Family.IPV4: "iptables", Family.IPV6: "ip6tables"}

DISPATCH = "KUBE-SERVICES"

#: Tables beside nat; all are read whole.
WHOLE_TABLES = ("raw", "mangle", "filter", "security")
TABLES = ("nat", *WHOLE_TABLES)

#: Chains of nat that every packet may meet. What others jump to is met by walking.
SHARED = ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING", "KUBE-POSTROUTING", "KUBE-MARK-MASQ")

#: More chains than this are cheaper as one filtered dump, and would not fit one exec.
MANY_CHAINS = 40

LISTING = Command("nft-chains", (CHAIN_LISTING,))

#: A walk names a set that was not read as a chain of this table. That a rule names it proves
#: that the kernel has ipset.
IPSETS = "ipset"
IPSET_SAVE = Command("ipset-save")


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
    return (
        *_nat(wanted, prefix, chains, addresses),
        *(Command(f"{prefix}-nft-table", (table,)) for table in WHOLE_TABLES),
        *_saved(f"{prefix}-nft", chains, addresses),
        *_saved(f"{prefix}-legacy", chains, addresses),
        Command(f"{prefix}-save-all"),
    )


def _saved(tool: str, chains: str, addresses: str) -> tuple[Command, ...]:
    return (
        Command(f"{tool}-save-all-filtered", (any_of(chains, addresses),)),
        Command(f"{tool}-first-rule", (FIRST_DISPATCH,)),
    )


def _nat(wanted: Wanted, prefix: str, chains: str, addresses: str) -> tuple[Command, ...]:
    """nat of the nft backend: chain by chain, dispatch and own chains again at the end, because
    chains read one by one are no snapshot. Many chains: one filtered dump, which is one."""
    if len(wanted.chains) > MANY_CHAINS:
        return (Command(f"{prefix}-nft-save-filtered", ("nat", any_of(chains, addresses))),)
    dispatch = _alone(prefix, DISPATCH)
    if addresses:
        dispatch = Command(f"{prefix}-nft-chain-filtered", ("nat", DISPATCH, addresses))
    own = tuple(_alone(prefix, name) for name in sorted(wanted.chains))
    shared = tuple(_alone(prefix, name) for name in SHARED)
    return (*shared, dispatch, *own, dispatch, *own)


def _alone(prefix: str, chain: str) -> Command:
    return Command(f"{prefix}-nft-chain", ("nat", chain))


def further_rules(
    unread: Iterable[ChainId], asked: Mapping[Command, Capture]
) -> tuple[Command, ...]:
    """Commands for chains that a walk met and did not find: of nat by name, of another table,
    which was to be here whole, a save. The dump for what would not be listed so, and where there
    is a filtered dump already."""
    commands: dict[Command, None] = {}
    for chain in sorted(unread):
        prefix = PREFIX[chain.family]
        if chain.backend is Backend.LEGACY or _is_saved(asked, f"{prefix}-nft"):
            commands[Command(f"{prefix}-{chain.backend.value}-save-all")] = None
            continue
        command = Command(f"{prefix}-nft-save", (chain.table,))
        if chain.table == "nat":
            command = _alone(prefix, chain.chain)
        if command in asked or (chain.table, chain.chain) == ("nat", DISPATCH):
            command = Command(f"{prefix}-nft-save-all")
        commands[command] = None
    if len(commands) > MANY_CHAINS:
        return dumps({chain.family for chain in unread}, {chain.backend for chain in unread})
    return tuple(commands)


def _is_saved(asked: Mapping[Command, Capture], tool: str) -> bool:
    return any(c.name == f"{tool}-save-all-filtered" and asked[c].ok for c in asked)


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
    saved = _read_saved(answers, wanted, Backend.NFT)
    if saved is not None:
        return saved
    listing = answers.get(LISTING)
    if listing is not None and _withheld(listing):  # no nf_tables in the kernel
        return Ruleset(family=family, backend=Backend.NFT, complete=True)
    listed = listing is not None and listing.ok
    found = {name: _nft_table(answers, wanted, name, listed=listed) for name in TABLES}
    tables = {name: table for name, table in found.items() if table is not None}
    return Ruleset(family=family, backend=Backend.NFT, tables=tables)


def _withheld(capture: Capture) -> bool:
    """Law 3's precondition said no: what it would list is not in the kernel."""
    return capture.failure is not None and capture.failure.reason is Reason.NOT_PRESENT


def _nft_table(answers: Captures, wanted: Wanted, name: str, *, listed: bool) -> Table | None:
    """One table: a listing of all of it, or what filtered and single listings say of its chains,
    the later ones winning. `listed`: chains were withheld only if the kernel has no such table."""
    prefix = PREFIX[wanted.family]
    whole = _text(answers, Command(f"{prefix}-nft-save", (name,)))
    if whole is not None:
        return parse_save(whole, wanted.family, Backend.NFT, complete=False).tables.get(name)
    whole = _text(answers, Command(f"{prefix}-nft-table", (name,)))
    if whole is not None:
        return parse_table(whole, wanted.family, Backend.NFT, name)
    chains: dict[str, Chain] = {}
    seen = incompatible = absent = False
    for command, capture in answers.items():
        kind = command.name.removeprefix(f"{prefix}-nft-")
        if command.arguments[:1] != (name,):
            continue
        absent |= listed and kind in ("chain", "table") and _withheld(capture)
        if not capture.ok:
            continue
        if kind == "save-filtered":
            table = _filtered(capture.text(), wanted, Backend.NFT, {}).tables.get(name)
            incompatible |= table is not None and table.incompatible
            chains |= dict(table.chains) if table else {}
        elif kind == "chain":
            chain = parse_chain(capture.text(), wanted.family, Backend.NFT, name)
            chains[chain.name] = chain
        elif kind == "chain-filtered":
            chain = parse_chain_numbered(
                capture.text(), wanted.family, Backend.NFT, name, covers=wanted.destinations
            )
            chains[chain.name] = chain
        else:
            continue
        seen = True
    if not seen:
        return Table(name=name, complete=True) if absent else None
    return Table(name=name, chains=chains, incompatible=incompatible)


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
    saved = _read_saved(answers, wanted, Backend.LEGACY)
    if saved is not None:
        return saved
    names = answers.get(LEGACY_TABLES[family])
    if names is not None and not names.text().split() and names.exit_code is not None:
        return Ruleset(family=family, backend=Backend.LEGACY, complete=True)
    return None


def _read_saved(answers: Captures, wanted: Wanted, backend: Backend) -> Ruleset | None:
    """The filtered dump of all tables."""
    tool = f"{PREFIX[wanted.family]}-{backend.value}"
    for command, capture in answers.items():
        if command.name == f"{tool}-save-all-filtered" and capture.ok:
            return _all_tables(
                _filtered(capture.text(), wanted, backend, _first_line(answers, tool))
            )
    return None


def _all_tables(ruleset: Ruleset) -> Ruleset:
    """The filter leaves out chains of nat alone, so every table is listed, the others whole."""
    if ruleset.stray or any(table.truncated for table in ruleset.tables.values()):
        return ruleset
    tables = {
        name: table if name == "nat" or table.garbled else replace(table, complete=True)
        for name, table in ruleset.tables.items()
    }
    return replace(ruleset, tables=tables, complete=True)


def _first_line(answers: Captures, tool: str) -> dict[tuple[str, str], int]:
    text = _text(answers, Command(f"{tool}-first-rule", (FIRST_DISPATCH,)))
    number = (text or "").partition(":")[0]
    return {("nat", DISPATCH): int(number)} if number.isdecimal() else {}


def read_sets(answers: Captures) -> tuple[Mapping[str, IPSet] | None, tuple[Gap, ...]]:
    """Every ipset by name; None where they were not read."""
    text = _text(answers, IPSET_SAVE)
    if text is None:
        return None, ()
    try:
        return parse_sets(text), ()
    except ParseError as error:
        return None, (Gap(what="ipset save", why=str(error)),)
