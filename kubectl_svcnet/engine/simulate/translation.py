"""DNAT, SNAT, MASQUERADE and REDIRECT: which new address and port, where the kernel picks one.

A target that may pick several gives one branch each (state decides, or chance for --random); a
span too long for that is not walked: the fate is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any

from ...model import targets as t
from ...model.address import Family, IPAddress, family_of
from ...model.fate import FateKind, RuleRef
from .flow import Branch, Cause, Choice, Ending
from .picks import picked
from .walk import Walk

_LOOPBACK = {Family.IPV4: ip_address("127.0.0.1"), Family.IPV6: ip_address("::1")}
MOST_PICKS = 64  # addresses or ports of one target that are walked one by one


def translated(
    walk: Walk, target: object, branch: Branch, hook: str, ref: RuleRef
) -> list[Branch] | None:
    """The branches after this translation; None if the target is none."""
    translate = _TRANSLATIONS.get(type(target))
    if translate is None:
        return None
    ends = translate(walk, target, branch, hook, ref)
    for end in ends:
        if branch_translates_destination(hook):
            end.translated_by = ref
        if walk.explain:
            walk.tell(end, hook, ref, _told(target, end))
    return ends


def _told(target: object, branch: Branch) -> str:
    flow = branch.flow
    if branch.ending is not None:
        return branch.ending.kind.value
    if isinstance(target, t.Dnat | t.Redirect):
        return f"to {flow.destination} port {flow.destination_port}"
    return f"from {flow.source or 'an address of the output device'}"


def _unknown(branch: Branch, because: str) -> list[Branch]:
    branch.ending = Ending(FateKind.UNKNOWN, because)
    return [branch]


def _dnat(walk: Walk, target: t.Dnat, branch: Branch, hook: str, where: RuleRef) -> list[Branch]:
    if not branch_translates_destination(hook):
        return _unknown(branch, f"{where}: DNAT in {hook}")
    span, flow = target.addresses, branch.flow
    if span is not None and span.first != span.last and flow.source is not None:
        zone, _ = flow.zone
        one = picked(span, flow.source, flow.destination, zone, persistent=target.persistent)
        span = t.AddressSpan(one, one)
    spots = _addresses(walk, span, branch, where)
    if spots is None:
        return _unknown(branch, f"{where}: DNAT to too many addresses")
    ends: list[Branch] = []
    for spot, address in spots:
        ends.extend(_to_ports(walk, target.ports, target.random, spot, address, where))
    return ends


def branch_translates_destination(hook: str) -> bool:
    return hook in ("PREROUTING", "OUTPUT")


def _addresses(
    walk: Walk, span: t.AddressSpan | None, branch: Branch, where: RuleRef
) -> list[tuple[Branch, IPAddress]] | None:
    """One of a span, by a hash of which nobody knows every word."""
    if span is None:
        return [(branch, branch.flow.destination)]
    first, count = span.first, int(span.last) - int(span.first) + 1
    if count > MOST_PICKS:
        return None
    if count == 1:
        return [(branch, first)]
    split = walk.new_split()
    because = f"{where}: a hash picks the address"
    return [
        (branch.choose(Choice(split, side, count, Cause.STATE, because)), first + side)
        for side in range(count)
    ]


def _to_ports(
    walk: Walk,
    ports: t.PortRange | None,
    random: bool,
    branch: Branch,
    address: IPAddress,
    where: RuleRef,
) -> list[Branch]:
    old = branch.flow.destination_port
    if ports is None:
        return [_to(branch, address, old)]
    count = ports.last - ports.first + 1
    if count == 1:
        return [_to(branch, address, ports.first)]
    if random:
        if count > MOST_PICKS:
            return _unknown(branch, f"{where}: one of {count} ports at random")
        ends = []
        for number in range(ports.first, ports.last + 1):
            one = branch.copy()
            one.weight = branch.weight / count
            ends.append(_to(one, address, number))
        return ends
    if ports.base is not None:  # nf_nat_core.c, NF_NAT_RANGE_PROTO_OFFSET
        return [_to(branch, address, ports.first + (old - ports.base) % 65536 % count)]
    keeps = ports.first <= old <= ports.last
    return [_to(branch, address, old if keeps else ports.first)]


def _to(branch: Branch, address: IPAddress, port: int) -> Branch:
    flow = branch.flow
    changed = (address, port) != (flow.destination, flow.destination_port)
    branch.change(
        destination=address,
        destination_port=port,
        destination_settled=True,
        destination_changed=flow.destination_changed or changed,
    )
    return branch


def _redirect(
    walk: Walk, target: t.Redirect, branch: Branch, hook: str, where: RuleRef
) -> list[Branch]:
    """nf_nat_redirect.c: to the input device's first address, or to loopback in OUTPUT."""
    flow = branch.flow
    if hook == "OUTPUT":
        return _to_ports(walk, target.ports, target.random, branch, _LOOPBACK[flow.family], where)
    if hook != "PREROUTING" or flow.in_device is None:
        return _unknown(branch, f"{where}: the input device is not known")
    found = walk.routing.addresses_of(flow.in_device, flow.family)
    if found is None:
        return _unknown(branch, f"{where}: the addresses of {flow.in_device} are not known")
    usable = [entry.address for entry in found if not entry.address.is_link_local]
    usable = usable or [entry.address for entry in found]
    if not usable:
        branch.ending = Ending(FateKind.DROP, f"{where}: {flow.in_device} has no address")
        return [branch]
    picks = walk.routing.in_order(usable)
    if len(picks) == 1:
        return _to_ports(walk, target.ports, target.random, branch, picks[0], where)
    split, because = walk.new_split(), f"{where}: which address of {flow.in_device} is the first"
    ends = []
    for side, address in enumerate(picks):
        one = branch.choose(Choice(split, side, len(picks), Cause.ORDER, because))
        ends.extend(_to_ports(walk, target.ports, target.random, one, address, where))
    return ends


