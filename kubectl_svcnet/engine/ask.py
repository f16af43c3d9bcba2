"""Which packets stand for the clients of a frontend on one node (product.md, "Clients asked").

A ClusterIP is dialled by a pod of the node, by an endpoint of the Service there (itself), and by
a process of the node; a NodePort, load balancer IP or external IP by a pod, the node, a pod of
another node, and from outside.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from ..model.address import Family, IPAddress, IPNetwork, family_of
from ..model.finding import Gap
from ..model.nodeview import NodeView
from ..model.packet import Client, Hook, Packet
from ..model.proxystate import UNKNOWN, Conduct
from ..model.report import Asked
from ..model.service import Endpoint, Frontend, FrontendKind, Node, Pod, Service, dialled
from .expect import Dial, expect
from .simulate import Routing

#: Outside addresses to try, from the blocks that RFC 5737 and RFC 3849 keep for documentation.
_OUTSIDE = tuple(
    ip_address(text)
    for text in ("198.51.100.77", "203.0.113.77", "192.0.2.77", "2001:db8:77::77", "3fff::77")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """`maybe_pod`: it may lie in the cluster's pod range, of which only the nodes' are known."""

    address: IPAddress | None
    note: str = ""
    maybe_pod: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """Who may be the client on one node. `pods` and `elsewhere` are None where their list was
    not read; `known` are all ranges of the cluster, which the outside keeps clear of. `conduct`
    is that of the node's kube-proxy, in whatever mode; `chosen` goes before all other pods."""

    node: Node
    pods: tuple[Pod, ...] | None
    elsewhere: tuple[tuple[Node, tuple[Pod, ...] | None], ...] = ()
    known: tuple[IPNetwork, ...] = ()
    conduct: Conduct = UNKNOWN
    chosen: Pod | None = None


@dataclass(slots=True)
class Questions:
    asked: list[Asked] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)


def ask(
    service: Service,
    frontend: Frontend,
    endpoints: tuple[Endpoint, ...],
    view: NodeView,
    around: Neighbourhood,
    routing: Routing | None = None,
) -> Questions:
    """The packets of all clients of one frontend on one node, each with what the API wants.

    `endpoints` are those of the frontend's port; `routing` is the view's, if it is made already.
    """
    questions = Questions()
    target = dialled(frontend, around.node)
    if target is None:
        return questions
    routing = routing or Routing(view)
    conduct = replace(around.conduct, ipvs=view.own.ipvs)
    for client, sender in _clients(service, frontend, endpoints, around, questions):
        device = routing.way(sender.address).device if sender.address else None
        outgoing = client is Client.NODE
        packet = Packet(
            hook=Hook.OUTPUT if outgoing else Hook.PREROUTING,
            protocol=frontend.protocol,
            source=None if outgoing else sender.address,
            destination=target,
            destination_port=frontend.port,
            in_interface=None if outgoing else device,
        )
        treated = Client.POD_ELSEWHERE if sender.maybe_pod else client
        expectation = expect(
            service,
            frontend,
            endpoints,
            around.node,
            Dial(client=treated, source=sender.address, device=packet.in_interface),
            conduct,
        )
        questions.asked.append(
            Asked(client=client, packet=packet, expectation=expectation, note=sender.note)
        )
    return questions


