"""How a node is read in rounds: what to ask first, what is still unread, and when to stop.

Round one asks for the names that hashing gives. A walk then names what it missed, and the next
round asks for that; the fourth takes the dump. A chain listed twice in one exec that answered
differently has changed under the reading, so the round is made again, and then the dump.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..model.address import Family
from ..model.capture import Capture, Reason
from ..model.commands import Command, Needs
from ..model.fate import IPTABLES, Backend, ChainId
from .ipvs import IP_VS, IPVSADM
from .netfilter import (
    IPSET_SAVE,
    IPSETS,
    LISTING,
    Wanted,
    dumps,
    first_rules,
    further_rules,
)
from .proc import FIB_TRIE, IF_INET6, IPV6_ROUTE, LEGACY_TABLES, ROUTE, STATUS, state_commands

LAST_ROUND = 4


@dataclass(frozen=True, slots=True)
class Answers:
    """What a node has answered so far: per command the last capture."""

    captures: dict[Command, Capture] = field(default_factory=dict)
    rounds: int = 0
    changed: bool = False  # the last round saw a chain change while it was read


_LEGACY_DUMPS = frozenset(dumps(tuple(Family), (Backend.LEGACY,)))


def first_round(wanted: Iterable[Wanted]) -> tuple[Command, ...]:
    wanted = tuple(wanted)
    state = state_commands(frozenset(w.family for w in wanted))
    return (*state, IP_VS, IPVSADM, *rules_round(wanted))


def rules_round(wanted: Iterable[Wanted]) -> tuple[Command, ...]:
    return (LISTING, *(command for w in wanted for command in first_rules(w)))


def nft_withheld(captures: Sequence[Capture]) -> bool:
    """nf_tables is not in /proc/modules, and yet no legacy table is there: then it is built in,
    since kube-proxy needs one of the two, and uses it itself (law 3's third case)."""
    reasons = {c.command: c.failure.reason for c in captures if c.command and c.failure}
    names = [c for c in captures if c.command in LEGACY_TABLES.values()]
    return reasons.get(LISTING) is Reason.NOT_PRESENT and not any(c.data.split() for c in names)


def nft_unproven(captures: Sequence[Capture]) -> tuple[Command, ...]:
    """What was not run because no `cat` could read /proc/modules, where the legacy tables hold
    nothing of kube-proxy's: then it uses nft itself (law 3's third case)."""
    legacy = [c for c in captures if c.command in _LEGACY_DUMPS]
    if not legacy or any(not c.ok or b"KUBE-" in c.data for c in legacy):
        return ()
    return tuple(c.command for c in captures if c.command and c.failed(Reason.UNPROVEN))


def plain_round(families: frozenset[Family]) -> tuple[Command, ...]:
    """Without a shell in the image every command is an exec of its own, so at once the dumps,
    and of the rest only what `cat` shows."""
    files = [STATUS, FIB_TRIE, ROUTE]
    if Family.IPV6 in families:
        files += [IF_INET6, IPV6_ROUTE]
    return (
        *files,
        *(LEGACY_TABLES[family] for family in sorted(families)),
        IP_VS,
        LISTING,
        *dumps(families, IPTABLES),
    )


def next_round(
    answers: Answers, unread: frozenset[ChainId], wanted: Iterable[Wanted]
) -> tuple[Command, ...]:
    """What to ask now; empty when nothing more can be asked."""
    wanted = tuple(wanted)
    if answers.rounds >= LAST_ROUND:
        return ()
    if answers.changed and answers.rounds == 1:
        return rules_round(wanted)
    from .nft import further_tables  # with its parser, only when a node has answered

    sets = frozenset(name for name in unread if name.table == IPSETS)
    native = further_tables(unread - sets, answers.captures, wanted)
    apart = (Backend.NFTABLES, Backend.IPVS)  # which was asked for at once, and has no more
    unread = frozenset(n for n in unread - sets if n.backend not in apart)
    if (native or sets) and not unread:
        asked = (*native, *([IPSET_SAVE] if sets else ()))
        return tuple(command for command in asked if command not in answers.captures)
    backends = {chain.backend for chain in unread} or set(IPTABLES)
    families = {chain.family for chain in unread} or {w.family for w in wanted}
    if answers.changed or (unread and answers.rounds == LAST_ROUND - 1):
        commands = dumps(families, backends)
    else:
        commands = further_rules(unread, answers.captures)
    if sets:
        commands = (*commands, IPSET_SAVE)
    return tuple(c for c in (*native, *commands) if c not in answers.captures)


def proven(unread: Iterable[ChainId]) -> frozenset[Needs]:
    """What the kernel must have, since rules that were read use it."""
    return frozenset({Needs.IP_SET} if any(name.table == IPSETS for name in unread) else ())


def merge(answers: Answers, captures: Sequence[Capture]) -> Answers:
    """One round's captures added; the last answer to a command counts."""
    merged = dict(answers.captures)
    this_round: dict[Command, Capture] = {}
    changed = False
    for capture in captures:
        if capture.command is None:
            continue
        before = this_round.get(capture.command)
        if before is not None and before.failure is None and capture.failure is None:
            changed |= before.data != capture.data
        this_round[capture.command] = capture
    merged |= this_round
    return Answers(captures=merged, rounds=answers.rounds + 1, changed=changed)
