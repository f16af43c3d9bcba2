"""Saved rules, each dump in its place: which family and backend, and what was not given.

A dump goes to the backend that it names, or that the user names; one that names none is taken as
iptables-nft's, which decides nothing but how its rules are called. A table of iptables-nft that
stands in its dump and in `nft list ruleset` as well is taken from the dump, unless that calls it
incompatible. A family of which nothing was given is unread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from ..errors import ParseError, UsageError
from ..model import nft
from ..model.address import Family
from ..model.fate import IPTABLES, Backend
from ..model.finding import Gap
from ..model.ruleset import Ruleset, Table
from ..model.saved import SavedText
from ..parse.iptables_save import parse_save
from ..parse.nftables import BROKE_OFF, parse_ruleset
from ..parse.nftables_json import parse_json
from ..parse.ruleset_text import Format, RulesText, recognise

T = TypeVar("T")

#: What iptables-nft-save remarks (xtables-save.c).
_OTHERS = "-legacy tables present"
#: `nft list ruleset` prints nothing where there is nothing, and where it failed.
_NOTHING = "no rules in it; the command that wrote it may have failed"

Slot = tuple[Family, Backend]


@dataclass(frozen=True, slots=True)
class _Dump:
    name: str
    backend: Backend | None
    ruleset: Ruleset


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRules:
    """What was not given is there, and empty; complete if something of its family was given."""

    rulesets: Mapping[Slot, Ruleset]
    nft_tables: tuple[nft.Table, ...] = ()
    gaps: tuple[Gap, ...] = ()


def parsed(saved: SavedText, parse: Callable[[str], T]) -> T:
    """Raises ParseError that names the file."""
    try:
        return parse(saved.text)
    except ParseError as error:
        raise ParseError(str(error), file=saved.name, line=error.line) from error


def read_saved_rules(files: Iterable[SavedText], families: Iterable[Family]) -> SavedRules:
    """Gaps are told as far as packets of these families are concerned."""
    files = tuple(files)
    held = [(saved, parsed(saved, recognise)) for saved in files]
    parts = [(saved, part) for saved, found in held for part in found]
    dumps = [_dump(saved, part) for saved, part in parts if part.format is Format.SAVE]
    others = [(saved, part) for saved, part in parts if part.format is not Format.SAVE]
    if (
        files
        and not others
        and not any(dump.ruleset.tables or dump.ruleset.stray for dump in dumps)
    ):
        raise ParseError(_NOTHING, file=", ".join(file.name for file in files))
    natives = [_native(saved, part) for saved, part in others]
    slots: dict[Slot, _Dump] = {}
    gaps = [_note(f"{file.name} holds no rules") for file, found in held if not found]
    for dump in sorted(dumps, key=lambda dump: dump.backend is None):  # those that say it first
        backend = _place(slots, dump)
        if dump.backend is None and backend is Backend.LEGACY:
            gaps.append(_note(f"{dump.name} does not say it, and is taken as legacy"))
    gaps += [gap for dump in dumps for gap in _broken(dump)]
    gaps += [
        gap
        for (saved, _), tables in zip(others, natives, strict=True)
        for gap in _cut(saved.name, tables)
    ]
    given = {slot: dump.ruleset for slot, dump in slots.items()}
    gaps += _lacking(given, families, nft_given=bool(natives))
    tables = _tables(natives)
    known = set(Family) if natives else {family for family, _ in given}
    return SavedRules(
        rulesets=_without_rules(known)
        | {slot: _without_native(ruleset, tables) for slot, ruleset in given.items()},
        nft_tables=tuple(table for table in tables if not _is_dumped(table, given)),
        gaps=tuple(gaps),
    )


def _without_rules(known: Collection[Family]) -> dict[Slot, Ruleset]:
    return {
        (family, backend): Ruleset(family=family, backend=backend, complete=family in known)
        for family in Family
        for backend in IPTABLES
    }


def _dump(saved: SavedText, part: RulesText) -> _Dump:
    backend, family = saved.backend or part.backend, part.family
    assert family is not None

    def parse(text: str) -> Ruleset:
        return parse_save(part.text, family, backend or Backend.NFT)

    return _Dump(saved.name, backend, parsed(saved, parse))


def _broken(dump: _Dump) -> Iterable[Gap]:
    """A dump that says less than it should: what is missing is unread, and here is why."""
    if dump.ruleset.stray:
        line = dump.ruleset.stray[0].raw.strip()[:60]
        why = (
            f"{dump.name}: a line that is none of iptables-save's, so tables may be missing: {line}"
        )
        yield Gap(what="rules", why=why, blocking=True)
    for table in dump.ruleset.tables.values():
        if table.truncated:
            why = f"{dump.name} breaks off in table {table.name}"
            yield Gap(what="rules", why=why, blocking=True)


def _cut(name: str, tables: Iterable[nft.Table]) -> Iterable[Gap]:
    """Which tables came after the one in which a listing broke off, nobody knows."""
    for table in tables:
        if any(one.raw == BROKE_OFF for one in table.garbled):
            why = f"{name} breaks off in table {table}, and tables behind it may be missing"
            yield Gap(what="rules", why=why, blocking=True)


def _place(slots: dict[Slot, _Dump], dump: _Dump) -> Backend:
    """Into the first slot that is free, or that holds other tables (`iptables-save -t nat`)."""
    family = dump.ruleset.family
    for backend in [dump.backend] if dump.backend else IPTABLES:
        before = slots.get((family, backend))
        ruleset = replace(dump.ruleset, backend=backend)
        if before is not None:
            if before.ruleset.tables.keys() & ruleset.tables.keys():
                continue
            ruleset = _joined(before.ruleset, ruleset)
        slots[family, backend] = _Dump(dump.name, backend, ruleset)
        return backend
    taken = slots[family, dump.backend or Backend.NFT].name
    if taken == dump.name:
        raise UsageError(
            f"{taken} holds the same tables of {family.value} twice, or is given twice"
        )
    raise UsageError(
        f"{taken} and {dump.name} hold the same tables of {family.value}: name the backend, "
        "as in --rules legacy=FILE"
    )


def _joined(one: Ruleset, other: Ruleset) -> Ruleset:
    return replace(
        other,
        tables={**one.tables, **other.tables},
        complete=one.complete and other.complete,
        comments=(*one.comments, *other.comments),
        stray=(*one.stray, *other.stray),
    )


def _native(saved: SavedText, part: RulesText) -> tuple[nft.Table, ...]:
    return parsed(saved, parse_json if part.format is Format.NFT_JSON else parse_ruleset)


def _tables(listings: Iterable[tuple[nft.Table, ...]]) -> tuple[nft.Table, ...]:
    tables = [table for listing in listings for table in listing]
    for table in tables:
        if sum((t.family, t.name) == (table.family, table.name) for t in tables) > 1:
            raise UsageError(f"table {table} is given twice")
    return tuple(tables)


def _is_dumped(table: nft.Table, given: Mapping[Slot, Ruleset]) -> bool:
    ruleset = _ruleset_of(table, given)
    found = ruleset.tables.get(table.name) if ruleset else None
    return found is not None and not found.incompatible


def _ruleset_of(table: nft.Table, given: Mapping[Slot, Ruleset]) -> Ruleset | None:
    family = nft.FAMILIES.get(table.family)
    return given.get((family, Backend.NFT)) if family else None


def _without_native(ruleset: Ruleset, natives: Iterable[nft.Table]) -> Ruleset:
    """Without the tables that the dump calls incompatible and nft has shown."""
    if ruleset.backend is not Backend.NFT:
        return ruleset
    shown = {table.name for table in natives if nft.FAMILIES.get(table.family) is ruleset.family}

    def is_kept(table: Table) -> bool:
        return not (table.incompatible and table.name in shown)

    return replace(ruleset, tables={n: t for n, t in ruleset.tables.items() if is_kept(t)})


def _lacking(
    given: Mapping[Slot, Ruleset], families: Iterable[Family], *, nft_given: bool
) -> Iterable[Gap]:
    """Blocking where a dump says itself that there are others. `nft list ruleset` shows what
    iptables-nft would, too."""
    words = []
    for family in families:
        if not nft_given and family not in {each for each, _ in given}:
            save = "iptables-save" if family is Family.IPV4 else "ip6tables-save"
            yield Gap(
                what="rules", why=f"none of {family.value} were given", next=save, blocking=True
            )
            continue
        nft_ = given.get((family, Backend.NFT))
        if nft_ is None and not nft_given:
            words.append(f"iptables-nft of {family.value}")
        if (family, Backend.LEGACY) in given:
            continue
        words.append(f"iptables-legacy of {family.value}")
        if nft_ is not None and any(_OTHERS in comment for comment in nft_.comments):
            why = f"there are iptables-legacy rules of {family.value}, and they were not given"
            yield Gap(what="rules", why=why, next="iptables-legacy-save", blocking=True)
    words += [] if nft_given else ["native nft tables"]
    if words:
        yield _note(f"not given, so taken as none: {', '.join(words)}")


def _note(why: str) -> Gap:
    return Gap(what="rules", why=why)
