"""Branches in, fates out: what was not read, what is not known, and what is certain.

Two branches with the same end are one fate. A branch that still depends on an answer that
nobody has is unknown: had both answers led to the same end, they would have been joined.
"""

from __future__ import annotations

from collections.abc import Hashable

from ...model.address import SocketAddress
from ...model.fate import ChainId, Fate, FateKind
from .flow import Branch, Cause, Choice, joined

_ARRIVES = (FateKind.ENDPOINT, FateKind.LOCAL, FateKind.PASS)


def fates_of(branches: list[Branch], wanted: frozenset[ChainId]) -> tuple[Fate, ...]:
    unread = [branch for branch in branches if branch.unread]
    fates: dict[Hashable, Fate] = {}
    unknown: dict[int, list[tuple[Choice, Branch]]] = {}
    for branch in joined((b for b in branches if not b.unread), _end):
        if not branch.choices:  # chance alone
            _add(fates, branch)
            continue
        doubt = next((c for c in branch.choices if c.cause is Cause.UNKNOWN), None)
        if any(choice.cause is Cause.UNREAD for choice in branch.choices):
            unread.append(branch)
        elif doubt is None:
            _add(fates, branch)
        else:
            unknown.setdefault(doubt.split, []).append((doubt, branch))
    found = [*fates.values(), *map(_unknown, unknown.values())]
    if unread:
        first_unread = unread[0]
        found.append(
            Fate(
                kind=FateKind.UNREAD,
                probability=min(1.0, sum(branch.weight for branch in unread)),
                rules=first_unread.rules,
                steps=first_unread.steps,
                unread=wanted,
            )
        )
    return tuple(found)


def _add(fates: dict[Hashable, Fate], branch: Branch) -> None:
    """Fates that differ only in which state decides are one."""
    fate = _fate(branch)
    key = _end(branch), fate.probability is None
    same = fates.get(key)
    if same is None:
        fates[key] = fate
    elif same.probability is not None and fate.probability is not None:
        fates[key] = _with_probability(same, same.probability + fate.probability)


def _end(branch: Branch) -> Hashable:
    """By what ends are told apart; those that nobody understands, by the reason."""
    ending, flow = branch.ending, branch.flow
    assert ending is not None
    kind = ending.kind
    place = (flow.destination, flow.destination_port) if kind is FateKind.ENDPOINT else None
    masquerade = flow.source_changed if kind in _ARRIVES else None
    return kind, place, masquerade, ending.because if kind is FateKind.UNKNOWN else ""


def _fate(branch: Branch) -> Fate:
    assert branch.ending is not None
    kind, flow = branch.ending.kind, branch.flow
    arrives = kind in _ARRIVES
    endpoint = None
    if kind is FateKind.ENDPOINT:
        endpoint = SocketAddress(flow.destination, flow.destination_port)
    return Fate(
        kind=kind,
        endpoint=endpoint,
        probability=None if branch.choices else branch.weight,
        masquerade=flow.source_changed if arrives else None,
        source=flow.source if arrives else None,
        rules=branch.rules,
        steps=branch.steps,
        because=branch.ending.because,
        translated_by=branch.translated_by if kind is FateKind.ENDPOINT else None,
    )


def _unknown(doubted: list[tuple[Choice, Branch]]) -> Fate:
    """What one doubt leaves open. Each side of a split has the whole share of what was split, so
    the share is that of one side of the doubt, and of the first of each split behind it."""
    doubt, first = doubted[0]
    one_side = [branch for at, branch in doubted if at.side == doubt.side]
    depends = any(c.cause is not Cause.UNKNOWN for branch in one_side for c in branch.choices)
    shares = [branch.weight for branch in one_side if _first_sides(branch, doubt)]
    return Fate(
        kind=FateKind.UNKNOWN,
        probability=None if depends else sum(shares) or first.weight,
        rules=first.rules,
        steps=first.steps,
        because=doubt.because,
    )


def _first_sides(branch: Branch, doubt: Choice) -> bool:
    behind = branch.choices[branch.choices.index(doubt) + 1 :]
    return all(choice.side == 0 and choice.sides > 1 for choice in behind)


def _with_probability(fate: Fate, probability: float | None) -> Fate:
    return Fate(
        kind=fate.kind,
        endpoint=fate.endpoint,
        probability=probability,
        masquerade=fate.masquerade,
        source=fate.source,
        rules=fate.rules,
        steps=fate.steps,
        because=fate.because,
        unread=fate.unread,
        translated_by=fate.translated_by,
    )
