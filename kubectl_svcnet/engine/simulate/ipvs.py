"""IPVS takes a packet for one of its virtual servers and gives it to a real server.

It looks at what is delivered to this node after filter, and at the node's own packets after nat
(net/netfilter/ipvs/ip_vs_core.c: ip_vs_ops4, ip_vs_schedule, ip_vs_leave). Which real server a
new connection gets, the scheduler says: by turns, so that each has its share, or by a hash or by
load, which is state. One of weight 0 gets none. Where none is left the client is told so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ...model.address import IPAddress, Protocol, SocketAddress, family_of
from ...model.fate import Backend, ChainId, FateKind, RuleRef
from ...model.ipvs import Forwarding, RealServer, VirtualServer, VirtualServers
from .flow import Answering, Branch, Cause, Choice, Ending, Flow, Tracking
from .questions import Depends, NotKnown
from .walk import Walk

#: NF_IP_PRI_NAT_SRC - 1 and NF_IP_PRI_NAT_DST + 2.
PRIORITIES = {"INPUT": 99, "OUTPUT": -98}

#: Of several, each takes its turn: over time a share each. None: nobody knows the shares.
_Shares: TypeAlias = "Sequence[tuple[RealServer | None, float | None]]"


class Ipvs:
    """The virtual servers of one node, found by what the kernel finds them by. None: not read."""

    def __init__(self, table: VirtualServers | None) -> None:
        self.read = table is not None
        known = table or VirtualServers()
        self.unclear = known.unclear
        self._by_mark = {s.mark: s for s in known.servers if s.mark is not None}
        self._by_place: dict[tuple[Protocol | None, IPAddress, int], VirtualServer] = {
            (s.protocol, s.address.address, s.address.port): s for s in known.servers if s.address
        }

    def __bool__(self) -> bool:
        return not self.read or bool(self._by_mark or self._by_place or self.unclear)

    def find(self, flow: Flow) -> VirtualServer | None:
        """By mark, else by address and port, else by address alone (ip_vs_service_find)."""
        marked = self._by_mark.get(flow.mark) if flow.mark else None
        if marked is not None and marked.family in (None, flow.family):
            return marked
        kind, address = flow.protocol, flow.destination
        at_port = self._by_place.get((kind, address, flow.destination_port))
        return at_port or self._by_place.get((kind, address, 0))


@dataclass(frozen=True, slots=True)
class _At:
    """One packet at one virtual server."""

    walk: Walk
    server: VirtualServer
    ref: RuleRef
    hook: str


def scheduled(walk: Walk, ipvs: Ipvs, branch: Branch, hook: str) -> list[Branch]:
    """The branches after this stage: for a real server, refused, or none of IPVS's business."""
    flow = branch.flow
    if flow.scheduled is not None or flow.answering is not Answering.NOTHING:
        return [branch]
    virtual = SocketAddress(flow.destination, flow.destination_port)
    if not ipvs.read:
        walk.want(ChainId(flow.family, Backend.IPVS, "ipvs", str(virtual)), branch)
        return [branch]
    server = ipvs.find(flow)
    if server is None:
        return [_unclear(branch, "ipvs", ipvs.unclear[0].raw)] if ipvs.unclear else [branch]
    where = ChainId(flow.family, Backend.IPVS, "ipvs", server.name)
    at = _At(walk, server, RuleRef(where, 1, server.text, remembers=server.timeout), hook)
    branch.rules = (*branch.rules, at.ref)
    if server.unclear:
        return [_unclear(branch, str(at.ref), server.unclear[0].raw)]
    if server.one_packet and flow.protocol is Protocol.UDP:
        return [_unknown(branch, f"{at.ref}: packets one by one (ops) are not simulated")]
    if not server.persistent:
        any_port = server.address is not None and server.address.port == 0
        return _given(at, branch, () if any_port else _shares(server))
    why = f"whether {at.ref} remembers this client"
    seen, fresh = walk.divide(branch, Depends(why, usual=False), str(at.ref))
    return [*_remembered(at, seen), *_given(at, fresh, _shares(server))]


