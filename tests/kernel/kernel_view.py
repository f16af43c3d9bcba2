"""The node of the namespaces as the product sees it: listings in, a NodeView out."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.fate import Backend, Fate, FateKind
from kubectl_svcnet.model.nodeview import NodeView
from kubectl_svcnet.model.packet import Hook, Packet
from kubectl_svcnet.parse.ip_json import parse_addresses, parse_masters, parse_routes, parse_rules
from kubectl_svcnet.parse.ipset_save import parse_sets
from kubectl_svcnet.parse.iptables_save import parse_save
from kubectl_svcnet.parse.proc_net import (
    parse_fib_trie,
    parse_if_inet6,
    parse_ipv6_route,
    parse_route,
    place_addresses,
)
from kubectl_svcnet.parse.sysctl import parse_sysctls
from tests.kernel.kernel_net import Net
from tests.kernel.kernel_packets import Probe, Seen

SYSCTLS = (
    "ipv4/ip_forward",
    "ipv6/conf/all/forwarding",
    *(
        f"ipv4/conf/{device}/{name}"
        for name in ("route_localnet", "accept_local")
        for device in ("all", "eth0", "cni0")
    ),
    "bridge/bridge-nf-call-iptables",
    "bridge/bridge-nf-call-ip6tables",
)


def read_view(net: Net, *, with_ip: bool = True, sets: bool = False) -> NodeView:
    """All but the rules."""
    if with_ip:
        listed = net.run("node", "ip", "-j", "addr")
        addresses, masters = parse_addresses(listed), parse_masters(listed)
        asked = ("-j", "route", "show", "table", "all")
        routes = parse_routes(net.run("node", "ip", *asked))
        routes += parse_routes(net.run("node", "ip", "-6", *asked))
        rules = parse_rules(net.run("node", "ip", "-j", "rule"), Family.IPV4)
        rules += parse_rules(net.run("node", "ip", "-6", "-j", "rule"), Family.IPV6)
    else:
        trie = parse_fib_trie(net.run("node", "cat", "/proc/net/fib_trie"))
        main = parse_route(net.run("node", "cat", "/proc/net/route"))
        six = parse_if_inet6(net.run("node", "cat", "/proc/net/if_inet6"))
        addresses = (*place_addresses(trie.addresses, main), *six)
        routes = (*main, *trie.routes)
        routes += parse_ipv6_route(net.run("node", "cat", "/proc/net/ipv6_route"))
        rules, masters = (), None
    files = [f"/proc/sys/net/{name}" for name in SYSCTLS]
    return NodeView(
        node="node",
        addresses=addresses,
        addresses_in_order=with_ip,
        masters=masters,
        routes=routes,
        routing_rules=rules,
        sysctls=parse_sysctls(net.run("node", "grep", "-sH", "", *files)),
        sets=parse_sets(net.run("node", "ipset", "save")) if sets else None,
    )


def with_rules(view: NodeView, shown: dict[str, str], family: Family = Family.IPV4) -> NodeView:
    """The same node under what the save tools showed of each backend."""
    rulesets = {
        (family, Backend(name)): parse_save(text, family, Backend(name))
        for name, text in shown.items()
    }
    return replace(view, rulesets=rulesets)


def packet_of(probe: Probe) -> Packet:
    own = probe.sender == "node"
    return Packet(
        hook=Hook.OUTPUT if own else Hook.PREROUTING,
        protocol=Protocol.TCP if probe.protocol == 6 else Protocol.UDP,
        source=None if probe.source is None else ip_address(probe.source),
        destination=ip_address(probe.destination),
        destination_port=probe.port,
        in_interface=None if own else "eth0" if probe.sender == "far" else "cni0",
        physical_in=probe.sender if probe.sender.startswith("pod") else None,
    )


def view_of(
    net: Net, shown: dict[str, str], family: Family = Family.IPV4, *, with_ip: bool
) -> NodeView:
    return with_rules(read_view(net, with_ip=with_ip, sets=True), shown, family)


def foretold(fates: tuple[Fate, ...]) -> set[Seen]:
    """An arrival whose source nobody can foretell may be seen either way."""
    arrives = (FateKind.ENDPOINT, FateKind.LOCAL, FateKind.PASS)
    return {
        Seen(fate.kind.value, str(fate.endpoint) if fate.endpoint else "", masquerade)
        for fate in fates
        for masquerade in (
            (True, False)
            if fate.kind in arrives and fate.masquerade is None
            else (fate.masquerade,)
        )
    }
