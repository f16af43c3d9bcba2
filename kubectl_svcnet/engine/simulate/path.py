"""The way of a first packet through a Linux node, hook by hook.

PREROUTING or OUTPUT, routing, INPUT or FORWARD, POSTROUTING. Within a hook base chains run by
priority (`stages`); where their order is open all orders are walked. An accept ends its own base
chain only; of several nat chains the first that translates wins (`nf_nat_inet_fn`). What IPVS
takes in INPUT or OUTPUT leaves from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from ipaddress import ip_address
from itertools import permutations

from ...model import nft
from ...model.address import Family, IPAddress, Protocol
from ...model.fate import FateKind
from .arrival import (
    forwarding_off,
    frame_kind,
    refused_after_prerouting,
    refused_by_source,
    refused_by_way,
    refused_on_the_wire,
    refused_to_leave,
)
from .bridges import bridged_on, passed_up
from .chains import run_base_chain
from .flow import Branch, Cause, Choice, Ending, Flow, Tracking, Way, joined
from .ipvs import Ipvs, scheduled
from .matching import Depends, NotKnown
from .nft_bases import NativeBase
from .nft_chains import run_native
from .routing import LOOPBACK, Sought
from .stages import Entry, Group, NatHook, Plan, Track, hook_of
from .walk import Base, Walk

#: Below IP, and not simulated: it may drop or change the frame of any packet.
_BELOW = {"bridge": tuple(Family)}

#: Base chains at one priority whose orders are all walked.
MOST_AT_ONCE = 4

_Stage = Callable[[Branch], list[Branch]]


class Path:
    def __init__(self, walk: Walk, plan: Plan) -> None:
        self._walk, self.view, self._routing = walk, walk.view, walk.routing
        self.packet = walk.packet
        self._plan = plan

    def forwarded_or_local(self, branch: Branch) -> list[Branch]:
        """A packet that came in through a device."""
        flow = branch.flow
        branch.ending = refused_on_the_wire(flow)
        if branch.ending is not None:
            return [branch]
        if self._bridged(flow.destination) and passed_up(flow.family, self.view.sysctls) is False:
            self._walk.tell(branch, "PREROUTING", None, "bridged past all rules")
            return self._sent(branch)
        return self.each(self.hook("PREROUTING", branch), self._route_input)

    def _bridged(self, destination: IPAddress) -> bool:
        """From one port of a bridge to another: only br_netfilter shows it to rules."""
        packet = self.packet
        if packet.physical_in is None or self._routing.is_local(destination) is not False:
            return False
        return self._routing.is_neighbour(destination, packet.in_interface)

    def from_process(self, branch: Branch) -> list[Branch]:
        """A packet of a process of this node; routing comes first, and again after DNAT."""
        chosen = [{"way": way, "source": source} for way, source in self._own_ways(branch.flow)]
        return self.by_each(branch, chosen, self._leave_process)

    def _leave_process(self, branch: Branch) -> list[Branch]:
        flow = branch.flow
        branch.ending = refused_to_leave(flow, self.view.sysctls)
        if branch.ending is not None:
            return [branch]
        branch.change(in_device="", out_device=flow.way.device)
        return self.each(self.hook("OUTPUT", branch), self._route_output)

    def _own_ways(self, flow: Flow) -> list[tuple[Way, IPAddress | None]]:
        """Each way, with the source that goes with it. Once it has one, IPv4's connect asks again
        (ip_route_connect), a datagram without a connection does not; IPv6 does only if it was
        refused (ip6_dst_lookup_tail)."""
        found: dict[tuple[Way, IPAddress | None], None] = {}
        for way in self._routing.ways(flow.destination, Sought.of(flow)):
            source = flow.source or self._routing.source_for(way, flow.destination)
            again = Sought.of(flow, source=source)
            refused = refused_by_way(way, flow) is not None
            if refused is (flow.family is Family.IPV6):
                later = self._routing.ways(flow.destination, again)
                able = None if source is None else self._routing.is_source(source)
                if way.kind != "local" or able is not False:
                    found.update(dict.fromkeys((one, source) for one in later))
                if way.kind == "local" and not able and source == flow.destination:
                    found[Way(None, "none"), source] = None
            if not found or flow.protocol is Protocol.UDP:
                found[way, source] = None
        return list(found)

    def by_each(
        self, branch: Branch, choices: Sequence[Mapping[str, object]], stage: _Stage
    ) -> list[Branch]:
        """On by each of several ways, where a hash or the sender's port decides."""
        if len(choices) == 1:
            branch.change(**choices[0])
            return stage(branch)
        split, ends = self._walk.new_split(), []
        because = f"routing: which way to {branch.flow.destination}"
        for side, changes in enumerate(choices):
            one = branch.choose(Choice(split, side, len(choices), Cause.STATE, because))
            one.change(**changes)
            ends.extend(stage(one))
        return joined(ends, lambda one: (one.ending, one.flow))

    def by_each_way(self, branch: Branch, sought: Sought, stage: _Stage) -> list[Branch]:
        ways = self._routing.ways(sought.destination, sought)
        return self.by_each(branch, [{"way": way} for way in ways], stage)

    @staticmethod
    def each(branches: list[Branch], stage: _Stage) -> list[Branch]:
        """The next stage, for those that are still on their way."""
        if len(branches) == 1 and branches[0].ending is None:
            return stage(branches[0])
        ends: list[Branch] = []
        for branch in branches:
            ends.extend([branch] if branch.ending is not None else stage(branch))
        return ends

    def hook(self, hook: str, branch: Branch, *, again: bool = False) -> list[Branch]:
        """`again`: the packet came back over lo; its connection has its translations."""
        foreign = self._foreign(hook)
        if foreign:
            branch.ending = Ending(FateKind.UNKNOWN, foreign)
            return [branch]
        branches = [branch]
        for group in self._plan.groups(branch.flow.family, hook, self._walk.bases):
            branches = self.each(branches, partial(self._group, group, hook, again=again))
            if len(branches) > 1:
                branches = joined(branches, lambda one: (one.ending, one.flow))
        return branches

    def _foreign(self, hook: str) -> str:
        """The native nft table that hooks in here, in words."""
        for table in self.view.foreign_tables:
            seen = (*nft.SEES.get(table.family, ()), *_BELOW.get(table.family, ()))
            if self._walk.packet.family in seen and hook in map(hook_of, table.hooks):
                return f"nft table {table.family} {table.name} ({hook.lower()}) is not simulated"
        return ""

    def _group(self, group: Group, hook: str, branch: Branch, *, again: bool) -> list[Branch]:
        """What runs at one priority, in every order that is possible."""
        if group.garbled:
            branch.ending = Ending(FateKind.UNKNOWN, group.garbled)
            return [branch]
        for where in group.unread:
            self._walk.want(where, branch)
        entries = group.entries
        if len(entries) < 2:
            return self._entry(entries[0], hook, branch, again=again) if entries else [branch]
        if len(entries) > MOST_AT_ONCE:
            because = f"{len(entries)} base chains run at one priority, in an unknown order"
            branch.ending = Ending(FateKind.UNKNOWN, because)
            return [branch]
        split, orders = self._walk.new_split(), list(permutations(entries))
        because = f"which of {_named(entries[0])} and {_named(entries[1])} runs first"
        ends: list[Branch] = []
        for side, order in enumerate(orders):
            chosen = branch.choose(Choice(split, side, len(orders), Cause.ORDER, because))
            ends.extend(self._in_order(order, chosen, hook, again=again))
        return joined(ends, lambda one: (one.ending, one.flow))

    def _in_order(
        self, entries: tuple[Entry, ...], branch: Branch, hook: str, *, again: bool
    ) -> list[Branch]:
        branches = [branch]
        for entry in entries:
            branches = self.each(branches, partial(self._entry, entry, hook, again=again))
        return branches

    def _entry(self, entry: Entry, hook: str, branch: Branch, *, again: bool) -> list[Branch]:
        match entry:
            case Track():
                if branch.flow.tracking in (Tracking.NONE, Tracking.TEMPLATE):
                    branch.change(tracking=Tracking.NEW)
                return [branch]
            case NatHook(groups=groups):
                before, branches = branch.flow, [branch]
                for group in () if again else groups:
                    branches = self.each(branches, partial(self._group, group, hook, again=again))
                return self._routed_anew(before, branches, hook, by_mark=False)
            case NativeBase(chain=chain):
                kind, before = chain.base.kind if chain.base else "", branch.flow
                if kind == "nat" and _translated_already(branch.flow, hook):
                    return [branch]
                ends = run_native(self._walk, entry, branch)
                return self._routed_anew(before, ends, hook) if kind == "route" else ends
            case Ipvs():
                if again:
                    return [branch]
                given = scheduled(self._walk, entry, branch, hook)
                return self.each(given, lambda one: self._to_real_server(one, hook))
            case Base():
                if entry.where.table == "nat" and _translated_already(branch.flow, hook):
                    return [branch]
                before, where = branch.flow, entry.where
                ends = run_base_chain(self._walk, entry.ruleset, where, entry.chain, branch)
                return self._routed_anew(before, ends, hook) if where.table == "mangle" else ends

    def _to_real_server(self, branch: Branch, hook: str) -> list[Branch]:
        """Here it goes on; elsewhere it leaves at once, through OUTPUT, whose nat is over for it
        (ip_vs_nat_send_or_cont). IPVS asks for its way with nothing but the destination."""
        flow = branch.flow
        if flow.scheduled is None:
            return [branch]
        local = self._routing.is_local(flow.destination)
        if local is None:
            doubt = NotKnown(f"whether {flow.destination} is an address of this node")
            mine, other = self._walk.divide(branch, doubt, "routing")
            return [mine, *self._sent_by_ipvs(other)]
        if not local:
            return self._sent_by_ipvs(branch)
        if flow.destination.is_loopback and hook == "INPUT":  # ip_vs_nat_xmit
            branch.ending = Ending(FateKind.DROP, f"ipvs leads from outside to {flow.destination}")
        return [branch]

    def _sent_by_ipvs(self, branch: Branch) -> list[Branch]:
        flow = branch.flow
        way = self._routing.way(flow.destination, Sought.by_ipvs(flow.destination))
        branch.ending = refused_by_way(way, flow)
        if flow.source is not None and flow.source.is_loopback:  # crosses_local_route_boundary
            branch.ending = Ending(FateKind.DROP, f"ipvs does not send from {flow.source}")
        if branch.ending is not None:
            return [branch]
        self._walk.tell(branch, "ROUTING", None, f"out of {way.device or 'some device'}")
        branch.change(in_device="", out_device=way.device, way=way)
        return self.each(self.hook("OUTPUT", branch, again=True), self._leave)

    def _route_input(self, branch: Branch) -> list[Branch]:
        flow = branch.flow
        if flow.destination == self.packet.destination and self._bridged(flow.destination):
            device = flow.in_device  # past all routing
            branch.change(out_device=device, way=Way(device), bridged=True)
            return self.each(self.hook("FORWARD", branch), self._leave)
        branch.ending = refused_after_prerouting(flow, self.view.sysctls)
        if branch.ending is not None:
            return [branch]
        kind = self._routing.kind_of(flow.destination)
        if kind == "BROADCAST":
            return self._input(branch)
        if kind == "MULTICAST":
            return self._group_member(branch)
        return self.by_each_way(branch, Sought.of(flow), self._routed_input)

    def _routed_input(self, branch: Branch) -> list[Branch]:
        flow = branch.flow
        local = self._routing.delivers(flow.destination, flow.way)
        if local is not None:
            return self._input(branch) if local else self._forward(branch)
        doubt = NotKnown(f"whether {flow.destination} is an address of this node")
        mine, other = self._walk.divide(branch, doubt, "routing")
        return [*self._input(mine), *self._forward(other)]

    def _group_member(self, branch: Branch) -> list[Branch]:
        """Multicast goes to those who joined (ip_check_mc_rcu, ip6_mc_input); the kernel itself
        is in the group of all hosts."""
        group = branch.flow.destination
        if group in _ALL_HOSTS:
            return self._input(branch)
        doubt = Depends(f"whether a process has joined {group}", usual=False)
        member, other = self._walk.divide(branch, doubt, "routing")
        other.ending = Ending(FateKind.DROP, f"nobody has joined {group}")
        return [*self._input(member), other]

    def _input(self, branch: Branch) -> list[Branch]:
        branch.ending = refused_by_source(branch.flow, self._routing, self.view.sysctls)
        if branch.ending is not None:
            return [branch]
        self._walk.tell(branch, "ROUTING", None, "to this node")
        branch.change(out_device="")
        return self.each(self.hook("INPUT", branch), self._delivered)

    def _delivered(self, branch: Branch) -> list[Branch]:
        local = FateKind.ENDPOINT if branch.flow.destination_changed else FateKind.LOCAL
        branch.ending = Ending(local)
        return [branch]

    def _sent(self, branch: Branch) -> list[Branch]:
        sent = FateKind.ENDPOINT if branch.flow.destination_changed else FateKind.PASS
        branch.ending = Ending(sent)
        if branch.flow.way.kind == "linkdown":
            branch.ending = Ending(FateKind.DROP, f"{branch.flow.way.device} has no carrier")
        return [branch]

    def _forward(self, branch: Branch) -> list[Branch]:
        flow = branch.flow
        name = forwarding_off(flow, self.view.sysctls)
        if name and not all(map(self._bridged, (self.packet.destination, flow.destination))):
            branch.ending = Ending(FateKind.DROP, f"{name} is 0")
            return [branch]
        kind = frame_kind(self.packet, self._routing)
        if kind != "unicast":  # ip_forward.c, ip6_output.c: not PACKET_HOST
            branch.ending = Ending(FateKind.DROP, f"a {kind} frame is not forwarded")
            return [branch]
        sysctls = self.view.sysctls
        branch.ending = refused_by_way(flow.way, flow)
        branch.ending = branch.ending or refused_by_source(flow, self._routing, sysctls)
        if branch.ending is not None:
            return [branch]
        device = flow.way.device
        self._walk.tell(branch, "ROUTING", None, f"forward to {device or 'some device'}")
        branch.change(out_device=device)
        onward = bridged_on(branch.flow, self.packet.destination, self._routing, sysctls)
        if onward is not branch.flow.bridged:
            branch.change(bridged=onward)
        return self.each(self.hook("FORWARD", branch), self._leave)

    def _leave(self, branch: Branch) -> list[Branch]:
        if branch.flow.bridged is not False:
            branch.change(in_device="" if branch.flow.bridged else None)
        return self.each(self.hook("POSTROUTING", branch), self._sent)

    def _routed_anew(
        self, before: Flow, ends: list[Branch], hook: str, *, by_mark: bool = True
    ) -> list[Branch]:
        """ip_route_me_harder: after mangle, or a native chain of type route, that changed the mark
        (ipt_mangle_out), and after a DNAT. What marks later does not move the packet."""
        if hook != "OUTPUT":
            return ends

        def again(branch: Branch) -> list[Branch]:
            flow = branch.flow
            marked = by_mark and flow.mark != before.mark
            if flow.destination == before.destination and not marked:
                return [branch]
            return self.by_each_way(branch, Sought.of(flow), self._rerouted)

        return self.each(ends, again)

    def _rerouted(self, branch: Branch) -> list[Branch]:
        flow = branch.flow
        branch.ending = refused_to_leave(flow, self.view.sysctls)
        self._walk.tell(branch, "ROUTING", None, f"out of {flow.way.device or 'some device'}")
        return [branch]

    def _route_output(self, branch: Branch) -> list[Branch]:
        """The hook is over; after a translation POSTROUTING sees the new output device."""
        flow = branch.flow
        branch.change(out_device=flow.way.device)
        local = self._routing.delivers(flow.destination, flow.way)
        if local is not None:
            return self._loop(branch) if local else self._leave(branch)
        doubt = NotKnown(f"whether {flow.destination} is an address of this node")
        mine, other = self._walk.divide(branch, doubt, "routing")
        return [*self._loop(mine), *self._leave(other)]

    def _loop(self, branch: Branch) -> list[Branch]:
        """A node's own packet to the node itself: out through lo, and in again."""
        branch.change(out_device=LOOPBACK)
        back = self.each(self.hook("POSTROUTING", branch), self.back_over_loopback)
        return self.each(back, self._delivered)

    def back_over_loopback(self, branch: Branch) -> list[Branch]:
        branch.change(in_device=LOOPBACK, out_device="")
        back = self.hook("PREROUTING", branch, again=True)
        return self.each(back, lambda one: self.hook("INPUT", one, again=True))


_ALL_HOSTS = frozenset(map(ip_address, ("224.0.0.1", "ff01::1", "ff02::1")))


def _named(entry: Entry) -> str:
    match entry:
        case NatHook():
            return "the nat chains"
        case Track():
            return "connection tracking"
        case Ipvs():
            return "ipvs"
        case _:
            return str(entry.where)


def _translated_already(flow: Flow, hook: str) -> bool:
    if flow.tracking is not Tracking.NEW:
        return True
    destination = hook in ("PREROUTING", "OUTPUT")
    return flow.destination_settled if destination else flow.source_settled