def _remembered(at: _At, branch: Branch) -> list[Branch]:
    """A client that was here stays with its real server, also with a draining one unless the
    kernel lets go of it then (ip_vs_check_template)."""
    kept = [(server, None) for server in at.server.servers if server.weight > 0]
    draining = [(server, None) for server in at.server.servers if server.weight == 0]
    name = "net.ipv4.vs.expire_quiescent_template"
    expires = at.walk.view.sysctls.get(name)
    if draining and expires is None:
        return [_unknown(branch, f"{at.ref}: {name} was not read")]
    found = kept if expires == "1" else [*kept, *draining]
    return _given(at, branch, found) if found else []


def _given(at: _At, branch: Branch, shares: _Shares) -> list[Branch]:
    if not shares:
        return [_refused(at, branch)]
    by_state = len(shares) > 1 and any(share is None for _, share in shares)
    split = at.walk.new_split() if by_state else 0
    because = f"{at.ref}: {at.server.scheduler} picks the real server"
    ends = []
    for side, (server, share) in enumerate(shares):
        choice = Choice(split, side, len(shares), Cause.STATE, because)
        one = branch.choose(choice) if by_state else branch.copy()
        one.weight = branch.weight * (1.0 if share is None else share)
        ends += [_refused(at, one)] if server is None else _to(at, one, server)
    return ends


def _to(at: _At, branch: Branch, server: RealServer) -> list[Branch]:
    flow, place = branch.flow, server.address
    if server.forwarding is not Forwarding.MASQ or family_of(place.address) is not flow.family:
        how = server.forwarding.value
        return [_unknown(branch, f"{at.ref}: {place} by {how}, which is not simulated")]
    branch.change(
        scheduled=SocketAddress(flow.destination, flow.destination_port),
        destination=place.address,
        destination_port=place.port or flow.destination_port,
        destination_settled=True,
        destination_changed=True,
    )
    branch.translated_by = at.ref
    to = f"to {branch.flow.destination} port {branch.flow.destination_port}"
    at.walk.tell(branch, at.hook, at.ref, to)
    return _tracked(at, branch)


def _tracked(at: _At, branch: Branch) -> list[Branch]:
    """Without it nothing behind it translates, so nothing masquerades (ip_vs_notrack)."""
    name = "net.ipv4.vs.conntrack"
    value = at.walk.view.sysctls.get(name)
    if value is not None and value != "0":
        return [branch]
    left = branch.copy()
    left.change(tracking=Tracking.UNTRACKED)
    if value == "0":
        return [left]
    kept, dropped = at.walk.divide(branch, NotKnown(f"{name} was not read"), str(at.ref))
    dropped.flow = left.flow
    return [kept, dropped]


def _refused(at: _At, branch: Branch) -> Branch:
    """ip_vs_leave: the packet is dropped, and an ICMP error sent in its place."""
    because = f"{at.ref}: it has no real server for it"
    branch.ending = Ending(FateKind.REJECT, because, Answering.ICMP)
    at.walk.tell(branch, at.hook, at.ref, "no real server")
    return branch


def _unclear(branch: Branch, where: str, raw: str) -> Branch:
    return _unknown(branch, f"{where}: not understood: {raw.strip()[:120]}")


def _unknown(branch: Branch, because: str) -> Branch:
    branch.ending = Ending(FateKind.UNKNOWN, because)
    return branch


def _shares(server: VirtualServer) -> _Shares:
    """What a new client gets."""
    usable = [real for real in server.servers if real.weight > 0]
    match server.scheduler:
        case "rr":
            weights: Mapping[int, int] = dict.fromkeys(range(len(usable)), 1)
        case "wrr":
            weights = {index: real.weight for index, real in enumerate(usable)}
        case "fo":  # the heaviest; of several the one that stands first in a list of the kernel
            most = max((real.weight for real in usable), default=0)
            return [(real, None) for real in usable if real.weight == most]
        case "sh" | "dh":
            return [*((real, None) for real in usable), *_lost_slots(server)]
        case _:
            return [(real, None) for real in usable]
    total = sum(weights.values())
    return [(real, weights[index] / total) for index, real in enumerate(usable)]


def _lost_slots(server: VirtualServer) -> Iterable[tuple[None, None]]:
    """Who is hashed to a draining server is refused, unless the hash is told to look further
    (ip_vs_sh_get, ip_vs_dh_schedule)."""
    fallback = any("fallback" in flag for flag in server.scheduler_flags or ())
    usable = any(real.weight > 0 for real in server.servers)
    if usable and not fallback and any(real.weight == 0 for real in server.servers):
        yield None, None
