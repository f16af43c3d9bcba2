"""A node's native nftables: which tables there are, and what of them was read.

The listing of chains, which leaves rules out, tells the tables and where they hook in. A table
that a packet can meet is then read whole, of kube-proxy's own what may concern the Services asked
for; until then its base chains are there and unread, so that a walk wants them. iptables-nft's own
tables are read with iptables, unless a native rule in one makes its save command leave the table
out: then nft lists it instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..errors import ParseError
from ..model import nft
from ..model.address import Family
from ..model.capture import Capture, Reason
from ..model.commands import Command
from ..model.fate import Backend, ChainId
from ..model.finding import Gap
from ..model.nodeview import ForeignTable
from ..model.ruleset import Ruleset, Table
from ..parse.nft_chains import ListedTable, parse_chain_listing
from ..parse.nft_picked import parse_picked
from ..parse.nftables import parse_ruleset, priority_of
from .filters import picked_from_nft
from .netfilter import LISTING, Wanted
from .proc import Captures

KUBE_PROXY = "kube-proxy"

_BRIDGE = "what it does to frames of bridges is not simulated"

Rulesets = Mapping[tuple[Family, Backend], Ruleset]


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """`tables` were read, or are known to be there; `foreign` could not be read. `instead` are
    iptables' own tables, by family and name, that nft listed. None: nobody looked."""

    tables: tuple[nft.Table, ...] = ()
    foreign: tuple[ForeignTable, ...] = ()
    instead: frozenset[tuple[Family, str]] = frozenset()
    gaps: tuple[Gap, ...] = ()
    order: tuple[str, ...] = ()  # of tables: the kernel lists the oldest first


def table_command(family: str, name: str) -> Command:
    return Command("nft-table", (family, name))


def picked_command(listed: ListedTable, wanted: Iterable[Wanted]) -> Command | None:
    """What of kube-proxy's table concerns these Services; None where nothing less than the whole
    of it would do, or where that would not fit one exec."""
    family = nft.FAMILIES.get(listed.family)
    if listed.name != KUBE_PROXY or family is None:
        return None
    for each in wanted:
        if each.family is family and each.native and not each.everything:
            show = picked_from_nft(listed.chains, each.native, each.destinations | each.endpoints)
            return Command("nft-table-picked", (listed.family, listed.name, show)) if show else None
    return None


def listed_tables(captures: Iterable[Capture]) -> tuple[Command, ...]:
    """For a dump of the node: every native table that its listing of chains names."""
    found: dict[Command, None] = {}
    for capture in captures:
        if capture.command == LISTING and capture.ok:
            for listed in parse_chain_listing(capture.text()):
                own = nft.is_iptables(listed.family, listed.name) and not _native_bases(listed)
                if listed.family in nft.SEES and not own:
                    found[table_command(listed.family, listed.name)] = None
    return tuple(found)


def read_native(answers: Captures, wanted: Iterable[Wanted]) -> Native | None:
    """What these answers hold of native tables. None: they were not looked for."""
    wanted = tuple(wanted)
    listing = answers.get(LISTING)
    if listing is None:
        return None
    if listing.failed(Reason.NOT_PRESENT):
        return Native()
    if not listing.ok:
        return None
    tables: list[nft.Table] = []
    foreign: list[ForeignTable] = []
    instead: set[tuple[Family, str]] = set()
    gaps: list[Gap] = []
    families = frozenset(each.family for each in wanted)
    every = parse_chain_listing(listing.text())
    for listed in every:
        if listed.family == "bridge" and listed.base:
            gaps.append(Gap(what=f"nft table bridge {listed.name}", why=_BRIDGE))
        if not families & set(nft.SEES.get(listed.family, ())):
            continue
        own = nft.is_iptables(listed.family, listed.name)
        capture = answers.get(table_command(listed.family, listed.name))
        if own and capture is None and not _native_bases(listed):
            continue
        found = _picked(listed, answers, wanted) if capture is None else _read(capture)
        if isinstance(found, nft.Table):
            tables.append(found)
            if own:
                instead.add((nft.FAMILIES[listed.family], listed.name))
        else:
            foreign.append(_opaque(listed))
            gaps.append(Gap(what=f"nft table {listed.family} {listed.name}", why=found))
    return Native(
        tables=tuple(tables),
        foreign=tuple(foreign),
        instead=frozenset(instead),
        gaps=tuple(gaps),
        order=_order(every),
    )