def _snat(walk: Walk, target: t.Snat, branch: Branch, hook: str, where: RuleRef) -> list[Branch]:
    span, source = target.addresses, branch.flow.source
    if span is not None and source is not None and _keeps_source(target, span, source):
        span = t.AddressSpan(source, source)
    spots = _addresses(walk, span, branch, where)
    if spots is None or branch_translates_destination(hook):
        return _unknown(branch, f"{where}: SNAT in {hook} or to too many addresses")
    any_port = target.random or target.ports is not None
    if target.addresses is None:
        return [_from(branch, branch.flow.source, changed=False, any_port=any_port)]
    old = branch.flow.source
    return [
        _from(
            spot,
            address,
            changed=None if old is None else address != old,
            any_port=any_port,
        )
        for spot, address in spots
    ]


def _keeps_source(target: t.Snat, span: t.AddressSpan, source: IPAddress) -> bool:
    """get_unique_tuple tries the packet as it is first, unless its port is to be any."""
    if target.random or target.ports is not None or source.version != span.first.version:
        return False
    return int(span.first) <= int(source) <= int(span.last)


def _masquerade(
    walk: Walk, target: t.Masquerade, branch: Branch, hook: str, where: RuleRef
) -> list[Branch]:
    if hook != "POSTROUTING":
        return _unknown(branch, f"{where}: MASQUERADE in {hook}")
    old = branch.flow.source
    picks = walk.routing.masquerade_sources(branch.flow.way, branch.flow.destination)
    changed: bool | None = None
    if picks and old is not None:
        changed = old not in picks or (None if len(picks) > 1 else False)
    elif old is not None and walk.routing.is_local(old) is False:
        changed = True  # whatever it picks is an address of this node
    source = picks[0] if picks and len(picks) == 1 else None
    any_port = target.random or target.ports is not None
    return [_from(branch, source, changed=changed, any_port=any_port)]


def _netmap(
    walk: Walk, target: t.Netmap, branch: Branch, hook: str, where: RuleRef
) -> list[Branch]:
    """xt_NETMAP.c: the host's part of the address stays."""
    destination = branch_translates_destination(hook)
    old = branch.flow.destination if destination else branch.flow.source
    if old is None or old.version != target.network.version:
        return _unknown(branch, f"{where}: the source address is not known")
    new = target.network.network_address + (int(old) & int(target.network.hostmask))
    if destination:
        return [_to(branch, new, branch.flow.destination_port)]
    return [_from(branch, new, changed=new != old)]


def _from(
    branch: Branch, source: IPAddress | None, *, changed: bool | None, any_port: bool = False
) -> Branch:
    """A new source that is the old one is no change."""
    if source is not None and family_of(source) is not branch.flow.family:
        changed, source = True, None
    branch.change(source=source, source_settled=True, source_changed=changed)
    if any_port:
        branch.change(source_port=None)
    return branch


# Any: each function takes the class beside it, which a dict cannot express.
_TRANSLATIONS: Mapping[type, Callable[[Walk, Any, Branch, str, RuleRef], list[Branch]]] = {
    t.Dnat: _dnat,
    t.Masquerade: _masquerade,
    t.Netmap: _netmap,
    t.Redirect: _redirect,
    t.Snat: _snat,
}