def _clients(
    service: Service,
    frontend: Frontend,
    endpoints: tuple[Endpoint, ...],
    around: Neighbourhood,
    questions: Questions,
) -> Iterable[tuple[Client, Sender]]:
    taken = frozenset(e.address.address for e in endpoints)
    family, node = frontend.family, around.node
    chosen = around.chosen
    pod = _pod(node, around.pods, family, taken, chosen)
    if pod is None:
        questions.gaps.append(_no_client(Client.POD, node, family))
    else:
        yield Client.POD, pod
    own = next((a for a in node.addresses if family_of(a) is family), None)
    yield Client.NODE, Sender(address=own)
    if frontend.kind is FrontendKind.CLUSTER_IP:
        here = [e for e in endpoints if e.node == node.name and _own_address(e, node)]
        if here:
            mine = chosen.addresses if chosen else ()
            first = min(here, key=lambda e: e.address.address not in mine)
            yield Client.SELF, Sender(address=first.address.address, note=first.pod)
        return
    elsewhere = (
        _pod(other, pods, family, taken, chosen)
        for other, pods in sorted(
            around.elsewhere,
            key=lambda each: (chosen is None or each[0].name != chosen.node, each[1] is None),
        )
    )
    found = next((sender for sender in elsewhere if sender is not None), None)
    if found is not None:
        yield Client.POD_ELSEWHERE, found
    elif around.elsewhere:
        questions.gaps.append(_no_client(Client.POD_ELSEWHERE, node, family))
    for sender in _outsiders(service, frontend, around.known):
        yield Client.EXTERNAL, sender


def _own_address(endpoint: Endpoint, node: Node) -> bool:
    """A hostNetwork endpoint has no address of its own: its packets are the node's."""
    return endpoint.address.address not in node.addresses


def _pod(
    node: Node,
    pods: tuple[Pod, ...] | None,
    family: Family,
    taken: frozenset[IPAddress],
    chosen: Pod | None,
) -> Sender | None:
    """The chosen pod, or the first running one by name, with an address of its own that is no
    endpoint; else a free address of the node's podCIDR, which is assumed."""
    used = set(taken)
    for pod in sorted(pods or (), key=lambda pod: (pod != chosen, pod.name)):
        if pod.host_network or pod.phase != "Running":
            continue
        for address in pod.addresses:
            used.add(address)
            if family_of(address) is family and address not in taken:
                return Sender(address=address, note=str(pod))
    for cidr in node.pod_cidrs:
        if family_of(cidr) is family and cidr.num_addresses > 4:
            top = min(cidr.num_addresses, 256) - 2
            free = next(cidr[index] for index in range(top, 0, -1) if cidr[index] not in used)
            return Sender(address=free, note="a free address of the node's podCIDR (assumed)")
    return None


def _no_client(client: Client, node: Node, family: Family) -> Gap:
    return Gap(
        what=f"client {client.value}",
        node=node.name,
        why=f"no running pod with an {family.value} address of its own and no podCIDR is known, "
        "so this client was not asked",
        next=f"kubectl get pods -A -o wide --field-selector spec.nodeName={node.name}",
    )


def _outsiders(
    service: Service, frontend: Frontend, known: tuple[IPNetwork, ...]
) -> Iterable[Sender]:
    """An address outside every known range; with source ranges one inside and one outside.

    A source range around a node's pod range may be the cluster's pod range, or part of it: there
    kube-proxy's detect-local mode decides what an address is, so either treatment is right.
    """
    outside = [
        a
        for a in _OUTSIDE
        if family_of(a) is frontend.family
        and not any(a in n for n in known if n.version == a.version)
    ]
    ranges = [r for r in service.source_ranges if family_of(r) is frontend.family]
    if frontend.kind is not FrontendKind.LOAD_BALANCER_IP or not ranges:
        return [Sender(address=address) for address in outside[:1]]
    inside = _inside(ranges[0], known)
    around_pods = any(
        n.version == ranges[0].version and n.num_addresses > 1 and n.overlaps(ranges[0])
        for n in known
    )
    refused = [a for a in outside if not any(a in r for r in ranges)]
    return [
        *([Sender(address=inside, maybe_pod=around_pods)] if inside else []),
        *(Sender(address=address) for address in refused[:1]),
    ]


def _inside(block: IPNetwork, known: tuple[IPNetwork, ...]) -> IPAddress | None:
    """An address of `block` that is in no pod or node range, as far as a few tries tell."""
    for offset in (77, 1, 200, 0):
        if offset < block.num_addresses:
            address = block[offset]
            if not any(address in n for n in known if n.version == address.version):
                return address
    return None