def unlisted(listing: Capture | None) -> Gap:
    """Why native tables were not looked for. Without nft in the image nothing can be done."""
    failure = listing.failure if listing is not None else None
    no_tool = listing is not None and listing.failed(Reason.NO_TOOL)
    if no_tool:
        why = "the image has no nft"
    elif failure is not None:
        why = failure.message
    elif listing is not None:
        said = listing.stderr.decode("utf-8", "replace").strip()
        why = f"nft list chains: {said or f'exit {listing.exit_code}'}"
    else:
        why = "they were not asked for"
    why += ", so tables beside iptables' own were not looked for"
    return Gap(what="native nft tables", why=why, blocking=not no_tool)


def _order(every: Iterable[ListedTable]) -> tuple[str, ...]:
    """iptables' own tables, and native ones whose base chains are as old as themselves."""
    return tuple(
        f"{listed.family} {listed.name}"
        for listed in every
        if listed.original or nft.is_iptables(listed.family, listed.name)
    )


def _native_bases(listed: ListedTable) -> bool:
    """Base chains that iptables does not make; its own are upper case."""
    return any(not chain.isupper() for chain in listed.base)


def _picked(listed: ListedTable, answers: Captures, wanted: Iterable[Wanted]) -> nft.Table:
    """The part of it that was read; what of that does not come out whole is wanted again."""
    unread, command = _unread(listed), picked_command(listed, wanted)
    capture = answers.get(command) if command else None
    if capture is None or not capture.ok:
        return unread
    family = nft.FAMILIES[listed.family]
    covers = [each.destinations | each.endpoints for each in wanted if each.family is family]
    try:
        part = parse_picked(capture.text(), frozenset().union(*covers))
    except ParseError:
        return unread
    return replace(part, chains={**unread.chains, **part.chains})


def _read(capture: Capture) -> nft.Table | str:
    """The table, or why it could not be read."""
    if not capture.ok:
        return capture.failure.message if capture.failure else f"exit {capture.exit_code}"
    try:
        tables = parse_ruleset(capture.text())
    except ParseError as error:
        return str(error)
    return tables[0] if len(tables) == 1 else "it is gone"


def _unread(listed: ListedTable) -> nft.Table:
    """Its base chains are there; what is in them is not known yet."""
    chains = {
        name: nft.Chain(name=name, base=nft.Base(kind, hook, priority_of(priority)), whole=False)
        for name, (kind, hook, priority) in listed.base.items()
    }
    return nft.Table(family=listed.family, name=listed.name, chains=chains)


def _opaque(listed: ListedTable) -> ForeignTable:
    hooks = frozenset(hook for _, hook, _ in listed.base.values())
    return ForeignTable(family=listed.family, name=listed.name, hooks=hooks)


def without_listed(rulesets: Rulesets, native: Native) -> dict[tuple[Family, Backend], Ruleset]:
    """iptables' rules without the tables that nft listed instead: those have none left."""
    kept = dict(rulesets)
    for family, name in native.instead:
        ruleset = kept.get((family, Backend.NFT))
        if ruleset is not None:
            empty = Table(name=name, complete=True)
            kept[family, Backend.NFT] = replace(ruleset, tables={**ruleset.tables, name: empty})
    return kept


def further_tables(
    unread: Iterable[ChainId], rulesets_asked: Mapping[Command, Capture], wanted: Iterable[Wanted]
) -> tuple[Command, ...]:
    """The tables that walks miss something of, kube-proxy's own in part at first; and those that
    iptables would not list."""
    commands: dict[Command, None] = {}
    picked = _parts(rulesets_asked.get(LISTING), tuple(wanted))
    for chain in sorted(unread):
        if chain.backend is Backend.NFTABLES:
            family, _, name = chain.table.partition(" ")
            whole, part = table_command(family, name), picked.get((family, name))
            tried = part is None or part in rulesets_asked or whole in rulesets_asked
            commands[whole if part is None or tried else part] = None
        elif chain.backend is Backend.NFT and _left_out(chain, rulesets_asked):
            commands[table_command(nft.NAMES[chain.family], chain.table)] = None
    return tuple(commands)


def _parts(
    listing: Capture | None, wanted: tuple[Wanted, ...]
) -> dict[tuple[str, str], Command | None]:
    listed = parse_chain_listing(listing.text()) if listing is not None and listing.ok else ()
    return {(table.family, table.name): picked_command(table, wanted) for table in listed}


def _left_out(chain: ChainId, asked: Mapping[Command, Capture]) -> bool:
    """iptables-nft-save said: Table `nat' is incompatible, use 'nft' tool."""
    tool = "iptables-nft-" if chain.family is Family.IPV4 else "ip6tables-nft-"
    said = f"Table `{chain.table}' is incompatible"
    return any(
        command.name.startswith(tool) and "save" in command.name and said in capture.text()
        for command, capture in asked.items()
        if capture.ok
    )
