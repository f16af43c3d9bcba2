"""What of a node's kernel stands in the way of Services, whatever its rules are.

Source: Documentation/networking/ip-sysctl.rst, br_netfilter (net/bridge/br_netfilter_hooks.c),
br_forward.c (should_deliver), nf_conntrack_core.c of the kernel; kube-proxy clears UDP entries of
endpoints that are gone (pkg/proxy/conntrack/cleanup.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ...model.address import Family, IPAddress, Protocol, SocketAddress, family_of
from ...model.bridge import BridgePort
from ...model.conntrack import Connection, Conntrack
from ...model.counted import counted
from ...model.finding import Finding, Level
from ...model.nodeview import NodeView
from ...model.service import Node
from ..codes import finding

_FORWARDING = {
    Family.IPV4: "net.ipv4.ip_forward",
    Family.IPV6: "net.ipv6.conf.all.forwarding",
}
_BRIDGED = {
    Family.IPV4: "net.bridge.bridge-nf-call-iptables",
    Family.IPV6: "net.bridge.bridge-nf-call-ip6tables",
}
#: Bridges that network plugins make: the bridge plugin and flannel, kubenet, Weave, kube-router.
BRIDGES = ("cni0", "cbr0", "weave", "kube-bridge")
#: Ports of Weave's bridge that lead to its own switch.
_NO_PODS = ("vethwe-bridge", "vethwe-pcap")
#: Of the connection table, when there is little left.
NEARLY = 0.9


def kernel_findings(
    node: Node, view: NodeView, families: Iterable[Family], vantage: str
) -> tuple[Finding, ...]:
    """`families`: those of Services; `vantage`: "namespace/pod" by which the node was read."""
    families = sorted(families)
    return (
        *_forwarding(node, view.sysctls, families, vantage),
        *_bridged(node, view, families, vantage),
    )


def _forwarding(
    node: Node, sysctls: Mapping[str, str], families: Sequence[Family], vantage: str
) -> Iterator[Finding]:
    for name in (_FORWARDING[family] for family in families):
        if sysctls.get(name) == "0":
            message = f"{name} is 0, so nothing is sent on to pods"
            yield finding("SVN511", message, node=node.name, next=_sysctl(vantage, name))


def _bridged(
    node: Node, view: NodeView, families: Sequence[Family], vantage: str
) -> Iterator[Finding]:
    """Told only where the sysctls were read: then one that is not there is br_netfilter's."""
    devices = {route.interface for route in view.routes or () if route.interface in BRIDGES}
    if not devices or _FORWARDING[Family.IPV4] not in view.sysctls:
        return
    for name in (_BRIDGED[family] for family in families):
        value = view.sysctls.get(name)
        if value != "1":
            why = "is 0" if value == "0" else "is not there (br_netfilter is not loaded)"
            yield finding(
                "SVN512",
                f"{name} {why}, and pods are ports of {', '.join(sorted(filter(None, devices)))}",
                node=node.name,
                next=_sysctl(vantage, name),
            )


def hairpin_findings(
    node: Node,
    view: NodeView,
    ports: Sequence[BridgePort],
    endpoints: Mapping[str, Sequence[IPAddress]],
    vantage: str,
) -> tuple[Finding, ...]:
    """`endpoints`: by Service ("ns/name") its pods on this node. Only what br_netfilter translates
    is bridged back to where it came from; else it is routed there, as in ipvs mode, which no
    port's hairpin_mode stands in the way of (measured)."""
    if view.own.ipvs:
        return ()
    told = []
    for bridge in sorted({port.bridge for port in ports}.intersection(BRIDGES)):
        of_pods = [p for p in ports if p.bridge == bridge and p.name not in _NO_PODS]
        off = [port for port in of_pods if not port.hairpin]
        hit = sorted(
            service
            for service, addresses in endpoints.items()
            if any(_bridged_back(view, bridge, address) for address in addresses)
        )
        if off and hit:
            told.append(_hairpin(node, off, len(of_pods), hit, vantage))
    return tuple(told)


