"""The way of a first packet through a Linux node, hook by hook.

PREROUTING or OUTPUT, routing, INPUT or FORWARD, POSTROUTING. Within a hook base chains run by
priority (`stages`); where their order is open all orders are walked. An accept ends its own base
chain only; of several nat chains the first that translates wins (`nf_nat_inet_fn`). What IPVS
takes in INPUT or OUTPUT leaves from there.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from itertools import permutations

from ...model.address import Family, IPAddress, Protocol
from ...model.fate import FateKind
from .arrival import (
    forwarding_off,
    frame_kind,
    loopback_refused,
    refused_by_routing,
    refused_on_the_wire,
)
from .bridges import bridged_on, passed_up
from .chains import run_base_chain
from .flow import Branch, Cause, Choice, Ending, Flow, Tracking, joined
from .ipvs import Ipvs, scheduled
from .matching import Depends, NotKnown
from .nft_chains import run_native
from .nft_statements import NativeBase
from .routing import LOOPBACK, Sought, Way
from .stages import Entry, Group, NatHook, Plan, Track
from .walk import Base, Walk

_COVERED_BY = {Family.IPV4: ("ip", "inet"), Family.IPV6: ("ip6", "inet")}
_LINK_FAMILIES = ("netdev", "bridge")  # below IP: any of them may drop or change the frame
_LINK_HOOKS = {"ingress": "PREROUTING", "egress": "POSTROUTING"}

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
        way = self._routing.way(destination)
        return (way.kind, way.device, way.gateway) == ("unicast", packet.in_interface, None)

    def from_process(self, branch: Branch) -> list[Branch]:
        """A packet of a process of this node; routing comes first, and again after DNAT."""
        flow = branch.flow
        way, source = self._own_way(flow)
        branch.ending = _refusal(way, flow) or self._localnet_source(source, way)
        if branch.ending is not None:
            return [branch]
        branch.change(in_device="", out_device=way.device, source=source)
        return self.each(self.hook("OUTPUT", branch), self._route_output)

    def _own_way(self, flow: Flow) -> tuple[Way, IPAddress | None]:
        """The way, and the source that goes with it. With rules, a connect asks again once it
        has its source (ip_route_connect), a datagram does not always."""
        way = self._routing.way(flow.destination, Sought.of(flow))
        source = flow.source or self._routing.source_for(way, flow.destination)
        again = self._routing.way(flow.destination, Sought.of(flow, source=source))
        if again != way and flow.protocol is Protocol.UDP:
            again = Way(None)
        return again, source

    @staticmethod
    def each(branches: list[Branch], stage: _Stage) -> list[Branch]:
        """The next stage, for those that are still on their way."""
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

            def run(one: Branch, group: Group = group) -> list[Branch]:
                return self._group(group, hook, one, again=again)

            branches = self.each(branches, run)
            if len(branches) > 1:
                branches = joined(branches, lambda one: (one.ending, one.flow))
        return branches

    def _foreign(self, hook: str) -> str:
        """The native nft table that hooks in here, in words."""
        for table in self.view.foreign_tables:
            if table.family in _COVERED_BY[self._walk.packet.family]:
                reached = hook.lower() in table.hooks
            elif table.family in _LINK_FAMILIES:
                reached = any(_LINK_HOOKS.get(h, h.upper()) == hook for h in table.hooks)
            else:
                reached = False
            if reached:
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
            return self._in_order(entries, branch, hook, again=again)
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

            def run(one: Branch, entry: Entry = entry) -> list[Branch]:
                return self._entry(entry, one, hook, again=again)

            branches = self.each(branches, run)
        return branches

    def _entry(self, entry: Entry, branch: Branch, hook: str, *, again: bool) -> list[Branch]:
        match entry:
            case Track():
                if branch.flow.tracking is Tracking.NONE:
                    branch.change(tracking=Tracking.NEW)
                return [branch]
            case NatHook(groups=groups):
                branches = [branch]
                for group in () if again else groups:

                    def run(one: Branch, group: Group = group) -> list[Branch]:
                        return self._group(group, hook, one, again=again)

                    branches = self.each(branches, run)
                return branches
            case NativeBase(chain=chain):
                nat = chain.base is not None and chain.base.kind == "nat"
                if nat and _translated_already(branch.flow, hook):
                    return [branch]
                return run_native(self._walk, entry, branch)
            case Ipvs():
                if again:
                    return [branch]
                given = scheduled(self._walk, entry, branch, hook)
                return self.each(given, lambda one: self._to_real_server(one, hook))
            case Base():
                if entry.where.table == "nat" and _translated_already(branch.flow, hook):
                    return [branch]
                return run_base_chain(self._walk, entry.ruleset, entry.where, entry.chain, branch)

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
        branch.ending = _refusal(way, flow)
        if flow.source is not None and flow.source.is_loopback:  # crosses_local_route_boundary
            branch.ending = Ending(FateKind.DROP, f"ipvs does not send from {flow.source}")
        if branch.ending is not None:
            return [branch]
        self._walk.tell(branch, "ROUTING", None, f"out of {way.device or 'some device'}")
        branch.change(in_device="", out_device=way.device)
        return self.each(self.hook("OUTPUT", branch, again=True), self._leave)

    def _route_input(self, branch: Branch) -> list[Branch]:
        flow = branch.flow
        branch.ending = refused_by_routing(flow, self._routing, self.view.sysctls)
        if branch.ending is not None:
            return [branch]
        kind = self._routing.kind_of(flow.destination)
        if kind == "BROADCAST":
            return self._input(branch)
        if kind == "MULTICAST":
            return self._group_member(branch)
        local = self._routing.delivers(Sought.of(flow))
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
        way = self._routing.way(flow.destination, Sought.of(flow))
        branch.ending = _refusal(way, flow)
        if branch.ending is not None:
            return [branch]
        self._walk.tell(branch, "ROUTING", None, f"forward to {way.device or 'some device'}")
        branch.change(out_device=way.device)
        sent_to, sysctls = self.packet.destination, self.view.sysctls
        stays = flow.destination == sent_to and self._bridged(sent_to)
        bridged = stays or bridged_on(branch.flow, sent_to, self._routing, sysctls)
        branch.change(bridged=bridged)
        return self.each(self.hook("FORWARD", branch), self._leave)

    def _leave(self, branch: Branch) -> list[Branch]:
        if branch.flow.bridged is not False:
            branch.change(in_device="" if branch.flow.bridged else None)
        return self.each(self.hook("POSTROUTING", branch), self._sent)

    def _route_output(self, branch: Branch) -> list[Branch]:
        """The hook is over; after a translation POSTROUTING sees the new output device."""
        flow = branch.flow
        marked = flow.mark != self._walk.packet.mark
        if flow.destination_changed or marked:
            way = self._routing.way(flow.destination, Sought.of(flow))
            if marked and not flow.destination_changed:
                way = self._unless_marked_late(way, flow)
            branch.ending = _refusal(way, flow) or self._localnet_source(flow.source, way)
            if branch.ending is not None:
                return [branch]
            branch.change(out_device=way.device)
            self._walk.tell(branch, "ROUTING", None, f"out of {way.device or 'some device'}")
        local = self._routing.is_local(flow.destination)
        if local is not None:
            return self._loop(branch) if local else self._leave(branch)
        doubt = NotKnown(f"whether {flow.destination} is an address of this node")
        mine, other = self._walk.divide(branch, doubt, "routing")
        return [*self._loop(mine), *self._leave(other)]

    def _unless_marked_late(self, way: Way, flow: Flow) -> Way:
        """A mark that mangle set makes the kernel ask anew, one that came after it does not."""
        before = flow._replace(mark=self._walk.packet.mark)
        return way if way == self._routing.way(flow.destination, Sought.of(before)) else Way(None)

    def _localnet_source(self, source: IPAddress | None, way: Way) -> Ending | None:
        """ip_route_output_key_hash_rcu: a loopback source leaves only with route_localnet."""
        if way.device != LOOPBACK and source == _LOCALHOST:
            return loopback_refused(way.device, self.view.sysctls)
        return None

    def _loop(self, branch: Branch) -> list[Branch]:
        """A node's own packet to the node itself: out through lo, and in again."""
        branch.change(out_device=LOOPBACK)
        back = self.each(self.hook("POSTROUTING", branch), self.back_over_loopback)
        return self.each(back, self._delivered)

    def back_over_loopback(self, branch: Branch) -> list[Branch]:
        branch.change(in_device=LOOPBACK, out_device="")
        back = self.hook("PREROUTING", branch, again=True)
        return self.each(back, lambda one: self.hook("INPUT", one, again=True))


_LOCALHOST = ip_address("127.0.0.1")
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


def _refusal(way: Way, flow: Flow) -> Ending | None:
    match way.kind:
        case "unicast" | "local" | "multicast" | "anycast":
            return None
        case "blackhole":
            return Ending(FateKind.DROP, f"a blackhole route to {flow.destination}")
        case "none":
            return Ending(FateKind.REJECT, f"no route to {flow.destination}")
        case _:
            return Ending(FateKind.REJECT, f"a route of type {way.kind} to {flow.destination}")
