"""What leftover rules do to packets: the simulator walks with and without them.

Each packet that stands for a client of a Service is followed through the node as it is, and
through the node without the leftovers. Where the ends differ for one, they change the path of
packets; where only what decides is open (the order of base chains that no listing shows, a rule
that is not understood), it is not known. Harmless is only what makes no difference to any.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...model.counted import counted
from ...model.fate import ChainId, Fate, FateKind
from ...model.nodeview import NodeView
from ...model.packet import Packet
from ...model.proxystate import Harm, Leftover
from ..simulate import Simulator
from ..simulate.without import is_entered, without

#: Packets followed for one leftover: each takes a few milliseconds, twice.
MOST = 2_000

_OPEN = (FateKind.UNKNOWN, FateKind.UNREAD)
_ORDER = "it depends on which base chain was registered last, which no listing shows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What is not of the proxy at work: `chains` of iptables, native `tables`, virtual servers."""

    what: str
    chains: frozenset[ChainId] = frozenset()
    tables: frozenset[str] = frozenset()
    device: str = ""  # that of IPVS's virtual servers, if they are meant


@dataclass(frozen=True, slots=True)
class Probe:
    """One packet, and whose it is: "pod to default/db-service 10.96.0.9:3306/TCP"."""

    who: str
    packet: Packet


def judge_leftover(view: NodeView, remains: Remains, probes: Iterable[Probe]) -> Leftover:
    if not (remains.tables or remains.device or is_entered(view, remains.chains)):
        because = "no rule leads to them"
        return Leftover(what=remains.what, harm=Harm.HARMLESS, because=because)
    full = Simulator(view)
    bare = Simulator(without(view, remains.chains, remains.tables, remains.device))
    doubt, walked = "", 0
    for probe in probes:
        if walked == MOST:
            doubt = doubt or f"only the first {MOST} packets for Services were followed"
            break
        walked += 1
        now, then = full.fates(probe.packet), bare.fates(probe.packet)
        ends, others = set(map(_end, now)), set(map(_end, then))
        if ends == others:
            continue
        if any(fate.kind in _OPEN for fate in (*now, *then)):
            doubt = doubt or _why(now) or _why(then)
        elif _only_by_order(now, then):
            doubt = doubt or f"{probe.who}: {_ORDER}"
        else:
            because = f"{probe.who}: {_told(now)} instead of {_told(then)}"
            return Leftover(what=remains.what, harm=Harm.CHANGES, because=because)
    if doubt or not walked:
        return Leftover(what=remains.what, because=doubt or "no Service's packet could be followed")
    fares = counted(walked, "packet for a Service fares", "packets for Services fare")
    because = f"{fares} the same without them"
    return Leftover(what=remains.what, harm=Harm.HARMLESS, because=because)


def _end(fate: Fate) -> tuple[object, ...]:
    share = None if fate.probability is None else round(fate.probability, 4)
    return fate.kind, fate.endpoint, fate.masquerade, share


def _only_by_order(now: Iterable[Fate], then: Iterable[Fate]) -> bool:
    """All ends without the leftovers are still possible, and what decides is no chance."""
    possible = {_end(fate)[:3] for fate in now}
    return {_end(fate)[:3] for fate in then} <= possible and all(
        fate.probability is None for fate in now
    )


def _why(fates: Iterable[Fate]) -> str:
    for fate in fates:
        if fate.kind is FateKind.UNKNOWN:
            return fate.because
        if fate.kind is FateKind.UNREAD:
            return f"not read: {', '.join(sorted(map(str, fate.unread))[:3])}"
    return ""


def _told(fates: Iterable[Fate]) -> str:
    ends = (str(fate.endpoint) if fate.endpoint else fate.kind.value for fate in fates)
    found = list(dict.fromkeys(ends))
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return " or ".join(found[:3]) + more