def _bridged_back(view: NodeView, bridge: str, address: IPAddress) -> bool:
    passed_up = view.sysctls.get(_BRIDGED[family_of(address)]) == "1"
    return passed_up and any(
        route.interface == bridge and address in route.destination for route in view.routes or ()
    )


def _hairpin(
    node: Node, off: Sequence[BridgePort], ports: int, services: Sequence[str], vantage: str
) -> Finding:
    """What a promiscuous bridge hands up beside is no tracked connection since 6.9 (br_netfilter:
    skip conntrack input hook for promisc packets), and may have arrived before. Which pod is
    behind which port is not known, so that only all of them off are those of endpoints too."""
    first = off[0]
    many = f"{len(services)} Services with endpoints here (first: {services[0]})"
    whom = services[0] if len(services) == 1 else many
    able = "cannot" if len(off) == ports else "behind one of them cannot"
    promiscuous = "; the bridge is promiscuous, which old kernels make up for it by"
    return finding(
        "SVN516",
        f"hairpin_mode is off on {len(off)} of {counted(ports, 'port')} of {first.bridge}, so an "
        f"endpoint pod {able} call itself by {whom}",
        node=node.name,
        evidence=(
            f"first {first.name}{promiscuous if first.promiscuous else ''}",
            "br_netfilter is on, so what is translated back to its own port is bridged, not routed",
        ),
        next=_cat(vantage, f"/sys/devices/virtual/net/{first.name}/brport/hairpin_mode"),
        level=Level.INFO if first.promiscuous or len(off) < ports else None,
    )


def _sysctl(vantage: str, name: str) -> str:
    return _cat(vantage, f"/proc/sys/{name.replace('.', '/')}")


def _table(node: Node, seen: Conntrack, vantage: str) -> Iterator[Finding]:
    if seen.count is not None and seen.most and seen.count >= NEARLY * seen.most:
        yield finding(
            "SVN513",
            f"{seen.count} of {seen.most} connections are tracked",
            node=node.name,
            next=_sysctl(vantage, "net.netfilter.nf_conntrack_max"),
            level=Level.ERROR if seen.count >= seen.most else None,
        )


def _cat(vantage: str, file: str) -> str:
    namespace, _, pod = vantage.partition("/")
    return f"kubectl -n {namespace} exec {pod} -- cat {file}"


def conntrack_findings(
    node: Node,
    seen: Conntrack,
    services: Mapping[SocketAddress, str],
    answering: Mapping[SocketAddress, frozenset[SocketAddress]],
    vantage: str,
) -> tuple[Finding, ...]:
    """`services` and `answering`: by the address that is dialled over UDP, whose it is ("ns/name")
    and which endpoints may answer there."""
    dead: dict[str, list[Connection]] = {}
    for one in seen.connections or ():
        ours = one.protocol is Protocol.UDP and one.dialled in services
        if ours and one.answered_by not in answering[one.dialled]:
            dead.setdefault(services[one.dialled], []).append(one)
    return (
        *_table(node, seen, vantage),
        *_lost(node, seen.counts, vantage),
        *(_dead(node, service, flows, vantage) for service, flows in sorted(dead.items())),
    )


def _lost(node: Node, counts: Mapping[str, int], vantage: str) -> Iterator[Finding]:
    lost = [f"{name} {counts[name]}" for name in ("insert_failed", "drop") if counts.get(name)]
    if lost:
        command = _cat(vantage, "/proc/net/stat/nf_conntrack")
        yield finding("SVN514", " and ".join(lost), node=node.name, next=command)


def _dead(node: Node, service: str, flows: Sequence[Connection], vantage: str) -> Finding:
    first = flows[0]
    namespace, _, pod = vantage.partition("/")
    untranslated = first.answered_by == first.dialled
    where = "on untranslated" if untranslated else f"to {first.answered_by}"
    verb = "goes" if len(flows) == 1 else "go"
    return finding(
        "SVN515",
        f"{counted(len(flows), 'flow')} for {first.dialled}/UDP {verb} {where}, no endpoint of it",
        service=service,
        node=node.name,
        evidence=(f"/proc/net/nf_conntrack: first from {first.source}",),
        next=f"kubectl -n {namespace} delete pod {pod}",
    )
