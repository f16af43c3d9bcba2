"""A cluster, or a bundle of one, as a `State`: what `diff` compares.

Everything is read as the other commands read it, once, and put into lines that are the same
whenever they mean the same. Left out is what moves by itself: counters, times, how full a range
is, which object states it, routes to single pods, sysctls of single devices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ..dataplanes import owner_of
from ..dataplanes.kube_proxy import proxy_pod
from ..engine.chain_lines import chain_lines, nft_chain_lines, set_lines
from ..errors import SvcnetError
from ..model import nft
from ..model.address import Family, family_of
from ..model.capture import Recorded, Source
from ..model.fate import Backend
from ..model.finding import Gap
from ..model.nodeview import NodeView
from ..model.options import Options
from ..model.proxystate import ProxyState
from ..model.report import Collected
from ..model.service import Endpoint, Inventory, Node, Service, pods_on
from ..model.state import State
from ..node.vantage import choose
from .collect import Collector
from .dumps import FAMILIES
from .inventory import Scope, ServicesRead, read_nodes, read_services
from .leftovers import read_whole
from .nodes import NodeReading
from .proxy import run as read_proxies
from .ranges import run as read_ranges

Facts = Iterable[tuple[str, tuple[str, ...]]]


@dataclass(slots=True)
class _State:
    facts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)

    def add(self, facts: Facts) -> None:
        self.facts.update(facts)


def read_state(source: Source, options: Options) -> tuple[State, Collected]:
    """Raises UsageError for a node that does not exist."""
    collector = Collector(source, max_parallel=options.max_parallel)
    inventory, gaps = read_nodes(collector, selector=options.node_selector, names=options.nodes)
    state = _State()
    for gap in gaps:
        state.unread["nodes"] = gap.why
    _services(state, read_services(collector, (Scope(),)))
    nodes = inventory.nodes or ()
    for node in nodes:
        state.add([(f"nodes/{node.name}", _node(node))])
    views = collector.map(lambda node: _view(collector, inventory, node), nodes)
    for node, (view, missing) in zip(nodes, views, strict=True):
        if view is not None:
            state.add(_rules(f"nodes/{node.name}", view))
        state.unread.update({f"nodes/{node.name}/{what}": why for what, why in missing})
    _proxies(state, _anew(source), options)
    _ranges(state, _anew(source), options)
    read = sum(1 for view, _ in views if view is not None)
    collected = collector.collected(nodes=len(nodes), nodes_read=read)
    return State(facts=state.facts, unread=state.unread), collected


def _anew(source: Source) -> Source:
    """Of a bundle the first reading again, not the next one."""
    return source.apart() if isinstance(source, Recorded) else source


# The API


def _services(state: _State, read: ServicesRead) -> None:
    if not read.readable and not read.services:
        state.unread["services"] = "; ".join(dict.fromkeys(gap.why for gap in read.gaps))
    for service in read.services:
        path = f"services/{service.name}"
        state.add([(path, tuple(_service(service)))])
        if service.name in read.blind:
            state.unread[f"{path}/endpoints"] = read.gaps[0].why
        else:
            found = read.endpoints.get(service.name, ())
            state.add([(f"{path}/endpoints", tuple(sorted(map(_endpoint, found))))])


def _service(service: Service) -> Iterator[str]:
    yield f"type {service.type}" + (", headless" if service.headless else "")
    for what, values in (
        ("ClusterIP", service.cluster_ips),
        ("external IP", service.external_ips),
        ("load balancer IP", service.load_balancer_ips),
        ("source range", service.source_ranges),
    ):
        yield from (f"{what} {value}" for value in values)
    for port in service.ports:
        node_port = f", node port {port.node_port}" if port.node_port else ""
        name = f"{port.name} " if port.name else ""
        target = f" to {port.target_port}" if port.target_port else ""
        yield f"port {name}{port.port}/{port.protocol.value}{target}{node_port}"
    yield from (f"selector {key}={value}" for key, value in sorted(service.selector.items()))
    for what, value in (
        ("internalTrafficPolicy", "Local" if service.internal_local else ""),
        ("externalTrafficPolicy", "Local" if service.external_local else ""),
        ("sessionAffinity ClientIP for", service.affinity_seconds),
        ("external name", service.external_name),
        ("proxy", service.other_proxy),
        ("health check node port", service.health_check_node_port),
        ("publishes", "addresses that are not ready" if service.publish_not_ready else ""),
    ):
        if value:
            yield f"{what} {value}"


def _endpoint(one: Endpoint) -> str:
    said = [
        word
        for word, holds in (
            ("ready", one.ready),
            ("not ready", not one.ready),
            ("serving", one.terminating and one.serving),
            ("terminating", one.terminating),
        )
        if holds
    ]
    pod = f" pod {one.pod}" if one.pod else ""
    node = f" on {one.node}" if one.node else ""
    return f"{one.address}/{one.protocol.value}{pod}{node}, {', '.join(said)}"


def _node(node: Node) -> tuple[str, ...]:
    said = [f"address {address}" for address in node.addresses]
    said += [f"podCIDR {cidr}" for cidr in node.pod_cidrs]
    said += [f"kubelet {node.kubelet}", f"kernel {node.kernel}"]
    return (*said, *(() if node.ready else ("not ready",)))


# Nodes


def _view(
    collector: Collector, inventory: Inventory, node: Node
) -> tuple[NodeView | None, list[tuple[str, str]]]:
    """What is known of its kernel, and the parts of it that were not read, with the reason."""
    agents = pods_on(node, inventory.agents)
    vantage = choose(node, agents)
    if isinstance(vantage, Gap):
        return None, [(part, vantage.why) for part in ("rules", "network")]
    reading = NodeReading(
        node=node, owner=owner_of(node, agents), vantage=vantage, proxy=proxy_pod(agents)
    )
    view, gaps = read_whole(collector, reading)
    if view is None:
        return None, [("rules", "no pod to read it through")]
    missing = [("rules", gap.why) for gap in gaps if gap.blocking]
    missing += [
        (f"network/routes of {family.value}", "no route was read")
        for family in sorted(FAMILIES)
        if not any(family_of(r.destination.network_address) is family for r in view.routes or ())
    ]
    if not view.sysctls:
        missing.append(("network/sysctls", "the sysctls were not read"))
    if view.ipvs is None:
        missing.append(("ipvs", "the virtual servers were not read"))
    if not _whole(view):
        missing.append(("rules", "its rules were not read whole"))
    return view, missing


def _whole(view: NodeView) -> bool:
    """Of each family some backend was listed, and what was listed is all there is."""
    families = {family for family, _ in view.rulesets}
    return families == FAMILIES and all(one.complete for one in view.rulesets.values())


def _rules(path: str, view: NodeView) -> Iterator[tuple[str, tuple[str, ...]]]:
    for (family, backend), ruleset in view.rulesets.items():
        for table in ruleset.tables.values():
            legacy = "legacy:" if backend is Backend.LEGACY else ""
            where = f"{path}/rules/{legacy}{nft.NAMES[family]} {table.name}"
            for chain in table.chains.values():
                if chain.rules or chain.policy != "ACCEPT":  # else it is as if it were not there
                    yield f"{where}/{chain.name}", chain_lines(chain)
    for native in view.nft_tables:
        for name, one in native.chains.items():
            yield f"{path}/rules/{native}/{name}", nft_chain_lines(one)
        for name, found in native.sets.items():
            yield f"{path}/rules/{native}/@{name}", set_lines(found)
    for foreign in view.foreign_tables:
        yield f"{path}/rules/{foreign.family} {foreign.name}", ()
    for server in view.ipvs.servers if view.ipvs else ():
        lines = (server.text, *sorted(real.text for real in server.servers))
        kind = server.protocol.value if server.protocol else "FWM"
        yield f"{path}/ipvs/{server.name} {kind}", lines
    yield f"{path}/network/sysctls", tuple(sorted(_sysctls(view.sysctls)))
    for family in sorted(FAMILIES):
        yield f"{path}/network/routes of {family.value}", tuple(sorted(set(_routes(view, family))))


def _sysctls(found: Mapping[str, str]) -> Iterator[str]:
    return (f"{name} = {value}" for name, value in found.items() if ".conf." not in name)


def _routes(view: NodeView, family: Family) -> Iterator[str]:
    """Those to networks: pods come and go, and with them their devices."""
    for route in view.routes or ():
        network = route.destination
        if family_of(network.network_address) is not family:
            continue
        if network.is_link_local or network.is_multicast:
            continue
        if route.kind == "unicast" and network.prefixlen < network.max_prefixlen:
            via = f" via {route.gateway}" if route.gateway else ""
            yield f"{network}{via} dev {route.interface or '?'} table {route.table}"


def _proxies(state: _State, source: Source, options: Options) -> None:
    try:
        report = read_proxies(source, options)
    except SvcnetError:
        return  # the nodes were not read, which is said of them
    for proxy in report.proxies:
        for what, line in _proxy(proxy):
            path = f"nodes/{proxy.node}/proxy/{what}"
            if line:
                state.facts[path] = (line,)
            else:
                state.unread[path] = "not known"


def _proxy(proxy: ProxyState) -> Iterator[tuple[str, str]]:
    """What is "" is not known."""
    if not proxy.pod:
        yield "dataplane", proxy.owner
        return
    configured = proxy.configured
    yield "configured", (configured.mode or "default") if configured else ""
    yield "running", proxy.running
    shown = proxy.programmed
    yield "programmed", "" if shown is None else ", ".join(shown) or "nothing"
    yield "version", proxy.version
    yield "clusterCIDR", ", ".join(map(str, configured.cluster_cidr)) or "-" if configured else ""
    process = {"": "", "T": "stopped", "Z": "zombie"}
    yield "process", process.get(proxy.process, "running")


def _ranges(state: _State, source: Source, options: Options) -> None:
    try:
        report = read_ranges(source, options)
    except SvcnetError as error:
        state.unread["ranges"] = str(error)
        return
    for found in report.ranges:
        node = f" of {found.node}" if found.node else ""
        path = f"ranges/{found.kind.value} {found.text}{node}"
        state.facts[path] = tuple(sorted({claim.source for claim in found.claims}))
    unread = [gap for gap in report.gaps if gap.blocking or gap.next.startswith("kubectl auth")]
    if unread:
        state.unread["ranges"] = "; ".join(dict.fromkeys(gap.why for gap in unread))
