"""The rulesets that a node's answers make: what they do not hold is missing, never empty.

Apart from `netfilter`, which only names commands, because parsers take long to import and are
not needed before a node has answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..errors import ParseError
from ..model.address import Family
from ..model.capture import Reason
from ..model.commands import Command
from ..model.fate import Backend
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
from .netfilter import DISPATCH, IPSET_SAVE, LISTING, PREFIX, TABLES, Wanted
from .proc import LEGACY_TABLES, Captures


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
    if listing is not None and listing.failed(Reason.NOT_PRESENT):  # no nf_tables in the kernel
        return Ruleset(family=family, backend=Backend.NFT, complete=True)
    listed = listing is not None and listing.ok
    found = {name: _nft_table(answers, wanted, name, listed=listed) for name in TABLES}
    tables = {name: table for name, table in found.items() if table is not None}
    return Ruleset(family=family, backend=Backend.NFT, tables=tables)


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
        absent |= listed and kind in ("chain", "table") and capture.failed(Reason.NOT_PRESENT)
        if not capture.ok:
            continue
        if kind == "save-filtered":
            table = _filtered(capture.text(), wanted, Backend.NFT, {}).tables.get(name)
            incompatible |= table is not None and table.incompatible
            chains |= dict(table.chains) if table else {}
        elif kind == "chain":
            chain = parse_chain(capture.text(), name)
            chains[chain.name] = chain
        elif kind == "chain-filtered":
            chain = parse_chain_numbered(capture.text(), name, covers=wanted.destinations)
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
        partial=frozenset() if wanted.everything else frozenset([("nat", DISPATCH)]),
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
    """The line after nat's own, unless it is another table's: then the chain has no rule."""
    text = _text(answers, Command(f"{tool}-first-rule", ("nat", DISPATCH)))
    number, _, line = (text or "").partition("\n")[2].partition(":")
    found = number.isdecimal() and line.startswith(f"-A {DISPATCH} ")
    return {("nat", DISPATCH): int(number)} if found else {}


def read_sets(answers: Captures) -> tuple[Mapping[str, IPSet] | None, tuple[Gap, ...]]:
    """Every ipset by name; None where they were not read."""
    text = _text(answers, IPSET_SAVE)
    if text is None:
        return None, ()
    try:
        return parse_sets(text), ()
    except ParseError as error:
        return None, (Gap(what="ipset save", why=str(error)),)
